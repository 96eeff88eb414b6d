// @ts-check
/* What others do while one looks: a model begins to be watched, the run in sight is changed. */
"use strict";

const company = (() => {
  let known = "";            // the controls of the run in sight, as they were last told

  const forget = () => { known = ""; };

  /**
   * Controls that were those of the run follow it; what was chosen here stays.
   * @param {string} controls the run's
   * @param {Wire.Session} session
   */
  function follow(controls, { query }) {
    const behind = known && known !== controls && query === known;
    known = controls;
    if (behind) wishes.make("link", location.search, false);
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

  return { forget, follow, news };
})();
