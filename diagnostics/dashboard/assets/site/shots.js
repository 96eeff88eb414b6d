// @ts-check
/* The frame of a recorded run that somebody watches, with the one pinned behind it. */
"use strict";

const shots = (() => {
  /**
   * @param {Film} film
   * @param {Wire.Watch} watch
   */
  function before(film, { query, view }) {
    return { frame: { ...film.shot(view, 0), query }, learned: { ...film.learned(0), query } };
  }

  /**
   * A run so far, at the step in sight.
   * @param {Film} film
   * @param {Wire.Watch} watch
   */
  function running(film, { run, pin, query, view, at, layer }) {
    const { place, going } = player.course(), newest = place + 1;
    const last = player.over() ? film.steps.length + 1 : newest;
    const grown = film.shot(view, last);
    const seen = at === null || at > film.steps[place] ? grown : film.shot(view, nearest(film.steps, at) + 1);
    const step = film.steps[Math.min(last, nearest(film.steps, seen.now ? seen.now.step : 0) + 1) - 1];
    const state = player.over() ? grown.state : going ? "running" : "paused";
    /** @type {Wire.Frame} */
    const frame = { ...seen, run, query, state, newest: film.steps[place], ...pinned(pin, run, view, step) };
    frame.history = told(film, grown, layer, place, pin === run ? null : pin);
    return { frame, learned: { ...film.learned(step), run, heldout: heldout(grown, step) } };
  }

  /**
   * A history with what is chosen of one layer.
   * @param {Film} film
   * @param {Wire.Frame} frame
   * @param {number} layer
   * @param {number} place
   * @param {string | null} pin
   */
  function told(film, { history, view, layers }, layer, place, pin) {
    const ratios = film.steps.slice(0, place + 1).map((_, i) =>
      film.shot(view, i + 1).now?.metrics.update_ratio[Math.min(layer, layers) - 1] ?? null);
    const lives = film.lives(layer, film.steps[place]), behind = pin && shelf.get(pin);
    const pinned = behind ? behind.shot(view, behind.steps.length + 1).history : null;
    return history && { ...history, updates: ratios, lives, pinned };
  }

  /**
   * Another run at the same step.
   * @param {string | null} pin
   * @param {string | null} run
   * @param {string} view
   * @param {number} step
   */
  function pinned(pin, run, view, step) {
    const film = pin && pin !== run ? shelf.get(pin) : undefined;
    if (!film) return {};
    return { pinned: film.shot(view, nearest(film.steps, step) + 1).now, pinned_label: film.title };
  }

  /**
   * @param {Wire.Frame} frame
   * @param {number} step
   */
  function heldout({ history }, step) {
    return history ? history.accuracy[nearest(history.steps, step)] : null;
  }

  /**
   * The place of the step nearest to one.
   * @param {number[]} steps
   * @param {number} step
   */
  function nearest(steps, step) {
    const far = (/** @type {number} */ i) => Math.abs(steps[i] - step);
    return steps.reduce((best, _, i) => (far(i) < far(best) ? i : best), 0);
  }

  return { before, running };
})();
