// @ts-check
/* Which runs are recorded, each in a file of its own, and the links that lead to them. */
"use strict";

/**
 * A recorded run: its name, in links and as a file, the lesson that it belongs to, and the query of what it trains.
 * @typedef {{id: string, lesson: string | null, query: string}} Title
 */

/** @typedef {{steps: number[], layers: Wire.Inside[][]}} Insides a run's layers at some steps */

const shelf = (() => {
  const MOST = 4;            // runs that are compared
  const OWN = ["lesson", "run", "before", "pins", "pin", "view", "panel", "layer", "at", "part"];

  /** @type {Title[] | undefined} */
  let read;
  /** @type {Record<string, Film>} by run */
  const films = {};
  /** @type {Record<string, Insides>} by run */
  const insides = {};
  /** @type {Record<string, Promise<void>>} by file */
  const asked = {};

  /** @type {() => Title[]} */
  const titles = () => (read ||= dom.data("recorded"));
  /** @type {(id: string | null) => Title | undefined} */
  const title = (id) => titles().find((one) => one.id === id);
  /** @type {(lesson: string | null, query: string) => Title | undefined} */
  const find = (lesson, query) => titles().find((one) => one.lesson === lesson && same(one.query, query));
  /** @type {(key: string | undefined | null) => Wire.Lesson | undefined} */
  const lesson = (key) => /** @type {Wire.Lesson[]} */ (dom.data("lesson-table")).find((one) => one.key === key);

  /** @type {(one: string, other: string) => boolean} whether queries spell the same, in whatever order */
  const same = (one, other) => sorted(one) === sorted(other);
  /** @type {(query: string) => string} */
  const sorted = (query) => String([...new URLSearchParams(query)].map(String).sort());

  /**
   * Bring a run in, once: as a script, since a page that was opened from a folder may not fetch.
   * @param {string} id of the run; with `-inside`, its layers inside
   * @returns {Promise<void>} rejected with a sentence
   */
  const open = (id) => (asked[id] ||= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `data/${id}.js`;
    script.onload = () => resolve();
    script.onerror = () => {
      delete asked[id];
      reject(new Error(`data/${id}.js can't be read: is the folder whole?`));
    };
    document.head.append(script);
  }));

  /**
   * What a file says when it has come.
   * @param {string} id
   * @param {Packed} packed
   */
  const add = (id, packed) => { films[id] = film.unwind(packed); };

  /**
   * What its other file says, of a run's layers inside.
   * @param {string} id
   * @param {Insides} packed
   */
  const addInside = (id, packed) => { insides[id] = packed; };

  /** @type {(id: string) => Film | undefined} */
  const get = (id) => films[id];

  /**
   * A layer inside at a step or before; null until its file has come.
   * @param {string} id
   * @param {number} layer
   * @param {number} step
   */
  function inside(id, layer, step) {
    const { steps, layers } = insides[id] || { steps: [], layers: [] };
    return layers[steps.filter((taken) => taken <= step).length - 1]?.[layer - 1] || null;
  }

  /**
   * The query that brings a session back, but for what the page adds by itself.
   * @param {Wire.Session} session
   */
  function link({ query, run, before, pins, lesson }) {
    const own = Object.entries({ run, before, pins: pins.join(","), lesson }).filter(([, value]) => value);
    return [query, ...own.map(([key, value]) => `${key}=${value}`)].filter(Boolean).join("&");
  }

  /**
   * What a link shows, and a sentence for what there is not.
   * @param {string} search
   * @returns {[Wire.Session, string]}
   */
  function opened(search) {
    const pairs = new URLSearchParams(search);
    const [own, rest] = [new Map(), new URLSearchParams()];
    for (const [key, value] of pairs) (OWN.includes(key) ? own : rest).set(key, value);
    const run = title(own.get("run")), taught = lesson(run ? run.lesson : own.get("lesson"));
    const asked = run ? run.query : rest.size ? String(rest) : taught ? taught.scenes[0].query : "";
    const there = find(taught ? taught.key : null, asked);
    const query = there ? there.query : taught ? taught.scenes[0].query : titles()[0].query;
    const notes = [
      own.has("lesson") && !lesson(own.get("lesson")) ? `Lesson ${own.get("lesson")} is not recorded here.` : "",
      own.has("run") && !run ? `Run ${own.get("run")} is not recorded here.` : "",
      there ? "" : "That network is not recorded here; in the lab itself it can be trained.",
    ];
    const runs = { run: run ? run.id : null, before: title(own.get("before"))?.id || null, pins: pinned(own) };
    const seen = sight(own, taught?.scenes.find((one) => one.query === query));
    return [{ ...seen, ...runs, query, lesson: taught?.key || null }, notes.filter(Boolean).join(" ")];
  }

  /** @type {(own: Map<string, string>) => string[]} */
  const pinned = (own) => (own.get("pins") || own.get("pin") || "").split(",").filter((id) => title(id)).slice(0, MOST);

  /**
   * @param {Map<string, string>} own
   * @param {Wire.Look} [scene]
   */
  function sight(own, scene) {
    const { views, panels } = charts.tables();
    /** @type {(rows: {key: string}[], key: string | undefined) => string} */
    const among = (rows, key) => (rows.find((one) => one.key === key) || rows[0]).key;
    const count = (/** @type {string} */ key) => Math.floor(Number(own.get(key))) || 0;
    return {
      view: among(views, own.get("view") || scene?.view),
      panel: among(panels, own.get("panel") || scene?.panel),
      layer: Math.max(1, count("layer")),
      at: count("at") > 0 ? count("at") : null,
      part: "",
    };
  }

  return { open, add, addInside, get, inside, title, find, lesson, link, opened };
})();
