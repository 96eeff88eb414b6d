// @ts-check
/* What others do while one looks: a model begins to be watched, the run in sight is changed. */
"use strict";

const company = (() => {
  let known = "";            // the controls of the run in sight, as they were last told

  const GOING = ["queued", "running", "paused"];

  /** Another run comes in sight: what was said of the one before, or offered instead of none, goes. */
  function forget() {
    known = "";
    for (const words of dom.all("#others, #offer")) words.hidden = true;
  }

  /**
   * Controls that were those of the run follow it; what was chosen here stays.
   * @param {string} controls the run's
   * @param {Wire.Session} session
   */
  function follow(controls, { query }) {
    const behind = known && known !== controls && query === known;
    known = controls;
    if (behind && !classroom.follows()) wishes.make("link", location.search, false);
  }

  /**
   * A model of one's own comes in sight, or says so where something else is looked at.
   * @param {{id: string, title: string}} run
   * @param {Wire.Session} session
   */
  function news({ id, title }, { run, lesson }) {
    if (!run && !lesson) { wishes.make("run", id); return; }
    const look = dom.button("Look at it", () => wishes.make("run", id));
    dom.$("notice").replaceChildren(`${title} has begun to be watched. `, look);
  }

  /**
   * Whether somebody else's run that goes on is in sight, which is said then.
   * @param {Wire.Frame} frame
   * @param {Wire.Linked} session
   */
  function stand({ run, state }, { yours }) {
    const watching = run !== null && !yours && GOING.includes(state);
    dom.$("others").hidden = !watching || classroom.follows();
    return watching || classroom.follows();
  }

  return { forget, follow, news, stand };
})();
