// @ts-check
/* Light that runs through a drawn network, from the loss to the input, and fades as its gradient does. */
"use strict";

const pulse = (() => {
  const RUN = 700;           // milliseconds from end to end
  const GLOW = 350;          // that a box shines after it
  const EVERY = 30;          // from one picture to the next: charts want the rest of the time
  const RADIUS = 34;         // of the light, in pixels
  const SHARP = 64;          // pixels of its picture, from its middle
  const LIGHT = "255, 240, 196";
  const [STILL, SEEN] = [0.9, 0.02]; // light that does not move; the least that is drawn

  /**
   * @typedef {object} Lamp
   * @property {HTMLCanvasElement} canvas over the chart's own
   * @property {number} trace
   * @property {number} began
   * @property {number} painted
   * @property {boolean} going
   * @property {boolean} due once more
   */

  /** @type {WeakMap<Sheet, Lamp>} */
  const lamps = new WeakMap();
  /** @type {HTMLCanvasElement | null} */
  let spark = null;

  const unwelcome = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  /**
   * Let light run, or, where it is on its way, once more when it has arrived.
   * @param {Sheet} sheet
   * @param {number} trace
   */
  function run(sheet, trace) {
    if (unwelcome()) return;
    const lamp = lamps.get(sheet) || lit(sheet);
    Object.assign(lamp, { trace, due: true });
    if (!lamp.going) begin(sheet, lamp);
  }

  /**
   * @param {Sheet} sheet
   * @returns {Lamp}
   */
  function lit(sheet) {
    const lamp = { canvas: dom.element("canvas"), trace: 0, began: 0, painted: 0, going: false, due: false };
    lamp.canvas.className = "light";
    sheet.front.after(lamp.canvas);
    lamps.set(sheet, lamp);
    return lamp;
  }

  /**
   * @param {Sheet} sheet
   * @param {Lamp} lamp
   */
  function begin(sheet, lamp) {
    Object.assign(lamp, { going: true, due: false, began: performance.now() });
    requestAnimationFrame(function go(now) {
      const time = now - lamp.began;
      if (time >= RUN + GLOW) return over(sheet, lamp);
      if (now - lamp.painted >= EVERY) {
        lamp.painted = now;
        paint(sheet, lamp, Math.max(0, time));
      }
      requestAnimationFrame(go);
    });
  }

  /**
   * @param {Sheet} sheet
   * @param {Lamp} lamp
   */
  function over(sheet, lamp) {
    lamp.going = false;
    if (lamp.due) begin(sheet, lamp);
    else paper.clear(lamp.canvas, 1);
  }

  /**
   * @param {Sheet} sheet
   * @param {Lamp} lamp
   * @param {number} time since it began
   */
  function paint({ figure, area: within, width, height }, { canvas, trace }, time) {
    const shown = figure.data[trace];
    if (!within || !shown?.meta?.net || !shown.x?.length) return;
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      paper.resize(canvas, width, height, ratio);
    }
    const ctx = paper.clear(canvas, ratio), { light } = shown.meta.net;
    const at = net.spots(shown, within, figure.layout.font.size);
    at.centres.forEach((centre, i) => shine(ctx, at, i, light[i] * glow(time - RUN * passed(at, centre))));
    const front = at.loss - (at.loss - at.input) * (time / RUN);
    if (front > at.input) flash(ctx, at, front, left(at, light, front));
  }

  /**
   * The share of the way that lies between the loss and a place.
   * @param {Spots} at
   * @param {number} x
   */
  const passed = ({ loss, input }, x) => (loss - x) / (loss - input);

  /**
   * How much a box shines so many milliseconds after the light was there.
   * @param {number} since
   */
  const glow = (since) => (since < 0 || since > GLOW ? 0 : (1 - since / GLOW) ** 2);

  /**
   * How much light is left at a place: between two boxes as much as lies between.
   * @param {Spots} at
   * @param {number[]} light at the boxes
   * @param {number} x
   */
  function left({ centres }, light, x) {
    const next = centres.findIndex((centre) => centre > x);
    if (next < 0) return light[light.length - 1];
    if (next === 0) return light[0];
    const share = (x - centres[next - 1]) / (centres[next] - centres[next - 1]);
    return light[next - 1] + share * (light[next] - light[next - 1]);
  }

  /**
   * Light around a box.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Spots} at
   * @param {number} i
   * @param {number} bright
   */
  function shine(ctx, at, i, bright) {
    if (bright < SEEN) return;
    const wide = Math.min(4 * at.unit, Math.max(1, at.half));
    ctx.strokeStyle = `rgba(${LIGHT}, ${Math.min(1, bright)})`;
    ctx.lineWidth = wide;
    net.outline(ctx, at, i, wide / 2);
    ctx.stroke();
  }

  /**
   * The light itself.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Spots} at
   * @param {number} x
   * @param {number} bright
   */
  function flash(ctx, { middle, unit }, x, bright) {
    if (bright < SEEN) return;
    const radius = RADIUS * unit * (0.5 + 0.5 * bright);
    ctx.globalAlpha = Math.min(1, bright);
    ctx.drawImage(spark ||= sparkle(), x - radius, middle - radius, 2 * radius, 2 * radius);
    ctx.globalAlpha = 1;
  }

  function sparkle() {
    const canvas = dom.element("canvas");
    canvas.width = canvas.height = 2 * SHARP;
    const ctx = paper.context(canvas);
    const round = ctx.createRadialGradient(SHARP, SHARP, 0, SHARP, SHARP, SHARP);
    for (const [at, alpha] of [[0, 1], [0.22, 0.95], [0.5, 0.35], [1, 0]]) {
      round.addColorStop(at, `rgba(${LIGHT}, ${alpha})`);
    }
    ctx.fillStyle = round;
    ctx.fillRect(0, 0, 2 * SHARP, 2 * SHARP);
    return canvas;
  }

  /**
   * Where motion is unwelcome light lies around all boxes, as much as comes there.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Trace} trace
   * @param {Area} area
   * @param {number} type the font's size
   */
  function still(ctx, trace, area, type) {
    if (!trace.meta?.net || !unwelcome()) return;
    const at = net.spots(trace, area, type), { light } = trace.meta.net;
    at.centres.forEach((_, i) => shine(ctx, at, i, STILL * Math.min(1, light[i])));
  }

  return { run, still, left, glow };
})();
