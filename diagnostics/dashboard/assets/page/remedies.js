// @ts-check
/* The remedies' buttons. Each keeps its place: none is exchanged for another while somebody is about to press it. */
"use strict";

const remedies = (() => {
  /** How long a press is not meant for the button that just took another's place. */
  const EXCHANGED_MS = 400;
  const WORDS = { untried: "not tried yet", trying: "being tried…", helped: "" };

  /** @type {Wire.Remedy[]} what is in sight */
  let seen = [];
  /** @type {Wire.Remedy[] | null} what waits until nobody is about to press */
  let waiting = null;
  /** The rule whose remedies have room, and of what. */
  let rule = "", of = "";
  /** @type {(changes: Wire.Remedy["changes"]) => void} */
  let act = () => {};
  let heard = false, under = false, free = false;
  /** @type {Map<number, {was: string, until: number}>} by place, the button that went last */
  const went = new Map();

  /**
   * Show what is offered, at once where that exchanges no button that is about to be pressed.
   * @param {string} against a rule
   * @param {Wire.Remedy[]} offered
   * @param {(changes: Wire.Remedy["changes"]) => void} press
   */
  function show(against, offered, press) {
    if (!heard) hear();
    free ||= of !== (of = JSON.stringify([lab.session()?.run, lab.session()?.query]));
    act = press;
    waiting = offered;
    if (against !== rule || !rule) dom.$("remedies").hidden = !offered.length; // what all failed keeps the room
    rule = against;
    settle();
  }

  function settle() {
    if (!waiting) return;
    const next = waiting;
    const gone = seen.filter((one) => !next.some((other) => same(one, other)));
    const added = next.filter((one) => !seen.some((other) => same(one, other)));
    const exchange = gone.length + added.length > 0;
    if (!exchange || !busy()) [seen, waiting] = [next, null];
    if (!waiting && exchange) exchangeAll(gone, added);
    update(next);
  }

  /**
   * @param {Wire.Remedy[]} gone
   * @param {Wire.Remedy[]} added
   */
  function exchangeAll(gone, added) {
    for (const remedy of gone) {
      find(remedy)?.remove();
      went.set(remedy.place, { was: key(remedy), until: performance.now() + EXCHANGED_MS });
    }
    for (const remedy of added) {
      const after = boxes().find(({ dataset }) => Number(dataset.place) > remedy.place);
      dom.$("remedies").insertBefore(made(remedy), after || null);
    }
    free = false;
  }

  /** Whether somebody is about to press one of what is in sight, and not waiting for what his last deed led to. */
  const busy = () => !free && seen.length > 0 && (under || dom.$("remedies").contains(document.activeElement));

  /** @type {(a: Wire.Remedy, b: Wire.Remedy) => boolean} */
  const same = (a, b) => key(a) === key(b);

  /** @type {(remedy: Wire.Remedy) => string} */
  const key = ({ place, label, changes }) => JSON.stringify([place, label, changes]);

  const boxes = () => /** @type {HTMLElement[]} */ ([...dom.$("remedies").children]);

  /** @type {(remedy: Wire.Remedy) => HTMLElement | undefined} */
  const find = (remedy) => boxes().find(({ dataset }) => dataset.key === key(remedy));

  /**
   * A button, or advice in words where a model is not ours to change.
   * @param {Wire.Remedy} remedy
   */
  function made(remedy) {
    const { label, changes } = remedy;
    const ours = Object.keys(changes).length > 0;
    const box = dom.element(ours ? "button" : "div", dom.element("b", label), dom.element("small"));
    if (ours) box.onclick = () => press(remedy);
    else box.className = "advice";
    box.dataset.key = key(remedy);
    box.dataset.place = String(remedy.place);
    box.style.setProperty("--place", String(remedy.place + 1));
    return box;
  }

  /**
   * What came of each, in the buttons that stay.
   * @param {Wire.Remedy[]} offered
   */
  function update(offered) {
    for (const remedy of offered) {
      const box = find(remedy), words = remedy.effect || WORDS[remedy.trial];
      if (!box) continue;
      box.dataset.trial = remedy.trial;
      box.title = words;
      const line = /** @type {HTMLElement} */ (box.lastElementChild);
      if (line.textContent !== words) line.textContent = words;
    }
  }

  /**
   * A press counts unless it was meant for the button that stood there a moment ago.
   * @param {Wire.Remedy} remedy
   */
  function press(remedy) {
    const before = went.get(remedy.place);
    if (before && before.was !== key(remedy) && performance.now() < before.until) return;
    free = true;
    act(remedy.changes);
  }

  /** @type {(over: boolean) => () => void} */
  const pointer = (over) => () => { under = over; settle(); };

  /** Mind who points at them or goes through them by keys. */
  function hear() {
    const box = dom.$("remedies");
    heard = true;
    box.replaceChildren(); // what the server drew until then
    box.addEventListener("pointerenter", pointer(true));
    for (const away of ["pointerleave", "pointercancel"]) box.addEventListener(away, pointer(false));
    box.addEventListener("focusout", () => setTimeout(settle)); // where the focus goes is known then
  }

  return { show };
})();
