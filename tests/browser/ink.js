/* Notes what is written on canvases, and where, until they are cleared. Runs before the page's own scripts. */
"use strict";

(() => {
  /** @type {Map<HTMLCanvasElement, {text: string, size: number, box: object}[]>} in the canvas' own pixels */
  const inks = new Map();
  const { prototype } = CanvasRenderingContext2D;
  const { fillText, clearRect } = prototype;

  prototype.fillText = function (text, x, y) {
    if (text.trim()) (inks.get(this.canvas) || inks.set(this.canvas, []).get(this.canvas)).push(note(this, text, x, y));
    return fillText.call(this, text, x, y);
  };

  prototype.clearRect = function (x, y, width, height) {
    if (width >= this.canvas.width) inks.set(this.canvas, []);
    return clearRect.call(this, x, y, width, height);
  };

  function note(ctx, text, x, y) {
    const measured = ctx.measureText(text);
    const at = ctx.getTransform();
    const size = parseFloat(/([\d.]+)px/.exec(ctx.font)[1]) * Math.hypot(at.a, at.b);
    const corners = [
      [-measured.actualBoundingBoxLeft, -measured.actualBoundingBoxAscent],
      [measured.actualBoundingBoxRight, measured.actualBoundingBoxDescent],
    ].map(([dx, dy]) => at.transformPoint({ x: x + dx, y: y + dy }));
    const [xs, ys] = [corners.map((c) => c.x), corners.map((c) => c.y)];
    return { text, size, box: {
      left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys),
    } };
  }

  window.inks = inks;
})();
