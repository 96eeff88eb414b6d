// @ts-check
/* What the page says of a frame. */
"use strict";

const words = (() => {
  const [MANY, FEW] = [10, 5]; // layers that slopes are told of
  const HALF = 0.5;          // below it a factor is told as a part

  const STATES = {
    queued: "waiting for a worker", running: "training", paused: "paused", finished: "finished",
    stopped: "stopped", diverged: "diverged", failed: "failed", lost: "lost: its worker died",
    unknown: "unknown run", preview: "before training", undrawn: "failed to draw",
  };

  /**
   * A run's state, with its pace and what watching it costs.
   * @param {Wire.Frame | Wire.Unshown} frame
   * @param {number} rate steps a second
   */
  function state(frame, rate) {
    const pace = frame.state === "running" && rate > 0 ? ` · ${Math.round(rate)} steps/s` : "";
    if (!("watched" in frame && frame.watched)) return STATES[frame.state] + pace;
    return `${frame.state === "running" ? "watching" : STATES[frame.state]}${pace} · ${frame.cost}`;
  }

  /**
   * Prediction beside measurement, or why there is none.
   * @param {Shown} frame
   * @param {Wire.View} view
   */
  function slopes({ theory, now, layers, state: of, away, word }, view) {
    if (view.hint) return view.hint;
    if (theory.why_not) return theory.why_not;
    if (away) return "Training has left the initialization that theory speaks of.";
    if (layers < 3) return `one point a ${word}, log scale`;
    const [first] = now.decades;
    /** @type {(slope: number) => string} */
    const told = (slope) => factor(slope, layers - 2, word);
    const measured = first === null ? "no number measured" : `measured ${told(first / (layers - 2))}`;
    const when = of === "preview" || now.step <= 1 ? "" : " at initialization";
    return `predicted ${told(Number(theory.slope))}${when}, ${measured}`;
  }

  /**
   * A slope as what a few layers leave of a gradient: 1/1400 per 5 layers, × 0.97 per 10 layers.
   * @param {number} slope decades a layer, towards the input
   * @param {number} most layers between the first and the last hidden one
   * @param {string} word what a layer is called
   */
  function factor(slope, most, word) {
    const count = Math.min(most, Math.abs(slope) < 0.1 ? MANY : Math.abs(slope) < 1 ? FEW : 1);
    const times = 10 ** (slope * count);
    const told = times < HALF ? `1/${formats.number(".2g", 1 / times)}` : `× ${formats.number(".2g", times)}`;
    return `${told} ${count > 1 ? `per ${count} ${word}s` : `a ${word}`}`;
  }

  /**
   * The same slopes in decades, empty where none are told.
   * @param {Shown} frame
   * @param {Wire.View} view
   */
  function decades({ theory, now, layers, away, word }, view) {
    if (view.hint || theory.why_not || away || layers < 3) return "";
    const [first] = now.decades;
    const found = first === null ? "" : `, measured ${signed(first / (layers - 2))}`;
    return `predicted ${signed(Number(theory.slope))} decades a ${word}${found}`;
  }

  /** @type {(value: number) => string} */
  const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);

  /**
   * The step in sight.
   * @param {Shown} frame
   * @param {boolean} newest whether it is followed
   */
  function step({ state: of, now, newest: last }, newest) {
    const told = of === "preview" ? "before training" : `step ${now.step}`;
    return newest ? told : `${told} of ${last}`;
  }

  /**
   * A diagnosis with its beginning, unless its own sentence tells that.
   * @param {Wire.Verdict} verdict
   */
  function sentence({ rule, sentence: told, since_step: since }) {
    return since !== null && since > 1 && rule !== "diverged" ? `${told} Since step ${since}.` : told;
  }

  /**
   * A run in the list: its number, so that no two look alike, and what came of it.
   * @param {Wire.Listed} run
   */
  function listed({ number, state: of, steps, best, created }) {
    const made = new Date(1000 * created);
    const today = made.toDateString() === new Date().toDateString();
    const time = made.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    const day = made.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    return [
      `#${number}`, STATES[of], `${steps.toLocaleString("en")} steps`,
      best === null ? "" : `best ${(100 * best).toFixed(1)}%`, today ? time : `${day} ${time}`,
    ].filter(Boolean).join(" · ");
  }

  /** @type {(state: Wire.State) => string} */
  const standing = (state) => STATES[state];

  /**
   * How the first layer's signal stands to the last hidden one's.
   * @param {number | null} decades
   */
  const travelled = (decades) => (decades === null ? "–" : `× ${formats.number(".1g", 10 ** decades)}`);

  return { STATES, standing, travelled, listed, state, slopes, decades, step, sentence };
})();
