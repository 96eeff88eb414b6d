// @ts-check
/* What the header says of a run: its state, its pace, and whether it can be paused. */
"use strict";

const header = (() => {
  const EVERY = 1000;        // milliseconds over which the pace is measured
  const START = { time: 0, step: 0, rate: 0 };

  let pace = START;

  const forget = () => { pace = START; };

  /**
   * @param {string} said
   * @param {string} kind
   */
  function badge(said, kind) {
    dom.text("badge", said);
    dom.$("badge").dataset.kind = kind;
  }

  /**
   * @param {Wire.Frame} frame
   */
  function show(frame) {
    badge(words.state(frame, rate(frame.newest)), frame.state);
    dom.$("lab-form").classList.toggle("idle", frame.watched);
    const label = frame.state === "paused" ? "Resume" : "Pause";
    if (dom.$("pause").textContent !== label) dash_clientside.set_props("pause", { children: label });
  }

  /**
   * Steps a second; 0 before two moments are known.
   * @param {number} step the newest
   */
  function rate(step) {
    const time = performance.now();
    if (step < pace.step || time - pace.time > EVERY) {
      pace = { time, step, rate: pace.time ? (1000 * (step - pace.step)) / (time - pace.time) : 0 };
    }
    return pace.rate;
  }

  return { badge, show, forget };
})();
