// @ts-check
/* Draws charts by Plotly: in a report, which has it within itself. */
"use strict";

const plotly = (() => {
  const OPTIONS = { displaylogo: false, responsive: true, modeBarButtons: [["toImage"]] };

  /** @type {(key: string) => HTMLElement} */
  const plot = (key) => dom.$(`plot-${key}`);

  /** @type {Hand["draw"]} */
  function draw(key, { data, layout }) {
    layout.datarevision = (layout.datarevision || 0) + 1;
    const toImageButtonOptions = { filename: `gradient-${key}`, scale: 2 };
    Plotly.react(plot(key), data, layout, { ...OPTIONS, toImageButtonOptions });
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
