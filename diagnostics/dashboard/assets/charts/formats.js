// @ts-check
/* Numbers in words: as templates of figures ask for them, and on axes. */
"use strict";

const formats = (() => {
  const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

  /** @type {(text: string) => string} */
  const minus = (text) => text.replace("-", "−");
  /** @type {(n: string) => string} */
  const raised = (n) => [...n].map((c) => (c === "-" ? "⁻" : c === "+" ? "" : RAISED[Number(c)])).join("");

  /**
   * A number by one of d3's formats: .2g, .1f, .0%, d.
   * @param {string} spec
   * @param {number} value
   */
  function number(spec, value) {
    const digits = Number((/\.(\d+)/.exec(spec) || ["", "6"])[1]);
    if (spec.endsWith("%")) return minus(`${(100 * value).toFixed(digits)}%`);
    if (spec.endsWith("f")) return minus(value.toFixed(digits));
    if (spec.endsWith("d")) return minus(String(Math.round(value)));
    return significant(value, digits);
  }

  /**
   * So many digits, times a power of ten where there were many zeros.
   * @param {number} value
   * @param {number} digits
   */
  function significant(value, digits) {
    const size = value ? Math.floor(Math.log10(Math.abs(value))) : 0;
    if (size >= -4 && size < Math.max(digits, 6)) return minus(String(Number(value.toPrecision(digits))));
    const [factor, power] = value.toExponential(digits - 1).split("e");
    return `${minus(factor)} × 10${raised(power)}`;
  }

  /**
   * A number's size, as diagnoses say it: 3 × 10¹², 10²⁶.
   * @param {number} value
   */
  function size(value) {
    const [factor, power] = value.toExponential(0).split("e");
    return `${factor === "1" ? "" : `${factor} × `}10${raised(power)}`;
  }

  /**
   * A template like "step %{x}: %{y:.3g}<extra></extra>" with a point's values in it.
   * @param {string} template
   * @param {Record<string, unknown>} point
   */
  function filled(template, point) {
    return template.replace(/<extra>.*<\/extra>/, "").replace(/%\{(\w+)(?::([^}]*))?\}/g, (_, name, spec) => {
      const value = point[name];
      if (typeof value !== "number") return String(value ?? "");
      return spec ? number(spec, value) : minus(String(value));
    });
  }

  /**
   * A tick of an axis of plain numbers: 0.5, 200, 10k, 2M.
   * @param {number} value
   */
  function tick(value) {
    const [times, letter] = Math.abs(value) >= 1e6 ? [1e6, "M"] : Math.abs(value) >= 1e4 ? [1e3, "k"] : [1, ""];
    return minus(String(Number((value / times).toPrecision(6)))) + letter;
  }

  return { number, size, filled, tick, raised };
})();
