// @ts-check
/* What of a chart changes seldom: bands, grid, axes with their ticks and titles, the scale of colours. */
"use strict";

const backdrop = (() => {
  const SMALLEST = 8;        // pixels of type

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Figure} figure
   * @param {Area} area
   * @param {number} ratio of the screen's pixels to the page's
   */
  function paint(ctx, figure, area, ratio) {
    const { layout } = figure;
    shapes(ctx, layout, area, (shape) => shape.layer === "below");
    grid(ctx, layout, area, ratio);
    ctx.fillStyle = layout.font.color;
    below(ctx, layout, area);
    beside(ctx, layout, layout.yaxis, area);
    if (layout.yaxis2) beside(ctx, layout, layout.yaxis2, area);
    figure.data.forEach((trace) => colorbar(ctx, layout, trace, area, ratio));
  }

  /**
   * Regions and lines.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Figure["layout"]} layout
   * @param {Area} area
   * @param {(shape: Shape) => boolean} among
   */
  function shapes(ctx, layout, area, among) {
    const { left, right, top, bottom } = area.inner;
    paper.within(ctx, area.inner, () => (layout.shapes || []).filter(among).forEach((shape) => {
      const across = shape.xref === "paper" ? [left, right] : [area.x.at(shape.x0), area.x.at(shape.x1)];
      const up = shape.yref === "paper" ? [bottom, top] : [area.y.at(shape.y0), area.y.at(shape.y1)];
      draw(ctx, shape, across, up, layout.template.layout.shapedefaults.line.color);
    }));
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Shape} shape
   * @param {number[]} across
   * @param {number[]} up
   * @param {string} ink
   */
  function draw(ctx, { type, line, fillcolor, opacity = 1 }, [x0, x1], [y0, y1], ink) {
    ctx.globalAlpha = opacity;
    if (type === "rect" && fillcolor) {
      ctx.fillStyle = fillcolor;
      ctx.fillRect(x0, y0, x1 - x0, y1 - y0);
    } else {
      ctx.strokeStyle = line.color || ink;
      ctx.lineWidth = line.width;
      ctx.setLineDash(paper.dashes(line));
      ctx.beginPath();
      ctx.moveTo(x0, y0);
      ctx.lineTo(x1, y1);
      ctx.stroke();
    }
    ctx.globalAlpha = 1;
  }

  /**
   * Lines at ticks, as thin as the screen's pixels allow and exactly on them.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Figure["layout"]} layout
   * @param {Area} area
   * @param {number} ratio
   */
  function grid(ctx, { xaxis, yaxis }, { inner, x, y, ticks }, ratio) {
    const thin = Math.max(1, Math.round(ratio)) / ratio;
    /** @type {(pixel: number) => number} */
    const snap = (pixel) => Math.round(pixel * ratio) / ratio;
    const { left, right, top, bottom } = inner;
    ctx.fillStyle = xaxis.gridcolor || "";
    const upright = xaxis.showgrid === false ? [] : ticks.x.map(({ value }) => x.at(value));
    const level = yaxis.showgrid === false ? [] : ticks.y.map(({ value }) => y.at(value));
    for (const at of [left, ...upright]) ctx.fillRect(snap(at), top, thin, bottom - top);
    for (const at of [bottom, ...level]) ctx.fillRect(left, snap(at), right - left, thin);
  }

  /**
   * The axis at a chart's foot.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Figure["layout"]} layout
   * @param {Area} area
   */
  function below(ctx, layout, { inner, x, ticks, width, height }) {
    const { xaxis: axis, font } = layout;
    ctx.font = area.ticking(layout, axis);
    const ends = new Array(area.rows(layout, ticks.x, inner.right - inner.left)).fill(-Infinity);
    for (const { value, text } of ticks.x) {
      const half = ctx.measureText(text).width / 2;
      const at = Math.min(x.at(value), width - half);
      const row = ends.findIndex((end) => at - half >= end);
      if (row < 0) continue;
      ends[row] = at + half + area.GAP;
      paper.write(ctx, text, at, inner.bottom + area.GAP + row * font.size * paper.LINE, { baseline: "top" });
    }
    title(ctx, axis, font.family, (inner.left + inner.right) / 2, height - area.GAP / 2, 0, width);
  }

  /**
   * An axis of values, to the left or the right.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Figure["layout"]} layout
   * @param {Axis} axis
   * @param {Area} area
   */
  function beside(ctx, layout, axis, { inner, y, y2, ticks, width, height }) {
    const right = axis.side === "right";
    const [told, up] = right && y2 ? [ticks.y2, y2] : [ticks.y, y];
    ctx.font = area.ticking(layout, axis);
    const at = right ? inner.right + area.GAP : inner.left - area.GAP;
    for (const { value, text } of told) paper.write(ctx, text, at, up.at(value), { align: right ? "left" : "right" });
    const edge = right ? width - area.GAP / 2 : (axis.title?.font?.size || 0) * paper.LINE;
    const middle = (inner.top + inner.bottom) / 2;
    const half = paper.width(axis.title?.text || "", paper.font(axis.title?.font?.size || 0, layout.font.family)) / 2;
    const within = Math.max(half, Math.min(height - half, middle)); // it may be longer than its axis
    title(ctx, axis, layout.font.family, edge, within, -Math.PI / 2, height);
  }

  /**
   * An axis' title, above the point that it is drawn at; smaller where it would not fit.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Axis} axis
   * @param {string} family
   * @param {number} x
   * @param {number} y
   * @param {number} turned in radians
   * @param {number} room
   */
  function title(ctx, { title }, family, x, y, turned, room) {
    if (!title?.text || !title.font) return;
    const { size } = title.font;
    const wide = paper.width(title.text, paper.font(size, family));
    ctx.font = paper.font(Math.max(SMALLEST, size * Math.min(1, room / wide)), family);
    ctx.save();
    ctx.translate(x, y);
    ctx.rotate(turned);
    paper.write(ctx, title.text, 0, 0, { baseline: "bottom" });
    ctx.restore();
  }

  /**
   * What colours mean, at a chart's right.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Figure["layout"]} layout
   * @param {Trace} trace
   * @param {Area} area
   * @param {number} ratio
   */
  function colorbar(ctx, { font }, trace, { inner, width }, ratio) {
    const { colorbar: told, zmin = 0, zmax = 1 } = trace;
    if (!told) return;
    const [left, tall] = [inner.right + area.GAP, inner.bottom - inner.top];
    heat.strip(ctx, trace, { ...inner, left, right: left + told.thickness }, ratio);
    ctx.fillStyle = font.color;
    ctx.font = paper.font(told.tickfont.size, font.family);
    area.told(told, width).forEach((text, i) => {
      const at = inner.bottom - (tall * (told.tickvals[i] - zmin)) / (zmax - zmin);
      paper.write(ctx, text, left + told.thickness + area.GAP, at, { align: "left" });
    });
  }

  return { paint, shapes };
})();
