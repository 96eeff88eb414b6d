// @ts-check
/* Where on a chart's canvas what is: the area between its axes, their ticks, what stands beside. */
"use strict";

/**
 * @typedef {{left: number, top: number, right: number, bottom: number}} Box in pixels of the page
 *
 * @typedef {object} Area
 * @property {Box} inner between the axes
 * @property {number} width of the whole chart
 * @property {number} height
 * @property {Scale} x
 * @property {Scale} y
 * @property {Scale | null} y2
 * @property {{x: Tick[], y: Tick[], y2: Tick[]}} ticks
 */

const area = (() => {
  const GAP = 5;             // between an axis and its labels
  const APART = { x: 56, y: 24 }; // pixels from one tick to the next, at least
  const NARROW = 420;        // pixels, under which a scale of colours has numbers alone

  /** @type {(layout: Figure["layout"], axis: Axis) => string} */
  const ticking = ({ font }, { tickfont }) => paper.font((tickfont || font).size, font.family);
  /** @type {(axis: Axis | undefined) => number} */
  const titled = (axis) => (axis?.title?.text && axis.title.font ? axis.title.font.size * paper.LINE : 0);
  /** @type {(ticks: Tick[], font: string) => number} */
  const widest = (ticks, font) => Math.max(0, ...ticks.map(({ text }) => paper.width(text, font)));

  /**
   * The names of an axis of categories.
   * @param {Figure} figure
   */
  const names = ({ data, layout }) =>
    (layout.xaxis.type === "category" ? /** @type {string[]} */ (data[0].x || []) : []);

  /**
   * Margins as they were asked for, and wider where labels would be cut off.
   * @param {Figure} figure
   * @param {number} width
   * @param {number} height
   * @returns {Area}
   */
  function of(figure, width, height) {
    const { layout } = figure;
    const { margin, font, xaxis, yaxis, yaxis2 } = layout;
    const tall = Math.max(1, height - margin.t - margin.b);
    const [y, y2] = [yaxis, yaxis2].map((axis) => (axis ? scale.ticks(axis, tall / APART.y, []) : []));
    /** @type {(axis: Axis, ticks: Tick[]) => number} */
    const beside = (axis, ticks) => GAP + widest(ticks, ticking(layout, axis)) + GAP + titled(axis);
    const left = Math.max(margin.l, beside(yaxis, y));
    const right = Math.max(margin.r, yaxis2 ? beside(yaxis2, y2) : 0, bar(figure, width));
    const across = names(figure);
    const x = scale.ticks(xaxis, (width - left - right) / APART.x, across);
    const foot = GAP + rows(layout, x, width - left - right) * font.size * paper.LINE + titled(xaxis);
    const inner = {
      left, right: Math.max(left + 1, width - right), top: Math.max(margin.t, font.size * 0.6),
      bottom: Math.max(margin.t + 1, height - Math.max(margin.b, foot)),
    };
    return {
      inner, width, height, ticks: { x, y, y2 },
      x: scale.of(xaxis, inner.left, inner.right, across),
      y: scale.of(yaxis, inner.bottom, inner.top, []),
      y2: yaxis2 ? scale.of(yaxis2, inner.bottom, inner.top, []) : null,
    };
  }

  /**
   * How many rows the labels at a chart's foot take: names that don't fit beside each other take turns in two.
   * @param {Figure["layout"]} layout
   * @param {Tick[]} ticks
   * @param {number} room in pixels
   */
  function rows(layout, ticks, room) {
    const crowded = ticks.length * (GAP + widest(ticks, ticking(layout, layout.xaxis))) > room;
    return layout.xaxis.type === "category" && crowded ? 2 : 1;
  }

  /**
   * The words beside a scale of colours: numbers alone where there is little room.
   * @param {Colorbar} colorbar
   * @param {number} width of the chart
   */
  const told = ({ ticktext }, width) => ticktext.map((text) => (width < NARROW ? text.split(" ")[0] : text));

  /**
   * How much room a figure's scale of colours takes.
   * @param {Figure} figure
   * @param {number} width
   */
  function bar({ data, layout }, width) {
    const { colorbar } = data.find((trace) => trace.colorbar) || {};
    if (!colorbar) return 0;
    const font = paper.font(colorbar.tickfont.size, layout.font.family);
    return 3 * GAP + colorbar.thickness + Math.max(...told(colorbar, width).map((text) => paper.width(text, font)));
  }

  /**
   * Where the points of a trace are, NaN where there are none. A heatmap has none.
   * @param {Trace} trace
   * @param {Area} area
   * @returns {{x: number[], y: number[]}}
   */
  function places({ x = [], y = [], z, yaxis }, area) {
    const up = (yaxis === "y2" && area.y2) || area.y;
    const count = z ? 0 : Math.min(x.length, y.length);
    return {
      x: Array.from({ length: count }, (_, i) => area.x.at(x[i])),
      y: Array.from({ length: count }, (_, i) => up.at(y[i])),
    };
  }

  return { GAP, of, names, ticking, rows, told, places };
})();
