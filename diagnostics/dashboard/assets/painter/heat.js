// @ts-check
/* Heatmaps, one pixel of the screen after the other: sharp cells however many there are. */
"use strict";

const heat = (() => {
  const PERIOD = 6;          // pixels from one line of a hatching to the next
  const THICK = 1.5;
  const PALER = 0.45;        // of white in it

  /** @type {WeakMap<Numbers[], {of: string, image: ImageData}>} by the values that are drawn */
  const pictures = new WeakMap();

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Trace} trace
   * @param {Area} area
   * @param {number} ratio of the screen's pixels to the page's
   */
  function paint(ctx, trace, { inner, ...area }, ratio) {
    const { x = [], y = [] } = trace;
    if (!x.length || !y.length) return;
    const [left, top] = [Math.round(inner.left * ratio), Math.round(inner.top * ratio)];
    const size = { width: Math.max(1, Math.round(inner.right * ratio) - left),
      height: Math.max(1, Math.round(inner.bottom * ratio) - top) };
    const columns = cells(/** @type {number[]} */ (x), (edge) => area.x.at(edge) * ratio - left, size.width);
    const rows = cells(/** @type {number[]} */ (y), (edge) => area.y.at(edge) * ratio - top, size.height);
    ctx.putImageData(filled(ctx, trace, columns, rows, ratio), left, top);
  }

  /**
   * The picture of a heatmap, made anew where anything of it differs: while one scrubs, only a line moves across it.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Trace} trace
   * @param {Int32Array} columns
   * @param {Int32Array} rows
   * @param {number} ratio
   */
  function filled(ctx, trace, columns, rows, ratio) {
    const { z = [], colorscale, zmin, zmax, meta } = trace;
    const of = JSON.stringify([[...columns], [...rows], colorscale, zmin, zmax, meta, ratio]);
    const known = pictures.get(z);
    if (known?.of === of) return known.image;
    const image = ctx.createImageData(columns.length, rows.length);
    fill(image, columns, rows, z, inks(trace, ratio));
    pictures.set(z, { of, image });
    return image;
  }

  /**
   * Which cell each pixel shows, −1 for none: a cell reaches half the way to its neighbours.
   * @param {number[]} centres
   * @param {(edge: number) => number} at the pixel of an edge
   * @param {number} length
   */
  function cells(centres, at, length) {
    const found = new Int32Array(length).fill(-1);
    centres.forEach((_, i) => {
      const { before, after } = edges(centres, i);
      const [from, to] = [at(before), at(after)].sort((a, b) => a - b).map(Math.round);
      found.fill(i, Math.max(0, Math.min(length, from)), Math.max(0, Math.min(length, Math.max(to, from + 1))));
    });
    return found;
  }

  /**
   * @param {number[]} centres
   * @param {number} i
   */
  function edges(centres, i) {
    const centre = centres[i];
    const [last, next] = [centres[i - 1], centres[i + 1]];
    const half = (next === undefined ? (last === undefined ? 1 : centre - last) : next - centre) / 2;
    return { before: last === undefined ? centre - half : (last + centre) / 2, after: centre + half };
  }

  /**
   * The colour of a value at a pixel: what is hatched is paler on every few diagonals.
   * @param {Trace} trace
   * @param {number} ratio
   * @returns {(value: number, px: number, py: number) => number}
   */
  function inks({ colorscale = [], zmin = 0, zmax = 1, meta: { hatched = Infinity } = {} }, ratio) {
    const [plain, pale] = [palette(colorscale, 0), palette(colorscale, PALER)];
    const [period, thick] = [Math.round(PERIOD * ratio), Math.round(THICK * ratio)];
    return (value, px, py) => {
      const line = value >= hatched && (px + py) % period < thick;
      return (line ? pale : plain)[paper.step(value, zmin, zmax)];
    };
  }

  /**
   * A scale's colours as a picture's pixels have them.
   * @param {Colorscale} colorscale
   * @param {number} white its share in them
   */
  function palette(colorscale, white) {
    /** @type {(channel: number) => number} */
    const mixed = (channel) => channel + white * (255 - channel);
    const bytes = paper.scaled(colorscale).flatMap((color) => [...paper.channels(color).map(mixed), 255]);
    return new Uint32Array(new Uint8ClampedArray(bytes).buffer);
  }

  /**
   * A scale's colours as a strip, its highest above.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Trace} trace
   * @param {Box} box
   * @param {number} ratio
   */
  function strip(ctx, trace, { left, top, right, bottom }, ratio) {
    const [width, height] = [Math.round((right - left) * ratio), Math.round((bottom - top) * ratio)];
    const { zmin = 0, zmax = 1 } = trace;
    const values = Array.from({ length: height }, (_, i) => [zmax - ((i + 0.5) / height) * (zmax - zmin)]);
    const image = ctx.createImageData(width, height);
    fill(image, new Int32Array(width), Int32Array.from(values.keys()), values, inks(trace, ratio));
    ctx.putImageData(image, Math.round(left * ratio), Math.round(top * ratio));
  }

  /**
   * @param {ImageData} image
   * @param {Int32Array} columns
   * @param {Int32Array} rows
   * @param {Numbers[]} z
   * @param {(value: number, px: number, py: number) => number} ink
   */
  function fill({ data, width, height }, columns, rows, z, ink) {
    const pixels = new Uint32Array(data.buffer);
    for (let py = 0; py < height; py++) {
      const row = z[rows[py]];
      if (!row) continue;
      for (let px = 0; px < width; px++) {
        const value = columns[px] < 0 ? null : row[columns[px]];
        if (value !== null && value !== undefined) pixels[py * width + px] = ink(value, px, py);
      }
    }
  }

  /**
   * The cell under a point, null where there is none.
   * @param {Trace} trace
   * @param {Area} area
   * @param {number} px
   * @param {number} py
   */
  function under({ x = [], y = [] }, { inner, ...area }, px, py) {
    if (px < inner.left || px > inner.right || py < inner.top || py > inner.bottom) return null;
    const [columns, rows] = [/** @type {number[]} */ (x), /** @type {number[]} */ (y)];
    const column = cells(columns, (edge) => area.x.at(edge), Math.ceil(inner.right))[Math.floor(px)];
    const row = cells(rows, (edge) => area.y.at(edge), Math.ceil(inner.bottom))[Math.floor(py)];
    return column >= 0 && row >= 0 ? { column, row } : null;
  }

  return { paint, strip, under };
})();
