// @ts-check
/* What somebody wants done: one wish after the other, and none lost without a word. */
"use strict";

const wishes = (() => {
  /** Wishes for other runs than the one in sight. */
  const ELSEWHERE = ["pin", "stop", "describe", "delete", "restore"];
  /** Wishes that go on from what there is: twice is another thing than once. */
  const FURTHER = ["play", "step"];
  const EACH = [...ELSEWHERE, ...FURTHER];

  /** @typedef {(answer: Wire.Answer) => void} Heard */
  /** @typedef {{wish: Wire.Wish, from: Element | null, push: boolean, done: Heard[]}} Made */
  /** @type {Made[]} */
  let waiting = [];
  /** @type {Made | undefined} what the server was asked and has not answered */
  let going;

  /**
   * Ask the server for something; of what waits, the newest of a kind counts where not each does.
   * @param {Wire.Deed} kind
   * @param {any} [value]
   * @param {boolean} [push] whether Back leads to what was before
   * @returns {Promise<Wire.Answer>} once it, or what was wished in its place, is granted
   */
  function make(kind, value = null, push = true) {
    return new Promise((done) => {
      const same = waiting.filter(({ wish }) => wish.kind === kind);
      const first = going?.wish.kind === kind ? going : same[0];
      if (first && FURTHER.includes(kind) && reach.away()) { // pressed again since nothing happens
        first.done.push(done);
        return;
      }
      const instead = EACH.includes(kind) ? [] : same;
      const all = [...instead.flatMap((made) => made.done), done];
      waiting = waiting.filter((made) => !instead.includes(made));
      waiting.push({ wish: { kind, value }, from: document.activeElement, push, done: all });
      if (!going) grant();
    });
  }

  async function grant() {
    while ((going = waiting.shift())) {
      const { wish, from, push, done } = going;
      if (!ELSEWHERE.includes(wish.kind)) classroom.leave();
      const answer = await reach.through(() => ask(wish), from);
      lab.adopt(answer, push);
      done.forEach((heard) => heard(answer));
    }
  }

  /** Whether something waits for its answer. */
  const wait = () => going !== undefined;

  /**
   * @param {Wire.Wish} wish
   */
  const ask = (wish) => source.way().wish({ session: lab.state(), wish, pace: pace() });

  /** Steps a second, 0 for as fast as possible. */
  const pace = () => Number(dom.$("pace", HTMLSelectElement).value);

  return { make, wait, pace };
})();
