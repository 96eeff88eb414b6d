// @ts-check
/* The steps of a run, played back, and what happened at which of them. */
"use strict";

const playback = (() => {
  const SECONDS = 12;        // that a long run takes; a short one a step at a time
  const EVERY = 60;          // milliseconds from one picture to the next

  /** @type {Wire.Moment[]} */
  let moments = [];
  let newest = 0, timer = 0, asked = 0;
  /** @type {string | null} */
  let of = null;

  /** @type {() => number} the step in sight */
  const now = () => lab.frame()?.now?.step || 1;

  /**
   * What there is to play, and to jump to.
   * @param {Wire.Frame} frame
   */
  function show({ run, state, newest: last, history }) {
    if (run !== of || state === "preview") stop();
    of = run;
    newest = state === "preview" ? 0 : last;
    if (history || !newest) moments = newest && history ? history.moments : [];
    dom.$("playback", HTMLButtonElement).disabled = newest < 2;
    for (const id of ["earlier", "later"]) dom.$(id, HTMLButtonElement).disabled = !moments.length;
    const share = (/** @type {number} */ step) => (100 * (step - 1)) / Math.max(1, newest - 1);
    dom.fill("moments", moments.map(({ step }) => share(step)), (left) => {
      const mark = dom.element("i");
      mark.style.left = `${left}%`;
      return mark;
    });
  }

  /**
   * What happened at a step, in words.
   * @param {number} step
   */
  const told = (step) => moments.filter((one) => one.step === step).map(({ words }) => words).join(", ");

  /** Play from the beginning, or from where one stands; pressed again, stop there. */
  function toggle() {
    if (timer) { stop(); return; }
    const from = now() >= newest ? 1 : now();
    dom.$("playback").setAttribute("aria-pressed", "true");
    timer = window.setInterval(next, EVERY);
    go(from);
  }

  /** The next picture, once the one before was painted. */
  function next() {
    if (now() < asked && now() < newest) return;
    if (asked >= newest) { stop(); lab.look({ at: null }); return; } // a run that diverged ends with its last numbers
    go(Math.min(newest, asked + pace(newest)));
  }

  /**
   * Steps from one picture to the next.
   * @param {number} steps of the run
   */
  const pace = (steps) => Math.max(1, Math.round((steps * EVERY) / (1000 * SECONDS)));

  /**
   * @param {number} step
   */
  function go(step) {
    asked = step;
    lab.look({ at: step });
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    dom.$("playback").setAttribute("aria-pressed", "false");
  }

  /**
   * The moment before a step, or after it; none where there is none.
   * @param {Wire.Moment[]} all in order
   * @param {number} step
   * @param {-1 | 1} way
   */
  const beyond = (all, step, way) =>
    (way < 0 ? all.filter((one) => one.step < step).pop() : all.find((one) => one.step > step));

  /**
   * @param {-1 | 1} way
   */
  function jump(way) {
    stop();
    const found = beyond(moments, now(), way);
    if (found) lab.look({ at: found.step });
  }

  function connect() {
    dom.$("playback").addEventListener("click", toggle);
    dom.$("earlier").addEventListener("click", () => jump(-1));
    dom.$("later").addEventListener("click", () => jump(1));
    for (const id of ["scrub", "latest", "train"]) dom.$(id).addEventListener("pointerdown", stop);
  }

  return { show, told, pace, beyond, connect };
})();
