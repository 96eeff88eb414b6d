// @ts-check
/* A recorded run, unwound: what the page would be sent at each of its steps. */
"use strict";

/**
 * A run as `diagnostics/site/film.py` packs it; places 0 are before training, the last ones the run as it is left.
 * @typedef {object} Packed
 * @property {string} title
 * @property {number[]} steps
 * @property {any[]} metrics
 * @property {Record<string, any[]>} views
 * @property {any[]} learned
 * @property {{steps: number[], dead: string[]}[]} lives
 */

/**
 * @typedef {object} Film
 * @property {string} title
 * @property {number[]} steps those kept
 * @property {(view: string, place: number) => Wire.Frame} shot
 * @property {(step: number) => Wire.Learned} learned the newest picture at or before a step
 * @property {(layer: number, step: number) => Wire.Lives} lives up to a step
 */

const film = (() => {
  /**
   * A value after a change; `change` in `diagnostics/site/compact.py` says what there is.
   * @param {any} before
   * @param {any} change
   * @returns {any}
   */
  function grown(before, change) {
    if (change === null || typeof change !== "object" || Array.isArray(change)) return change;
    if ("=" in change) return change["="];
    if ("+" in change) return [...before, ...change["+"]];
    if ("|" in change) return longer(before, change["|"]);
    const next = Array.isArray(before) ? [...before] : { ...before };
    for (const [key, value] of Object.entries(change)) next[key] = grown(before[key], value);
    return next;
  }

  /** @type {(rows: any[][], tails: any[][]) => any[][]} */
  const longer = (rows, tails) => rows.map((row, i) => [...row, ...tails[i]]);

  /**
   * @param {any[]} chain
   * @returns {any[]}
   */
  function unwound([first, ...changes]) {
    const all = [first];
    for (const change of changes) all.push(grown(all[all.length - 1], change));
    return all;
  }

  /**
   * @param {Packed} packed
   * @returns {Film}
   */
  function unwind({ title, steps, metrics, views, learned, lives }) {
    const shared = unwound(metrics);
    /** @type {Wire.Learned[]} */
    const pictures = unwound(learned);
    /** @type {Record<string, any[]>} each unwound when it is looked at */
    const seen = {};
    const shots = (/** @type {string} */ view) => (seen[view] ||= unwound(views[view]));
    return {
      title,
      steps,
      shot: (view, place) => {
        const frame = shots(view in views ? view : Object.keys(views)[0])[place];
        return { ...frame, now: frame.now && { ...frame.now, metrics: shared[place] } };
      },
      learned: (step) => pictures.filter((one) => (one.step || 0) <= step).pop() || pictures[0],
      lives: (layer, step) => alive(lives[layer - 1] || { steps: [], dead: [] }, step),
    };
  }

  /**
   * @param {{steps: number[], dead: string[]}} all
   * @param {number} step
   * @returns {Wire.Lives}
   */
  function alive({ steps, dead }, step) {
    const until = steps.filter((looked) => looked <= step);
    const rows = dead.map((unit) => unit.slice(0, until.length));
    const times = (/** @type {RegExp} */ turn) => rows.reduce((sum, unit) => sum + (unit.match(turn) || []).length, 0);
    const flags = rows.map((unit) => [...unit].map(Number));
    return { steps: until, dead: flags, died: times(/^1|01/g), revived: times(/10/g) };
  }

  return { grown, unwind };
})();
