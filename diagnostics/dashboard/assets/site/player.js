// @ts-check
/* A recorded run going on: how far it has come. */
"use strict";

const player = (() => {
  const LATE = 0.25;         // seconds that count at most: a hidden page stands still

  /** @type {{run: string | null, steps: number[], place: number, step: number, going: boolean}} */
  let course = { run: null, steps: [], place: 0, step: 0, going: false };
  let then = 0;

  const over = () => course.place >= course.steps.length - 1;

  /**
   * Begin a run, or put it at its end.
   * @param {string | null} run
   * @param {number[]} steps those recorded
   * @param {boolean} going
   */
  function load(run, steps, going) {
    course = { run, steps, place: going ? 0 : steps.length - 1, step: steps[0] || 0, going };
    then = performance.now();
  }

  /** @param {boolean} going */
  function go(going) {
    course.going = going && !over();
    course.step = course.steps[course.place];
    then = performance.now();
  }

  /** One recorded step. */
  function step() {
    go(false);
    if (!over()) course.place += 1;
  }

  /**
   * Time goes by.
   * @param {number} pace steps a second, 0 for as fast as they can be shown
   * @returns {boolean} whether there is a newer step
   */
  function tick(pace) {
    const now = performance.now(), gone = Math.min((now - then) / 1000, LATE);
    then = now;
    if (!course.going) return false;
    const { place, steps } = course;
    course.step = pace ? course.step + gone * pace : steps[place + 1];
    while (!over() && steps[course.place + 1] <= course.step) course.place += 1;
    if (over()) course.going = false;
    return course.place > place;
  }

  return { load, go, step, tick, over, course: () => course };
})();
