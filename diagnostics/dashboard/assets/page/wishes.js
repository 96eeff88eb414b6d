// @ts-check
/* What somebody wants done: one wish after the other, and none lost without a word. */
"use strict";

const wishes = (() => {

  /** @typedef {{wish: Wire.Wish, from: Element | null, push: boolean, done: (answer: Wire.Answer) => void}} Made */
  /** Wishes of which each counts: they are of other runs, not of what is in sight. */
  const EACH = ["pin", "stop", "describe", "delete", "restore"];
  /** @type {Made[]} */
  let waiting = [];
  let busy = false;

  /**
   * Ask the server for something; of what waits, the newest of a kind counts.
   * @param {Wire.Deed} kind
   * @param {any} [value]
   * @param {boolean} [push] whether Back leads to what was before
   * @returns {Promise<Wire.Answer>} once it is granted
   */
  function make(kind, value = null, push = true) {
    return new Promise((done) => {
      const made = { wish: { kind, value }, from: document.activeElement, push, done };
      waiting = [...waiting.filter(({ wish }) => wish.kind !== kind || EACH.includes(kind)), made];
      if (!busy) grant();
    });
  }

  async function grant() {
    busy = true;
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { wish, push, done } = next;
      if (!EACH.includes(wish.kind)) classroom.leave();
      const answer = await reach.through(() => ask(wish), next.from);
      lab.adopt(answer, push);
      done(answer);
    }
    busy = false;
  }

  /**
   * @param {Wire.Wish} wish
   */
  const ask = (wish) => source.way().wish({ session: lab.state(), wish, pace: pace() });

  /** Steps a second, 0 for as fast as possible. */
  const pace = () => Number(dom.$("pace", HTMLSelectElement).value);

  return { make, pace };
})();
