// @ts-check
/* Lines, with gaps where there are no numbers, and what is filled under or between them. */
"use strict";

/** @typedef {{x: number[], y: number[]}} Places points in pixels, NaN where there are none */

const lines = (() => {
  const FAINT = 0.5;         // of a line's colour, under it

  /**
   * @param {CanvasRenderingContext2D} ctx clipped to the area between the axes
   * @param {Trace} trace
   * @param {Places} places
   * @param {Places} before those of the trace before it
   * @param {number} foot the pixel of zero
   */
  function paint(ctx, trace, places, before, foot) {
    const { fill, fillcolor, line } = trace;
    if (!line) return;
    if (fill) {
      ctx.globalAlpha = fillcolor ? 1 : FAINT;
      ctx.fillStyle = fillcolor || line.color || "";
      between(ctx, places, fill === "tonexty" ? before : { x: places.x, y: places.y.map(() => foot) });
      ctx.globalAlpha = 1;
    }
    if (line.width && trace.mode?.includes("lines")) stroke(ctx, line, places);
  }

  /**
   * Stretches of neighbours that all are there.
   * @param {number} count
   * @param {(i: number) => boolean} there
   * @returns {[number, number][]} first and last of each
   */
  function stretches(count, there) {
    /** @type {[number, number][]} */
    const found = [];
    let first = -1;
    for (let i = 0; i <= count; i++) {
      if (i < count && there(i)) {
        if (first < 0) first = i;
      } else if (first >= 0) {
        found.push([first, i - 1]);
        first = -1;
      }
    }
    return found;
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Places} one
   * @param {Places} other
   */
  function between(ctx, one, other) {
    const count = Math.min(one.x.length, other.x.length);
    for (const [from, to] of stretches(count, (i) => Number.isFinite(one.y[i]) && Number.isFinite(other.y[i]))) {
      ctx.beginPath();
      for (let i = from; i <= to; i++) ctx.lineTo(one.x[i], one.y[i]);
      for (let i = to; i >= from; i--) ctx.lineTo(other.x[i], other.y[i]);
      ctx.fill();
    }
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Line} line
   * @param {Places} places
   */
  function stroke(ctx, line, { x, y }) {
    ctx.strokeStyle = line.color || "";
    ctx.lineWidth = line.width;
    ctx.lineJoin = "round";
    ctx.setLineDash(paper.dashes(line));
    ctx.beginPath();
    for (const [from, to] of stretches(y.length, (i) => Number.isFinite(x[i]) && Number.isFinite(y[i]))) {
      ctx.moveTo(x[from], y[from]);
      for (let i = from + 1; i <= to; i++) {
        if (line.shape === "hv") ctx.lineTo(x[i], y[i - 1]);
        ctx.lineTo(x[i], y[i]);
      }
    }
    ctx.stroke();
  }

  return { paint };
})();
