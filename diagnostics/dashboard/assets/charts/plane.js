// @ts-check
/* The plane as a network divides it, and the points that it is to tell apart. */
"use strict";

const plane = (() => {
  const RADIUS = 0.009;      // of a point, of the picture's side
  const DEEPEST = 0.55;      // opacity of a class that the network is sure of
  const EVEN = 0.5;          // the probability at which it can't tell

  /**
   * The colours of the two classes, and of what is no number.
   * @param {Element} element
   */
  function inks(element) {
    const style = getComputedStyle(element);
    const [one, other, none, ground, ink] = ["--one", "--other", "--line", "--surface", "--ink"]
      .map((name) => style.getPropertyValue(name).trim());
    return { classes: [one, other], none, ground, ink };
  }

  /**
   * How much of its class's colour a place has: the surer, the more. None where there is no number.
   * @param {number | null} sure
   */
  const depth = (sure) => (sure === null ? null : DEEPEST * Math.max(0, Math.min(1, (sure - EVEN) / (1 - EVEN))));

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Wire.Ground} ground
   * @param {Wire.Learned} learned
   */
  function draw(canvas, ground, { guesses, sure }) {
    const side = Math.round(canvas.clientWidth * devicePixelRatio);
    const ctx = canvas.getContext("2d");
    if (!side || !ctx || !guesses || !sure) return;
    canvas.width = canvas.height = side;
    const colours = inks(canvas);
    ctx.drawImage(fields(guesses, sure, colours), 0, 0, side, side); // smoothed between the places asked
    points(ctx, ground, colours, side);
  }

  /**
   * One pixel for each place that the network was asked at.
   * @param {number[]} guesses row by row from below
   * @param {Numbers} sure
   * @param {ReturnType<typeof inks>} colours
   */
  function fields(guesses, sure, { classes, none, ground }) {
    const side = Math.round(Math.sqrt(guesses.length));
    const small = document.createElement("canvas");
    small.width = small.height = side;
    const ctx = /** @type {CanvasRenderingContext2D} */ (small.getContext("2d"));
    ctx.fillStyle = ground;
    ctx.fillRect(0, 0, side, side);
    guesses.forEach((guess, i) => {
      const deep = depth(sure[i]);
      ctx.globalAlpha = deep === null ? 1 : deep;
      ctx.fillStyle = deep === null ? none : classes[guess];
      ctx.fillRect(i % side, side - 1 - Math.floor(i / side), 1, 1);
    });
    return small;
  }

  /**
   * Where a point of the plane is in a picture of so many pixels.
   * @param {Numbers} at
   * @param {number} reach
   * @param {number} side
   */
  const place = ([x, y], reach, side) => ({
    x: ((Number(x) / reach + 1) / 2) * side, y: ((1 - Number(y) / reach) / 2) * side,
  });

  /**
   * Filled where they are trained with, rings where they are held out.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Wire.Ground} ground
   * @param {ReturnType<typeof inks>} colours
   * @param {number} side
   */
  function points(ctx, { inputs, labels, heldout, reach }, { classes, ground }, side) {
    const radius = Math.max(1.5 * devicePixelRatio, RADIUS * side);
    inputs.forEach((at, i) => {
      const { x, y } = place(at, reach, side);
      ctx.beginPath();
      ctx.arc(x, y, radius, 0, 2 * Math.PI);
      ctx.fillStyle = heldout[i] ? ground : classes[labels[i]];
      ctx.strokeStyle = heldout[i] ? classes[labels[i]] : ground;
      ctx.lineWidth = heldout[i] ? 0.6 * radius : 0.25 * radius;
      ctx.fill();
      ctx.stroke();
    });
  }

  return { draw, depth, place };
})();
