// @ts-check
/* Eight held-out digits, and what a network takes them for. */
"use strict";

const digits = (() => {
  const SIDE = 8;            // pixels
  const INK = 16;            // of the darkest one

  /**
   * A guess in words: right, wrong, or none.
   * @param {number} label
   * @param {number} guess
   * @param {number | null} sure
   */
  function told(label, guess, sure) {
    if (sure === null) return { kind: "none", sign: "–", words: "no number" };
    const words = `${Math.round(100 * sure)}%`;
    return guess === label ? { kind: "right", sign: "✓", words } : { kind: "wrong", sign: "✗", words };
  }

  /**
   * @param {HTMLElement} root
   * @param {Wire.Ground} ground
   * @param {Wire.Learned} learned
   */
  function draw(root, { inputs, labels }, { guesses, sure }) {
    if (!guesses || !sure) return;
    const made = inputs.map((pixels, i) => one(pixels, labels[i], guesses[i], sure[i]));
    root.replaceChildren(...made);
  }

  /**
   * @param {Numbers} pixels
   * @param {number} label
   * @param {number} guess
   * @param {number | null} sure
   */
  function one(pixels, label, guess, sure) {
    const { kind, sign, words } = told(label, guess, sure);
    const said = dom.element("b", sure === null ? "" : String(guess));
    const caption = dom.element("figcaption", `${sign} `, said, dom.element("small", words));
    const figure = dom.element("figure", canvas(pixels), caption);
    figure.className = kind;
    figure.setAttribute("aria-label", `a ${label}, taken for ${sure === null ? "nothing" : `a ${guess}, ${words}`}`);
    return figure;
  }

  /**
   * Ink as opaque as it is dark, on whatever the page's ground is.
   * @param {Numbers} pixels
   */
  function canvas(pixels) {
    const made = document.createElement("canvas");
    made.width = made.height = SIDE;
    const ctx = /** @type {CanvasRenderingContext2D} */ (made.getContext("2d"));
    ctx.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
    pixels.forEach((pixel, i) => {
      ctx.globalAlpha = Number(pixel) / INK;
      ctx.fillRect(i % SIDE, Math.floor(i / SIDE), 1, 1);
    });
    return made;
  }

  return { draw, told };
})();
