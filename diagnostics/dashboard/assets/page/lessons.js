// @ts-check
/* The lesson that a session is in. */
"use strict";

const lessons = (() => {
  const OVER = ["finished", "diverged", "stopped"];

  /** @type {Wire.Lesson[] | undefined} */
  let read;
  /** @type {Wire.Scene | null} the scene in sight */
  let now = null;
  /** @type {number | null} the place that was wished for and is not in sight yet: who presses on goes on from there */
  let next = null;

  /**
   * Show it, or nothing where there is none.
   * @param {Wire.Session} session
   * @param {Sight} sight
   */
  function show(session, { view, panel }) {
    /** @type {Wire.Lesson[]} */
    const all = (read ||= dom.data("lesson-table"));
    const place = all.findIndex(({ key }) => key === session.lesson);
    dom.$("lesson-card").hidden = place < 0;
    light(place < 0 ? [] : all[place].sentences.flatMap((one) => one.charts));
    now = null;
    if (place < 0) return;
    const { title, sentences, source: cited, scenes, sweep } = all[place];
    dom.text("lesson-title", `${place + 1}. ${title}`);
    dom.text("lesson-text", sentences.map((one) => one.words).join(" "));
    dom.text("lesson-source", cited);
    dom.$("lesson-sweep").hidden = !sweep || !source.live();
    dom.$("lesson-sweep").setAttribute("href", `/sweep?${sweep}`);
    const same = scenes.filter(({ query }) => query === session.query);
    /** @type {(of: Wire.Scene) => boolean} */
    const on = (of) => same.includes(of) && (same.length === 1 || (of.view === view && of.panel === panel));
    now = scenes.find(on) || null;
    dom.fill("scenes", scenes.map((of) => ({ of, on: on(of) })), scene);
    dom.fill("turns", [place], () => turns(all, place));
  }

  /**
   * What has been seen, once the scene's run is over.
   * @param {string} state the run's
   */
  const over = (state) => dom.text("lesson-seen", now && OVER.includes(state) ? now.seen : "");

  /**
   * Light up the charts that a lesson speaks of.
   * @param {string[]} which
   */
  function light(which) {
    for (const { key } of charts.tables().charts) {
      dom.$(`card-${key}`).classList.toggle("spoken-of", which.includes(key));
    }
  }

  /**
   * @param {{of: Wire.Scene, on: boolean}} scene
   */
  function scene({ of: { label, query, view, panel }, on }) {
    const made = dom.button(label, () => wishes.make("scene", { query, view, panel }));
    made.setAttribute("aria-pressed", String(on));
    return made;
  }

  /**
   * Back and on.
   * @param {Wire.Lesson[]} all
   * @param {number} place
   */
  function turns(all, place) {
    /** @type {(label: string, key: string, by: number) => HTMLButtonElement} */
    const turn = (label, key, by) => {
      const made = dom.button(label, () => go(all, (next ?? place) + by));
      return Object.assign(made, { title: `key ${key}`, disabled: !all[place + by] });
    };
    return dom.element("span", turn("← Back", "B", -1), turn("Next →", "N", 1));
  }

  /**
   * @param {Wire.Lesson[]} all
   * @param {number} place
   */
  async function go(all, place) {
    if (!all[place]) return;
    next = place;
    await wishes.make("lesson", all[place].key);
    if (next === place) next = null;
  }

  return { show, over };
})();
