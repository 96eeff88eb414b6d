// @ts-check
/* What the lines of the leading chart are, each beside a piece of it. */
"use strict";

const legend = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const [LONG, THICK] = [26, 2];
  const OTHERS = 6;          // the first line of a run compared, in the leading chart

  /** @typedef {{name: string, line: Line}} Entry */

  /**
   * The lines there are: the run in sight, the one before, those compared, and theory's.
   * @param {Wire.Frame} frame
   * @param {boolean} theory whether its line is drawn
   * @returns {Entry[]}
   */
  function entries(frame, theory) {
    const { label, name, beside: others } = frame;
    const before = alongside.ghost(frame);
    const chosen = others.filter(({ ghost }) => !ghost);
    return [
      { name: name || label, line: of(1) },
      ...(before ? [{ name: before.name, line: of(0) }] : []),
      ...chosen.map((one) => ({ name: one.name, line: of(OTHERS + alongside.place(one.run)) })),
      ...(theory ? [{ name: "theory", line: of(5) }] : []),
    ];
  }

  /**
   * The line that the leading chart draws as one of its traces.
   * @param {number} trace
   * @returns {Line}
   */
  function of(trace) {
    const { color, dash } = stage.trace("lead", trace).line || {};
    return { color, dash, width: THICK };
  }

  /**
   * A piece of a line.
   * @param {Line} line
   */
  function piece(line) {
    const [svg, path] = ["svg", "path"].map((name) => document.createElementNS(SVG, name));
    const style = { stroke: line.color || "", "stroke-width": THICK, "stroke-dasharray": paper.dashes(line).join(" ") };
    const box = { width: LONG, height: 3 * THICK, "aria-hidden": "true", class: "piece" };
    for (const [key, value] of Object.entries(box)) svg.setAttribute(key, String(value));
    for (const [key, value] of Object.entries({ ...style, d: `M0 ${1.5 * THICK}H${LONG}` })) {
      path.setAttribute(key, String(value));
    }
    svg.append(path);
    return svg;
  }

  /**
   * @param {Wire.Frame} frame
   * @param {boolean} theory
   */
  function show(frame, theory) {
    dom.fill("legend", entries(frame, theory), ({ name, line }) => dom.element("span", piece(line), name));
  }

  return { show, entries, piece, of, OTHERS };
})();
