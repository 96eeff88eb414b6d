// @ts-check
/* What is learned: the plane or some digits as the network sees them, and how many it gets right. */
"use strict";

const learned = (() => {
  /** @type {Wire.Learned | null} the newest picture */
  let kept = null;
  /** @type {Wire.Ground | null} what it is of */
  let ground = null;
  /** @type {Wire.Message["frame"]} the newest */
  let seen = null;

  /**
   * A message's picture, or none: then the one that was there stays, dimmed where it is of another network.
   * @param {Wire.Message} message
   */
  function receive({ learned: next, frame }) {
    if (next) {
      if (next.ground || next.run !== kept?.run || next.query !== kept.query) ground = next.ground;
      kept = next;
      charts.picture(next);
      draw();
    }
    else if (!kept && frame && "watched" in frame) dom.$("learned").hidden = frame.watched;
    seen = frame || seen;
    dom.$("learned").classList.toggle("stale", seen !== null && !of(seen));
  }

  /**
   * Whether the picture is of a frame's network.
   * @param {Wire.Frame | Wire.Unshown} frame
   */
  const of = ({ run, query, state }) => kept?.run === run && kept.query === (state === "preview" ? query : "");

  function draw() {
    if (!kept) return;
    dom.$("learned").hidden = !ground;
    if (!ground) return;
    const [plot, eight] = [dom.$("learned-plane", HTMLCanvasElement), dom.$("learned-digits")];
    const flat = ground.reach > 0;
    plot.hidden = !flat;
    eight.hidden = flat;
    if (flat) plane.draw(plot, ground, kept);
    else digits.draw(eight, ground, kept);
    caption(kept, flat);
    plot.setAttribute("aria-label", `the plane as the network divides it, ${dom.$("learned-step").textContent}`);
  }

  /** Draw anew in another size, or in other colours. */
  function connect() {
    new ResizeObserver(draw).observe(dom.$("learned"));
    new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });
  }

  /**
   * @param {Wire.Learned} picture
   * @param {boolean} flat
   */
  function caption({ step, heldout: share }, flat) {
    const known = share === null ? [] : [dom.element("b", `${Math.round(100 * share)}%`), " held-out accuracy"];
    dom.$("learned-accuracy").replaceChildren(...known);
    dom.text("learned-step", step ? `step ${step.toLocaleString("en")}` : "before training");
    dom.text("learned-key", flat ? "● trained with  ○ held out · the deeper a colour, the surer"
      : "what it takes held-out digits for, and how sure it is");
  }

  return { receive, connect };
})();
