// @ts-check
/* Small pictures at a network's ends: what a sample is, and the loss. */
"use strict";

const glyphs = (() => {
  const PLANE = 2;           // inputs of a point of the plane
  /** A seven, in pixels. */
  const DIGIT = ["00000", "01110", "00010", "00100", "00100"];
  /** Points of two classes in the plane: to the right, upwards, of the second. */
  const POINTS = [[-0.6, 0.5, 0], [-0.2, 0.1, 0], [-0.65, -0.1, 0], [0.5, -0.5, 1], [0.2, -0.2, 1], [0.65, 0.3, 1]];
  const NUMBERS = [0.5, 0.9, 0.35, 0.7]; // bars of a vector

  /** @type {Record<string, (ctx: CanvasRenderingContext2D, x: number, y: number, r: number) => void>} */
  const INPUTS = {
    digit(ctx, x, y, r) {
      const side = (2 * r) / DIGIT.length;
      DIGIT.forEach((row, j) => [...row].forEach((ink, i) => {
        ctx.globalAlpha = ink === "1" ? 1 : 0.22;
        ctx.fillRect(x - r + i * side, y - r + j * side, side - 1, side - 1);
      }));
      ctx.globalAlpha = 1;
    },
    plane(ctx, x, y, r) {
      ctx.strokeRect(x - r, y - r, 2 * r, 2 * r);
      for (const [dx, dy, other] of POINTS) {
        ctx.beginPath();
        ctx.arc(x + dx * r, y - dy * r, 0.16 * r, 0, 2 * Math.PI);
        if (other) ctx.fill();
        else ctx.stroke();
      }
    },
    numbers(ctx, x, y, r) {
      const wide = (2 * r) / NUMBERS.length;
      NUMBERS.forEach((tall, i) => ctx.fillRect(x - r + i * wide, y + r - 2 * r * tall, wide - 2, 2 * r * tall));
    },
  };

  /**
   * What a sample is: a point of the plane, an image, or numbers.
   * @param {CanvasRenderingContext2D} ctx
   * @param {number} inputs 0 where they are not known
   * @param {number} x
   * @param {number} y
   * @param {number} r half its width
   * @param {string} color
   */
  function input(ctx, inputs, x, y, r, color) {
    ctx.fillStyle = ctx.strokeStyle = color;
    ctx.lineWidth = 1;
    ctx.setLineDash([]);
    INPUTS[inputs === PLANE ? "plane" : inputs > PLANE ? "digit" : "numbers"](ctx, x, y, r);
  }

  /**
   * A valley, and a ball on its side.
   * @param {CanvasRenderingContext2D} ctx
   * @param {number} x
   * @param {number} y
   * @param {number} r half its width
   * @param {string} color
   */
  function loss(ctx, x, y, r, color) {
    ctx.strokeStyle = ctx.fillStyle = color;
    ctx.lineWidth = 0.16 * r;
    ctx.beginPath();
    ctx.moveTo(x - r, y - 0.8 * r);
    ctx.quadraticCurveTo(x, y + 2.2 * r, x + r, y - 0.8 * r);
    ctx.stroke();
    ctx.beginPath();
    ctx.arc(x + 0.42 * r, y - 0.02 * r, 0.24 * r, 0, 2 * Math.PI);
    ctx.fill();
  }

  return { input, loss };
})();
