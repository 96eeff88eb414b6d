// @ts-check
/* Draws charts by Plotly: in a report, which has it within itself. */
"use strict";

const plotly = (() => {
  const LINE = 15;           // pixels that a word is high
  const OPTIONS = { displaylogo: false, responsive: true, modeBarButtons: [["toImage"]] };

  /** @type {(key: string) => HTMLElement} */
  const plot = (key) => dom.$(`plot-${key}`);

  /** @type {Hand["draw"]} */
  function draw(key, { data, layout }) {
    layout.datarevision = (layout.datarevision || 0) + 1;
    const toImageButtonOptions = { filename: `gradient-${key}`, scale: 2 };
    const shown = { ...layout, annotations: apart(layout, size(key).height) };
    Plotly.react(plot(key), data, shown, { ...OPTIONS, toImageButtonOptions });
  }

  /**
   * Words at points, without those that would stand on others: the later have their room first, as on the page.
   * @param {Figure["layout"]} layout
   * @param {number} height of the chart
   */
  function apart({ annotations = [], yaxis: { range: [low, high] }, margin: { t, b } }, height) {
    /** @type {Annotation[]} */
    const kept = [];
    /** @type {(one: Annotation, other: Annotation) => boolean} */
    const meet = (one, other) => !one.yref && !other.yref && one.xanchor === other.xanchor
      && Math.abs(one.y - other.y) / (high - low) * (height - t - b) < LINE;
    for (const one of [...annotations].reverse()) if (!kept.some((other) => meet(one, other))) kept.unshift(one);
    return kept;
  }

  /** @type {Hand["fit"]} */
  const fit = () => {}; // it follows the window by itself

  /** @type {Hand["size"]} */
  function size(key) {
    const { clientWidth: width, clientHeight: height } = plot(key);
    return { width, height };
  }

  return { draw, fit, size };
})();
