// @ts-check
/* A chart's two canvases: what changes seldom behind, its data before it. */
"use strict";

/**
 * @typedef {object} Sheet
 * @property {string} key
 * @property {HTMLElement} plot
 * @property {HTMLCanvasElement} back
 * @property {HTMLCanvasElement} front
 * @property {HTMLElement} tip words at the pointer
 * @property {{x: number, y: number} | null} at the pointer
 * @property {((x: number, y: number) => void) | null} onPoint
 * @property {((name: string) => void) | null} onName
 * @property {number} width of the chart, in pixels of the page
 * @property {number} height
 * @property {Figure} figure
 * @property {Area | null} area null before the first picture
 * @property {(Numbers | undefined)[]} values that each trace was painted with
 * @property {Places[]} places of each trace's points
 * @property {Note[]} notes
 * @property {string} drawn what the canvas behind shows
 * @property {Move | null} move
 *
 * @typedef {{trace: number, from: Numbers, to: Numbers, share: number}} Move a line on its way, 0 … 1
 */

const sheets = (() => {
  /** @type {Figure} */
  const NOTHING = {
    data: [],
    layout: {
      xaxis: { range: [0, 1] }, yaxis: { range: [0, 1] }, margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: "",
      font: { size: 13, color: "", family: "" }, template: { layout: { shapedefaults: { line: { color: "" } } } },
    },
  };

  /**
   * @param {string} key
   * @param {HTMLElement} plot
   * @returns {Sheet}
   */
  function of(key, plot) {
    const [back, front] = [dom.element("canvas"), dom.element("canvas")];
    const tip = dom.element("div");
    tip.className = "tip";
    tip.hidden = true;
    plot.replaceChildren(back, front, tip);
    return {
      key, plot, back, front, tip, at: null, onPoint: null, onName: null, width: 0, height: 0,
      figure: NOTHING, area: null, values: [], places: [], notes: [], drawn: "", move: null,
    };
  }

  /**
   * Bring both canvases up to date; a chart out of sight has no size and waits.
   * @param {Sheet} sheet
   */
  function paint(sheet) {
    const { figure, width, height } = sheet;
    if (!width || !height || figure === NOTHING) return;
    const ratio = window.devicePixelRatio || 1;
    const { shapes = [], ...layout } = figure.layout; // those before the data are painted with them
    const still = [layout, shapes.filter(({ layer }) => layer === "below")];
    const shown = JSON.stringify([still, width, height, ratio, area.names(figure)]);
    if (shown !== sheet.drawn) behind(sheet, ratio);
    sheet.drawn = shown;
    before(paper.clear(sheet.front, ratio), sheet, ratio);
    if (sheet.at) hover.show(sheet);
  }

  /**
   * @param {Sheet} sheet
   * @param {number} ratio
   */
  function behind(sheet, ratio) {
    const { figure, back, front, width, height } = sheet;
    sheet.area = area.of(figure, width, height);
    sheet.notes = notes.placed(figure.layout, sheet.area);
    for (const canvas of [back, front]) paper.resize(canvas, width, height, ratio);
    backdrop.paint(paper.clear(back, ratio), figure, sheet.area, ratio);
  }

  /**
   * A chart on canvases of another sharpness, the one behind first.
   * @param {Sheet} sheet
   * @param {number} ratio
   */
  function layers(sheet, ratio) {
    const copy = { ...sheet, back: dom.element("canvas"), front: dom.element("canvas") };
    behind(copy, ratio);
    before(paper.clear(copy.front, ratio), copy, ratio);
    return [copy.back, copy.front];
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Sheet} sheet
   * @param {number} ratio
   */
  function before(ctx, sheet, ratio) {
    const { figure: { data, layout }, area: within } = sheet;
    if (!within) return;
    sheet.values = data.map(({ y }) => y);
    sheet.places = data.map((trace, i) => moved(sheet, i, area.places(trace, within)));
    data.forEach((trace) => {
      if (trace.meta?.net) net.paint(ctx, trace, within, layout);
      else if (trace.z) heat.paint(ctx, trace, within, ratio);
    });
    const { top, bottom } = within.inner; // a line at an axis' end is as thick as any
    paper.within(ctx, { ...within.inner, top: top - 1, bottom: bottom + 1 }, () => data.forEach((trace, i) =>
      lines.paint(ctx, trace, sheet.places[i], sheet.places[i - 1], within.y.at(0))));
    data.forEach((trace, i) => marks.paint(ctx, layout, trace, sheet.places[i], within));
    backdrop.shapes(ctx, layout, within, ({ layer }) => layer !== "below");
    notes.paint(ctx, sheet.notes, layout.paper_bgcolor);
  }

  /**
   * A trace's points, on their way from where they were.
   * @param {Sheet} sheet
   * @param {number} i
   * @param {Places} places
   * @returns {Places}
   */
  function moved({ move, area: within }, i, { x, y }) {
    if (!move || move.trace !== i || !within) return { x, y };
    const from = move.from.map((value) => within.y.at(value));
    return { x, y: y.map((to, k) => (Number.isFinite(from[k]) ? from[k] + move.share * (to - from[k]) : to)) };
  }

  return { of, paint, layers };
})();
