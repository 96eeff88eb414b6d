// @ts-check
/* Heatmaps, one pixel of the screen after the other: sharp cells however many there are. */
"use strict";

const heat = (() => {
  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Trace} trace
   * @param {Area} area
   * @param {number} ratio of the screen's pixels to the page's
   */
  function paint(ctx, { x = [], y = [], z = [], colorscale = [], zmin = 0, zmax = 1 }, { inner, ...area }, ratio) {
    if (!x.length || !y.length) return;
    const [left, top] = [Math.round(inner.left * ratio), Math.round(inner.top * ratio)];
    const image = ctx.createImageData(
      Math.max(1, Math.round(inner.right * ratio) - left), Math.max(1, Math.round(inner.bottom * ratio) - top));
    const columns = cells(/** @type {number[]} */ (x), (edge) => area.x.at(edge) * ratio - left, image.width);
    const rows = cells(/** @type {number[]} */ (y), (edge) => area.y.at(edge) * ratio - top, image.height);
    fill(image, columns, rows, z, (value) => paper.step(value, zmin, zmax), palette(colorscale));
    ctx.putImageData(image, left, top);
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
   * A scale's colours as a picture's pixels have them.
   * @param {Colorscale} colorscale
   */
  function palette(colorscale) {
    const bytes = paper.scaled(colorscale).flatMap((color) => [...paper.channels(color), 255]);
    return new Uint32Array(new Uint8ClampedArray(bytes).buffer);
  }

  /**
   * @param {ImageData} image
   * @param {Int32Array} columns
   * @param {Int32Array} rows
   * @param {Numbers[]} z
   * @param {(value: number) => number} step
   * @param {Uint32Array} colors
   */
  function fill({ data, width, height }, columns, rows, z, step, colors) {
    const pixels = new Uint32Array(data.buffer);
    for (let py = 0; py < height; py++) {
      const row = z[rows[py]];
      if (!row) continue;
      for (let px = 0; px < width; px++) {
        const value = columns[px] < 0 ? null : row[columns[px]];
        if (value !== null && value !== undefined) pixels[py * width + px] = colors[step(value)];
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

  return { paint, under };
})();
