// @ts-check
/* Canvases, and how pixels, type and colours are put on them. */
"use strict";

const paper = (() => {
  const LINE = 1.25;         // of a type's size, from one line to the next
  const HALO = 3;            // pixels of the ground's colour around letters
  const SHADES = 256;        // of a scale of colours
  /** @type {Record<string, number[]>} in widths of the line */
  const DASHES = {
    dot: [1.2, 1.8], dash: [4, 3], longdash: [8, 3], dashdot: [4, 2.5, 1.2, 2.5],
    longdashdot: [8, 2.5, 1.2, 2.5],
  };

  /** @type {CanvasRenderingContext2D | null} */
  let ruler = null;
  /** @type {WeakMap<Colorscale, string[]>} */
  const shades = new WeakMap();

  /**
   * A canvas of a size in pixels of the page, with as many of its own as the screen has.
   * @param {HTMLCanvasElement} canvas
   * @param {number} width
   * @param {number} height
   * @param {number} ratio
   */
  function resize(canvas, width, height, ratio) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }

  /** @type {(canvas: HTMLCanvasElement) => CanvasRenderingContext2D} */
  const context = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));

  /**
   * An empty canvas to draw on in pixels of the page.
   * @param {HTMLCanvasElement} canvas
   * @param {number} ratio
   */
  function clear(canvas, ratio) {
    const ctx = context(canvas);
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    return ctx;
  }

  /**
   * Draw inside a box only.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Box} box
   * @param {() => void} draw
   */
  function within(ctx, { left, top, right, bottom }, draw) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, right - left, bottom - top);
    ctx.clip();
    draw();
    ctx.restore();
  }

  /** @type {(size: number, family: string) => string} */
  const font = (size, family) => `${size}px ${family}`;

  /**
   * How wide a text is, in pixels.
   * @param {string} text
   * @param {string} of a font
   */
  function width(text, of) {
    ruler ||= context(document.createElement("canvas"));
    ruler.font = of;
    return ruler.measureText(text).width;
  }

  /**
   * A text in the context's font and colour.
   * @param {CanvasRenderingContext2D} ctx
   * @param {string} text
   * @param {number} x
   * @param {number} y
   * @param {{align?: CanvasTextAlign, baseline?: CanvasTextBaseline, halo?: string}} how `halo`: the ground's colour
   */
  function write(ctx, text, x, y, { align = "center", baseline = "middle", halo } = {}) {
    ctx.textAlign = align;
    ctx.textBaseline = baseline;
    if (halo) {
      ctx.strokeStyle = halo;
      ctx.lineWidth = 2 * HALO;
      ctx.lineJoin = "round";
      ctx.setLineDash([]);
      ctx.strokeText(text, x, y);
    }
    ctx.fillText(text, x, y);
  }

  /**
   * The dashes of a line, in Plotly's words.
   * @param {Line} line
   */
  function dashes({ dash, width: thick }) {
    const unit = Math.max(1, thick);
    return (DASHES[dash || ""] || []).map((length) => length * unit);
  }

  /**
   * A scale of colours in steps, from its lowest to its highest.
   * @param {Colorscale} stops
   */
  function scaled(stops) {
    const known = shades.get(stops);
    if (known) return known;
    const made = Array.from({ length: SHADES }, (_, i) => between(stops, i / (SHADES - 1)));
    shades.set(stops, made);
    return made;
  }

  /**
   * @param {Colorscale} stops
   * @param {number} at 0 … 1
   */
  function between(stops, at) {
    const next = Math.max(1, stops.findIndex(([stop]) => stop >= at));
    const [[from, low], [to, high]] = [stops[next - 1], stops[next]];
    const [one, other] = [channels(low), channels(high)];
    const share = (at - from) / (to - from);
    return `rgb(${one.map((c, i) => Math.round(c + share * (other[i] - c))).join(", ")})`;
  }

  /**
   * Red, green and blue of #rrggbb or rgb(r, g, b), 0 … 255.
   * @param {string} color
   */
  function channels(color) {
    if (!color.startsWith("#")) return (color.match(/[\d.]+/g) || []).slice(0, 3).map(Number);
    return [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
  }

  /**
   * Which step of a scale a value has.
   * @param {number} value
   * @param {number} low
   * @param {number} high
   */
  const step = (value, low, high) =>
    Math.max(0, Math.min(SHADES - 1, Math.round(((value - low) / (high - low)) * (SHADES - 1))));

  return { LINE, context, resize, clear, within, font, width, write, dashes, scaled, channels, step };
})();
