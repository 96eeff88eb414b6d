// @ts-check
/* A network's boxes and wires, between what goes in and the loss. */
"use strict";

/**
 * @typedef {object} Spots where a network is drawn, in pixels
 * @property {number[]} centres of its boxes, from the input
 * @property {number} half of a box's width
 * @property {number} top
 * @property {number} bottom
 * @property {number} middle
 * @property {number} input
 * @property {number} loss
 * @property {number} unit a pixel, in larger type more
 */

const net = (() => {
  const TYPE = 13;           // the usual one
  const SHARE = 0.56;        // of the way from one box to the next that a box takes
  const WIDEST = 22;         // half a box, in pixels
  const INSET = 9;           // above and below boxes, for their light
  const [UNKNOWN, FAINTEST] = [0.3, 0.08]; // of wires
  const ENDS = [-0.62, 0, 0.62]; // of wires, of half a box's height
  const NARROW = 8;          // pixels between boxes for which one wire does
  const PALE = 0.62;         // of a saturated box' white
  const GLYPH = 13;          // half of what stands at the ends

  /**
   * @param {Trace} trace
   * @param {Area} area
   * @param {number} type the font's size
   * @returns {Spots}
   */
  function spots({ x = [] }, { inner, x: across, width }, type) {
    const unit = type / TYPE;
    const [top, bottom] = [inner.top + INSET * unit, inner.bottom - INSET * unit];
    return {
      centres: x.map((value) => across.at(value)),
      half: Math.min(SHARE * (across.at(1) - across.at(0)), 2 * WIDEST * unit) / 2,
      top, bottom, middle: (top + bottom) / 2, input: inner.left / 2, loss: (inner.right + width) / 2, unit,
    };
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Trace} trace
   * @param {Area} area
   * @param {Figure["layout"]} layout
   */
  function paint(ctx, trace, area, layout) {
    const found = trace.meta?.net;
    if (!found || !trace.x?.length) return;
    const at = spots(trace, area, layout.font.size);
    const ink = layout.template.layout.shapedefaults.line.color;
    ends(ctx, at, found.inputs, layout);
    wires(ctx, at, found, ink);
    at.centres.forEach((_, i) => box(ctx, trace, found, at, i, layout));
    pulse.still(ctx, trace, area, layout.font.size);
    if (found.chosen >= 0) ring(ctx, at, found.chosen, ink);
  }

  /**
   * Each box' wires come from the one before, as bright as their update.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Spots} at
   * @param {Net} found
   * @param {string} ink
   */
  function wires(ctx, { centres, half, input, loss, middle, top, unit }, { wires: updates }, ink) {
    const edge = GLYPH * unit;
    ctx.strokeStyle = ink;
    ctx.setLineDash([]);
    ctx.lineWidth = 1.1 * unit;
    centres.forEach((centre, i) => {
      const share = updates[i];
      ctx.globalAlpha = share === null ? UNKNOWN : FAINTEST + (1 - FAINTEST) * share;
      fan(ctx, i ? centres[i - 1] + half : input + edge, centre - half, middle, middle - top, unit);
    });
    ctx.globalAlpha = UNKNOWN;
    fan(ctx, centres[centres.length - 1] + half, loss - edge, middle, 0, unit);
    ctx.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {number} from
   * @param {number} to
   * @param {number} middle
   * @param {number} tall half a box's height
   * @param {number} unit
   */
  function fan(ctx, from, to, middle, tall, unit) {
    const places = tall && to - from > NARROW * unit ? ENDS : [0];
    ctx.beginPath();
    for (const one of places) for (const other of places) {
      ctx.moveTo(from, middle + one * tall);
      ctx.lineTo(to, middle + other * tall);
    }
    ctx.stroke();
  }

  /**
   * A layer in its gradient's colour: pale from above where units are saturated, dark from below where they are dead.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Trace} trace
   * @param {Net} found
   * @param {Spots} at
   * @param {number} i
   * @param {Figure["layout"]} layout
   */
  function box(ctx, { z = [], zmin = 0, zmax = 1, colorscale = [], line }, { dark, pale }, at, i, layout) {
    const { centres, half, top, bottom, unit } = at, [left, wide, tall] = [centres[i] - half, 2 * half, bottom - top];
    const value = z[0][i], plate = layout.paper_bgcolor, { color: ink } = layout.template.layout.shapedefaults.line;
    ctx.save();
    outline(ctx, at, i, 0);
    ctx.fillStyle = value === null ? plate : paper.scaled(colorscale)[paper.step(value, zmin, zmax)];
    ctx.fill();
    ctx.clip();
    ctx.globalAlpha = PALE;
    ctx.fillStyle = ink;
    ctx.fillRect(left, top, wide, tall * Number(pale[i]));
    ctx.globalAlpha = 1;
    if (dark[i]) {
      const edge = bottom - tall * Number(dark[i]);
      ctx.fillStyle = plate;
      ctx.fillRect(left, edge, wide, bottom - edge);
      ctx.fillStyle = String(line?.color);
      ctx.fillRect(left, edge, wide, (line?.width || 1) * unit);
    }
    ctx.restore();
    outline(ctx, at, i, 0);
    ctx.strokeStyle = layout.font.color;
    ctx.lineWidth = Math.min(unit, half / 2);
    ctx.stroke();
    if (value === null) cross(ctx, at, i, ink);
  }

  /**
   * The path around a box, so far from it.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Spots} at
   * @param {number} i
   * @param {number} away
   */
  function outline(ctx, { centres, half, top, bottom, unit }, i, away) {
    const round = Math.min(5 * unit, half) + away;
    ctx.beginPath();
    ctx.roundRect(centres[i] - half - away, top - away, 2 * (half + away), bottom - top + 2 * away, round);
  }

  /**
   * What is no number.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Spots} at
   * @param {number} i
   * @param {string} ink
   */
  function cross(ctx, { centres, half, middle, unit }, i, ink) {
    const r = Math.min(half * 0.7, 6 * unit);
    ctx.strokeStyle = ink;
    ctx.lineWidth = 1.5 * unit;
    ctx.beginPath();
    for (const sign of [-1, 1]) {
      ctx.moveTo(centres[i] - r, middle - sign * r);
      ctx.lineTo(centres[i] + r, middle + sign * r);
    }
    ctx.stroke();
  }

  /**
   * The chosen box'.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Spots} at
   * @param {number} i
   * @param {string} ink
   */
  function ring(ctx, at, i, ink) {
    outline(ctx, at, i, 2.5 * at.unit);
    ctx.strokeStyle = ink;
    ctx.lineWidth = 2 * at.unit;
    ctx.stroke();
  }

  /**
   * What goes in and what comes of it, with their names.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Spots} at
   * @param {number} inputs
   * @param {Figure["layout"]} layout
   */
  function ends(ctx, { input, loss, middle, bottom, unit }, inputs, { font }) {
    const radius = GLYPH * unit;
    glyphs.input(ctx, inputs, input, middle, radius, font.color);
    glyphs.loss(ctx, loss, middle, radius, font.color);
    ctx.font = paper.font(font.size, font.family);
    ctx.fillStyle = font.color;
    const under = bottom + INSET * unit + area.GAP;
    paper.write(ctx, "input", input, under, { baseline: "top" });
    paper.write(ctx, "loss", loss, under, { baseline: "top" });
  }

  return { spots, paint, outline };
})();
