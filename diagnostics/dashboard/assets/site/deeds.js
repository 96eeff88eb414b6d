// @ts-check
/* What is done when somebody wishes something of recorded runs: sessions in, sessions out. */
"use strict";

const deeds = (() => {
  /** @typedef {[Wire.Session, string?]} Done a session, and what could not be */
  /** @typedef {(session: Wire.Session, value: any) => Done | Promise<Done>} Deed */

  const MOST = 4;            // runs that are compared
  const MISSING = "That network is not recorded here; in the lab itself it can be trained.";

  /** @type {Partial<Record<Wire.Deed, Deed>>} */
  const KNOWN = {
    play(session) {
      const { run, going } = player.course();
      if (!session.run || session.run !== run || player.over()) return again(session);
      player.go(!going);
      return [session];
    },
    again,
    async step(session) {
      if (!session.run || player.over()) [session] = await again(session);
      else player.step();
      player.go(false);
      return [{ ...session, at: null }];
    },
    pin(session, chosen) {
      const id = chosen || session.run, { pins } = session;
      if (!id) throw new Error("There is no run to pin yet: press Train.");
      return [{ ...session, pins: pins.includes(id) ? pins.filter((one) => one !== id) : [...pins, id].slice(-MOST) }];
    },
    reset: (session) => [leave(session)],
    changes: (session, { query }) => anew({ ...session, query }),
    scene(session, { query, view, panel }) {
      const seen = { ...session, view, panel };
      return query === session.query ? [seen] : anew({ ...seen, query });
    },
    async lesson(session, key) {
      const lesson = shelf.lesson(key), left = { ...leave(session), lesson: lesson ? key : null };
      if (!lesson) return there({ ...left, query: shelf.opened("")[0].query });
      const { query, view, panel } = lesson.scenes[0];
      return there({ ...left, query, view, panel });
    },
    async link(_, search) {
      const [session, notes] = shelf.opened(search);
      await Promise.all(shots.beside(session).map(shelf.open));
      await there(session);
      player.load(session.run, steps(session.run), false);
      return [session, notes];
    },
  };

  /**
   * @param {Wire.Session} session
   * @param {Wire.Deed} kind
   * @param {any} value
   * @returns {Promise<Done>}
   */
  async function grant(session, kind, value) {
    const deed = KNOWN[kind];
    return deed ? deed(session, value) : [session];
  }

  /**
   * A session whose network's run has come from its file.
   * @param {Wire.Session} session
   * @returns {Promise<Done>}
   */
  async function there(session) {
    const title = shelf.find(session.lesson, session.query);
    if (!title) throw new Error(MISSING);
    await shelf.open(title.id);
    return [session];
  }

  /**
   * The run of what is chosen, from its first step; the one before it stays behind, dotted.
   * @param {Wire.Session} session
   * @returns {Promise<Done>}
   */
  async function again(session) {
    await there(session);
    const id = shelf.find(session.lesson, session.query)?.id || null;
    player.load(id, steps(id), true);
    const before = session.run && session.run !== id ? session.run : session.before;
    return [{ ...session, run: id, before, at: null }];
  }

  /** @type {(id: string | null) => number[]} */
  const steps = (id) => (id && shelf.get(id)?.steps) || [];
  /** @type {(session: Wire.Session) => Promise<Done>} */
  const anew = (session) => (session.run ? again(session) : there(session));

  /**
   * @param {Wire.Session} session
   * @returns {Wire.Session}
   */
  function leave(session) {
    player.load(null, [], false);
    return { ...session, run: null, before: null, pins: [], at: null, part: "" };
  }

  return { grant };
})();
