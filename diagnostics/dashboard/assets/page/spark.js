// @ts-check
/* A run's loss as a small line without axes. */
"use strict";

const spark = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const [WIDTH, HEIGHT, EDGE] = [76, 26, 2];

  /**
   * Where its points are; a gap where there is no number.
   * @param {Numbers} values
   * @returns {string} as SVG's paths say it
   */
  function path(values) {
    const known = values.filter((value) => value !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    /** @type {(value: number) => number} */
    const up = (value) => HEIGHT - EDGE - ((value - low) / (high - low || 1)) * (HEIGHT - 2 * EDGE);
    let pen = "M";
    return values.map((value, i) => {
      if (value === null) { pen = "M"; return ""; }
      const at = `${pen}${((i / Math.max(1, values.length - 1)) * WIDTH).toFixed(1)} ${up(value).toFixed(1)}`;
      pen = "L";
      return at;
    }).join("");
  }

  /**
   * @param {Numbers} values
   */
  function of(values) {
    const [svg, line] = ["svg", "path"].map((name) => document.createElementNS(SVG, name));
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("aria-hidden", "true");
    line.setAttribute("d", path(values));
    svg.append(line);
    return svg;
  }

  return { of, path };
})();
