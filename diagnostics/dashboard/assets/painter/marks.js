// @ts-check
/* Points: circles in a colour or a scale of colours, the marks of what is no number, and words beside them. */
"use strict";

const marks = (() => {
  const AWAY = 3;            // pixels from a mark to its words
  const OUTSIDE = 1;         // pixels beyond the axes that a point may lie

  /** @type {Record<string, (ctx: CanvasRenderingContext2D, x: number, y: number, r: number) => void>} */
  const OPEN = {
    "circle-open": (ctx, x, y, r) => { ctx.moveTo(x + r, y); ctx.arc(x, y, r, 0, 2 * Math.PI); },
    "triangle-down-open": (ctx, x, y, r) => {
      ctx.moveTo(x - r, y - 0.7 * r); ctx.lineTo(x + r, y - 0.7 * r); ctx.lineTo(x, y + r); ctx.closePath();
    },
    "x-thin-open": (ctx, x, y, r) => {
      ctx.moveTo(x - r, y - r); ctx.lineTo(x + r, y + r); ctx.moveTo(x - r, y + r); ctx.lineTo(x + r, y - r);
    },
  };

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Figure["layout"]} layout
   * @param {Trace} trace
   * @param {Places} places
   * @param {Area} area
   */
  function paint(ctx, layout, trace, places, area) {
    const { mode = "" } = trace;
    const inside = within(places, area.inner);
    if (mode.includes("markers") && trace.marker) draw(ctx, trace.marker, places, inside);
    if (mode.includes("text")) told(ctx, layout, trace, places, inside, area.width);
  }

  /**
   * Which points lie between the axes.
   * @param {Places} places
   * @param {Box} inner
   */
  function within({ x, y }, { left, right, top, bottom }) {
    /** @type {(i: number) => boolean} */
    const inside = (i) => x[i] >= left - OUTSIDE && x[i] <= right + OUTSIDE
      && y[i] >= top - OUTSIDE && y[i] <= bottom + OUTSIDE;
    return Array.from(x.keys()).filter(inside);
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Marker} marker
   * @param {Places} places
   * @param {number[]} inside
   */
  function draw(ctx, marker, places, inside) {
    ctx.setLineDash([]);
    if (marker.symbol) open(ctx, marker, marker.symbol, places, inside);
    else circles(ctx, marker, places, inside);
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Marker} marker
   * @param {string[]} symbols
   * @param {Places} places
   * @param {number[]} inside
   */
  function open(ctx, { color, size = 6, line }, symbols, { x, y }, inside) {
    ctx.strokeStyle = String(color);
    ctx.lineWidth = line?.width || 1;
    ctx.beginPath();
    for (const i of inside) OPEN[symbols[i]](ctx, x[i], y[i], size / 2);
    ctx.stroke();
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Marker} marker
   * @param {Places} places
   * @param {number[]} inside
   */
  function circles(ctx, { color, colorscale, cmin = 0, cmax = 1, size = 6, line }, { x, y }, inside) {
    const scaled = Array.isArray(color) && colorscale ? paper.scaled(colorscale) : null;
    ctx.strokeStyle = line?.color || "";
    ctx.lineWidth = line?.width || 0;
    for (const i of inside) {
      ctx.fillStyle = scaled && Array.isArray(color) ? scaled[paper.step(Number(color[i]), cmin, cmax)] : String(color);
      ctx.beginPath();
      ctx.arc(x[i], y[i], size / 2, 0, 2 * Math.PI);
      ctx.fill();
      if (line?.width) ctx.stroke();
    }
  }

  /**
   * Words above points or below, to their left or right where so asked; never beyond the chart's edges, on
   * the other side where words before are in the way, left out where they are there, too.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Figure["layout"]} layout
   * @param {Trace} trace
   * @param {Places} places
   * @param {number[]} inside
   * @param {number} width
   */
  function told(ctx, { font, paper_bgcolor: halo }, trace, { x, y }, inside, width) {
    const { text = [], textposition = "", textfont, marker } = trace;
    const type = textfont || font;
    const radius = (marker?.size || 0) / 2;
    ctx.font = paper.font(type.size, font.family);
    /** @type {{end: number, level: number}[]} */
    const taken = [];
    for (const i of inside.filter((i) => text[i])) {
      const half = ctx.measureText(text[i]).width / 2;
      const asked = Array.isArray(textposition) ? textposition[i] : textposition;
      const aside = (radius + AWAY + half) * (asked.endsWith("right") ? 1 : asked.endsWith("left") ? -1 : 0);
      ctx.fillStyle = type.color || font.color;
      const at = Math.max(half + AWAY, Math.min(width - half - AWAY, x[i] + aside));
      const away = (radius + AWAY + type.size / 2) * (asked.startsWith("bottom") ? 1 : -1);
      const level = [away, -away].map((side) => Math.max(type.size * 0.6, y[i] + side)).find((side) =>
        taken.every((one) => at - half > one.end || Math.abs(side - one.level) > type.size * paper.LINE));
      if (level === undefined) continue;
      taken.push({ end: at + half, level });
      paper.write(ctx, text[i], at, level, { halo });
    }
  }

  return { paint };
})();
