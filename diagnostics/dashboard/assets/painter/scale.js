// @ts-check
/* Axes: from values to pixels, and where their ticks are. */
"use strict";

/**
 * @typedef {object} Scale
 * @property {(value: number | string | null) => number} at a value's pixel, NaN where it has none
 * @property {(place: number) => number} spot the pixel of a place on the axis: of a logarithm, on a logarithmic one
 *
 * @typedef {{value: number | string, text: string}} Tick
 */

const scale = (() => {
  const FARTHEST = 1e5;      // pixels: canvases lose precision beyond

  /**
   * @param {Axis} axis
   * @param {number} from the pixel at which it begins
   * @param {number} to
   * @param {string[]} names of an axis of categories
   * @returns {Scale}
   */
  function of({ type, range = [0, 1] }, from, to, names) {
    const [low, high] = range;
    const each = (to - from) / (high - low);
    /** @type {(place: number) => number} */
    const spot = (place) => Math.max(-FARTHEST, Math.min(FARTHEST, from + (place - low) * each));
    /** @type {(value: number | string) => number} */
    const place = (value) =>
      (typeof value === "string" ? names.indexOf(value) : type === "log" ? Math.log10(value) : value);
    /** @type {Scale["at"]} */
    const at = (value) => {
      const found = value === null ? NaN : place(value);
      return Number.isFinite(found) ? spot(found) : NaN;
    };
    return { at, spot };
  }

  /**
   * @param {Axis} axis
   * @param {number} most ticks that have room
   * @param {string[]} names
   * @returns {Tick[]} those in its range
   */
  function ticks(axis, most, names) {
    const [low, high] = axis.range || [0, 1];
    if (axis.type === "category") return names.map((name) => ({ value: name, text: name }));
    const crowded = !axis.tickvals || axis.tickvals.length > Math.max(1, most);
    const log = axis.type === "log" && crowded ? axes.decades([low, high], Math.max(1, most)) : axis;
    const values = log.tickvals || even(low, high, Math.min(most, axis.nticks || most));
    const text = log.ticktext;
    const told = values.map((value, i) => ({ value, text: text ? text[i] : label(value, axis.tickformat) }));
    /** @type {(value: number) => number} */
    const place = (value) => (axis.type === "log" ? Math.log10(value) : value);
    return told.filter(({ value }) => place(value) >= low - 1e-9 && place(value) <= high + 1e-9);
  }

  /** @type {(value: number, format?: string) => string} */
  const label = (value, format) => (format ? formats.number(format, value) : formats.tick(value));

  /**
   * Round numbers at even distances.
   * @param {number} low
   * @param {number} high
   * @param {number} most
   */
  function even(low, high, most) {
    const step = axes.round((high - low) / Math.max(1, most));
    const first = Math.ceil(low / step - 1e-9);
    const count = Math.floor(high / step + 1e-9) - first + 1;
    return Array.from({ length: Math.max(0, count) }, (_, i) => (first + i) * step);
  }

  return { of, ticks };
})();
