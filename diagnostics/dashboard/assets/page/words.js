// @ts-check
/* What the page says of a frame. */
"use strict";

const words = (() => {
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
    const measured = first === null ? "no number measured" : `measured ${signed(first / (layers - 2))}`;
    const when = of === "preview" || now.step <= 1 ? "" : " at initialization";
    return `predicted ${signed(Number(theory.slope))} decades a ${word}${when}, ${measured}`;
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

  return { standing, travelled, listed, state, slopes, step, sentence };
})();
