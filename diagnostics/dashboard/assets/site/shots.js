// @ts-check
/* The frame of a recorded run that somebody watches, with those beside it. */
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
  function running(film, { run, pins, before: last, query, view, at, layer }) {
    const { place, going } = player.course(), newest = place + 1;
    const others = beside({ run, pins, before: last }).filter(shelf.get);
    const end = player.over() ? film.steps.length + 1 : newest;
    const grown = film.shot(view, end);
    const seen = at === null || at > film.steps[place] ? grown : film.shot(view, nearest(film.steps, at) + 1);
    const step = film.steps[Math.min(end, nearest(film.steps, seen.now ? seen.now.step : 0) + 1) - 1];
    const state = player.over() ? grown.state : going ? "running" : "paused";
    const now = { run, query, state, newest: film.steps[place] };
    /** @type {Wire.Frame} */
    const frame = { ...seen, ...now, beside: others.map((id) => another(id, pins, view, step)) };
    frame.history = told(film, grown, layer, place, others);
    return { frame, learned: { ...film.learned(step), run, heldout: heldout(grown, step) } };
  }

  /**
   * A history with what is chosen of one layer.
   * @param {Film} film
   * @param {Wire.Frame} frame
   * @param {number} layer
   * @param {number} place
   * @param {string[]} others
   */
  function told(film, { history, view, layers }, layer, place, others) {
    const ratios = film.steps.slice(0, place + 1).map((_, i) =>
      film.shot(view, i + 1).now?.metrics.update_ratio[Math.min(layer, layers) - 1] ?? null);
    const lives = film.lives(layer, film.steps[place]);
    const series = others.flatMap((id) => whole(id, view).history || []);
    return history && { ...history, updates: ratios, lives, beside: series };
  }

  /**
   * The runs beside one: that before it, then those chosen.
   * @param {{run: string | null, pins: string[], before: string | null}} session
   */
  const beside = ({ run, pins, before: last }) =>
    [...new Set([...(last ? [last] : []), ...pins])].filter((id) => id !== run);

  /** @type {(id: string) => Film} */
  const known = (id) => /** @type {Film} */ (shelf.get(id));
  /** @type {(id: string, view: string) => Wire.Frame} a run as it is left */
  const whole = (id, view) => known(id).shot(view, known(id).steps.length + 1);

  /**
   * Another run at the same step.
   * @param {string} id
   * @param {string[]} pins
   * @param {string} view
   * @param {number} step
   * @returns {Wire.Beside}
   */
  function another(id, pins, view, step) {
    const { steps, title, shot } = known(id);
    return { run: id, name: title, ghost: !pins.includes(id), now: shot(view, nearest(steps, step) + 1).now };
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

  return { before, beside, running };
})();
