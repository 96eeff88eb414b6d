// @ts-check
/* What others do while one looks: a model begins to be watched, the run in sight is changed. */
"use strict";

const company = (() => {
  let known = "";            // the controls of the run in sight, as they were last told

  const GOING = ["queued", "running", "paused"];

  function forget() {
    known = "";
    dom.$("others").hidden = true;
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
    if (classroom.follows()) { dom.$("others").hidden = true; return true; }
    const watching = run !== null && !yours && GOING.includes(state);
    if (watching) say("You watch somebody else’s run: only they can change it. ", "Take a copy", copy);
    else if (run !== null) dom.$("others").hidden = true;
    return watching;
  }

  const copy = () => { wishes.make("copy"); };

  /**
   * Somebody else's run that could be watched instead.
   * @param {Wire.Offer} run
   */
  const offer = ({ run, title, does }) =>
    say(`${title} ${does}: start your own with Train, or `, "Watch it", () => wishes.make("run", run));

  /**
   * @param {string} words
   * @param {string} deed
   * @param {() => void} act
   */
  function say(words, deed, act) {
    const box = dom.$("others");
    box.hidden = false;
    if (box.dataset.said === words) return; // its button keeps the focus
    box.dataset.said = words;
    box.replaceChildren(words, dom.button(deed, act));
  }

  return { forget, follow, news, offer, stand };
})();
