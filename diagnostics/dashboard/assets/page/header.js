// @ts-check
/* What header and buttons say of a run: its state, its pace, and what can be done with it. */
"use strict";

const header = (() => {
  const EVERY = 1000;        // milliseconds over which the pace is measured
  const START = { time: 0, step: 0, rate: 0 };
  const [TRAIN, PAUSE, RESUME] = [["▶", "Train"], ["❚❚", "Pause"], ["▶", "Resume"]];

  let pace = START;

  const forget = () => { pace = START; };

  /**
   * @param {string} said
   * @param {string} kind
   */
  function badge(said, kind) {
    dom.text("badge", said);
    dom.$("badge").dataset.kind = kind;
    dom.$("badge").title = said;
  }

  /**
   * @param {Wire.Frame} frame
   * @param {boolean} others whether it is somebody else's to change
   */
  function show(frame, others) {
    badge(words.state(frame, rate(frame.newest)), frame.state);
    play(frame.state);
    dom.$("elsewhere").hidden = !frame.watched;
    hold(frame.watched || others);
  }

  /**
   * The large button does what is next.
   * @param {string} state
   */
  function play(state) {
    const [sign, word] = state === "running" || state === "queued" ? PAUSE : state === "paused" ? RESUME : TRAIN;
    dom.text("play-sign", sign);
    dom.text("play-word", word);
  }

  /**
   * What is only watched can't be changed here.
   * @param {boolean} on
   */
  function hold(on) {
    const form = dom.$("lab-form").classList;
    if (form.contains("idle") === on) return;
    form.toggle("idle", on);
    for (const button of dom.all(".transport [data-deed]")) button.toggleAttribute("disabled", on);
    dom.$("react-entry-point").toggleAttribute("inert", on);
  }

  /**
   * Whether the run in sight is kept to compare others with.
   * @param {Wire.Session} session
   */
  function pinned({ run, pins }) {
    const kept = run !== null && pins.includes(run);
    dom.$("pin").setAttribute("aria-pressed", String(kept));
    dom.text("pin", kept ? "Pinned" : "Pin");
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

  return { badge, show, play, pinned, forget };
})();
