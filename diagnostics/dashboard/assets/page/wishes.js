// @ts-check
/* What somebody wants done: one wish after the other, and none lost without a word. */
"use strict";

const wishes = (() => {

  /** @typedef {{wish: Wire.Wish, from: Element | null, push: boolean}} Made */
  /** @type {Made[]} */
  let waiting = [];
  let busy = false;

  /**
   * Ask the server for something; of what waits, the newest of a kind counts.
   * @param {Wire.Deed} kind
   * @param {any} [value]
   * @param {boolean} [push] whether Back leads to what was before
   */
  function make(kind, value = null, push = true) {
    const made = { wish: { kind, value }, from: document.activeElement, push };
    waiting = [...waiting.filter(({ wish }) => wish.kind !== kind), made];
    if (!busy) grant();
  }

  async function grant() {
    busy = true;
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { wish, push } = next;
      const answer = await reach.through(() => post(wish), next.from);
      lab.adopt(answer, push);
    }
    busy = false;
  }

  /**
   * @param {Wire.Wish} wish
   * @returns {Promise<Wire.Answer>}
   */
  async function post(wish) {
    const asked = { session: lab.state(), wish, pace: pace() };
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch("/wish", { method: "POST", headers, body: JSON.stringify(asked) });
    if (answer.status >= 500) throw new Error(`the server answered ${answer.status}`);
    return answer.json();
  }

  /** Steps a second, 0 for as fast as possible. */
  const pace = () => Number(dom.$("pace", HTMLSelectElement).value);

  return { make, pace };
})();
