// @ts-check
/* Annotations: where they have room beside each other. */
"use strict";

/** @typedef {Box & {text: string, name: string, live: boolean, font: string, color: string}} Note */

const notes = (() => {
  const DOWN = [0, 1, 2];    // rows of words inside a chart, under each other; what has no room is left out
  const AROUND = [0, -1, 1, -2, 2, -3, 3];
  const EDGE = 2;            // pixels to a chart's edges
  const OPAQUE = 0.85;       // is the ground of words
  const APART = 4;           // pixels between two

  /**
   * Every annotation that has room, the last ones first: they tell what happened last.
   * @param {Figure["layout"]} layout
   * @param {Area} area
   * @returns {Note[]}
   */
  function placed(layout, area) {
    /** @type {Note[]} */
    const found = [];
    for (const one of [...(layout.annotations || [])].reverse()) {
      const note = fitting(one, layout, area, found);
      if (note) found.push(note);
    }
    return found;
  }

  /**
   * A note in the first row in which it lies over no other; null where there is none.
   * @param {Annotation} one
   * @param {Figure["layout"]} layout
   * @param {Area} area
   * @param {Note[]} others
   * @returns {Note | null}
   */
  function fitting(one, layout, area, others) {
    const { family, color, size: usual } = layout.font;
    const size = one.font?.size || usual;
    const font = paper.font(size, family);
    const high = size * paper.LINE;
    const { left, right } = across(one, area, paper.width(one.text, font));
    for (const row of rows(one)) {
      const top = above(one, area, high) + row * high;
      const box = { left, right, top, bottom: top + high };
      if (!inside(box, one, area)) continue;
      if (!others.some((other) => overlap(box, other))) {
        const { text, name = "", captureevents: live = false } = one;
        return { ...box, text, name, live, font, color: one.font?.color || color };
      }
    }
    return null;
  }

  /**
   * The rows in which a note may stand: below each other at a chart's head, around the point that it speaks of.
   * @param {Annotation} one
   */
  function rows({ yref, yanchor }) {
    if (yref !== "paper") return AROUND;
    return yanchor === "top" ? DOWN : [0];
  }

  /**
   * Whether what speaks of a point stands on the chart's area, or above it.
   * @param {Box} box
   * @param {Annotation} one
   * @param {Area} area
   */
  const inside = ({ top, bottom }, { yref }, { inner }) => yref === "paper" || (top >= 0 && bottom <= inner.bottom);

  /**
   * @param {Annotation} one
   * @param {Area} area
   * @param {number} wide
   */
  function across({ x, xanchor, xshift = 0 }, { x: along, width, inner }, wide) {
    const at = along.spot(x) + xshift;
    const room = width - EDGE - wide;
    const before = at - EDGE - wide; // on the other side at a chart's end, unless the axis stands there
    const beside = at + EDGE <= room || before < inner.left ? at + EDGE : before;
    const wanted = xanchor === "left" ? beside : xanchor === "right" ? at - wide : at - wide / 2;
    const left = Math.max(EDGE, Math.min(room, wanted));
    return { left, right: left + wide };
  }

  /**
   * A note's upper edge.
   * @param {Annotation} one
   * @param {Area} area
   * @param {number} high
   */
  function above({ y, yref, yanchor, yshift = 0 }, { inner, y: up }, high) {
    const at = yref === "paper" ? inner.bottom - y * (inner.bottom - inner.top) : up.spot(y);
    return Math.max(0, yanchor === "bottom" ? at - yshift - high : at - yshift + EDGE);
  }

  /** @type {(one: Box, other: Box) => boolean} */
  const overlap = (one, other) => one.left < other.right + APART && other.left < one.right + APART
    && one.top < other.bottom - 1 && other.top < one.bottom - 1;

  /**
   * Words on a ground of their own, lest lines be read as letters.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Note[]} notes
   * @param {string} ground
   */
  function paint(ctx, notes, ground) {
    for (const { text, left, right, top, bottom, font, color } of notes) {
      ctx.font = font;
      ctx.fillStyle = ground;
      ctx.globalAlpha = OPAQUE;
      ctx.fillRect(left - EDGE, top, right - left + 2 * EDGE, bottom - top);
      ctx.globalAlpha = 1;
      ctx.fillStyle = color;
      paper.write(ctx, text, left, (top + bottom) / 2, { align: "left" });
    }
  }

  /**
   * The note at a point that can be clicked.
   * @param {Note[]} notes
   * @param {number} x
   * @param {number} y
   */
  const under = (notes, x, y) =>
    notes.find((one) => one.live && x >= one.left && x <= one.right && y >= one.top && y <= one.bottom);

  return { placed, paint, under };
})();
