// @ts-check
/* What a word means, where it stands: at a pointer, at the keyboard's focus, and at a tap. */
"use strict";

const asking = (() => {
  const REST = 350;          // milliseconds over an option until it is explained
  const STAY = 200;          // milliseconds to come from the word to its explanation
  const GAP = 6;             // pixels between them, and to the window's edges

  /** @type {Record<string, Wire.Explained[]> | undefined} */
  let read;
  /** @type {HTMLElement | null} what is being explained */
  let at = null;
  let waiting = 0;

  /** @type {() => Record<string, Wire.Explained[]>} */
  const all = () => (read ||= dom.data("explanations"));
  const box = () => dom.$("explained");
  /** @type {(key: string) => Wire.Explained[]} */
  const known = (key) => all()[key] || [];

  /**
   * What an event's target is explained by, null for none.
   * @param {Event} event
   */
  function asked({ target }) {
    const found = target instanceof Element ? target.closest("[data-help]") : null;
    return found instanceof HTMLElement && known(found.dataset.help || "").length ? found : null;
  }

  /** @type {(element: HTMLElement | null) => boolean} */
  const isButton = (element) => element?.classList.contains("ask") || false;

  /** @type {(told: Wire.Explained) => Node[]} */
  const pair = ({ label, help, source }) => [
    dom.element("dt", label),
    dom.element("dd", help, ...(source ? [dom.element("cite", source)] : [])),
  ];

  /**
   * @param {HTMLElement} element
   */
  function show(element) {
    clearTimeout(waiting);
    if (at === element) return;
    hide();
    at = element;
    box().replaceChildren(dom.element("dl", ...known(element.dataset.help || "").flatMap(pair)));
    box().showPopover();
    place(element.getBoundingClientRect(), box());
    described(element).setAttribute("aria-describedby", "explained");
  }

  function hide() {
    clearTimeout(waiting);
    if (!at) return;
    described(at).removeAttribute("aria-describedby");
    at = null;
    box().hidePopover();
  }

  /**
   * What has the focus where something is explained.
   * @param {HTMLElement} element
   */
  const described = (element) => (isButton(element) ? element : element.querySelector("input") || element);

  /**
   * Below what it explains, above where there is no room, and within the window.
   * @param {DOMRect} of
   * @param {HTMLElement} tip
   */
  function place(of, tip) {
    const { width, height } = tip.getBoundingClientRect();
    const below = of.bottom + GAP;
    const top = below + height > innerHeight ? of.top - GAP - height : below;
    tip.style.left = `${Math.max(GAP, Math.min(of.left, innerWidth - width - GAP))}px`;
    tip.style.top = `${Math.max(GAP, Math.min(top, innerHeight - height - GAP))}px`;
  }

  /**
   * @param {() => void} act
   * @param {number} after milliseconds
   */
  function soon(act, after) {
    clearTimeout(waiting);
    waiting = window.setTimeout(act, after);
  }

  /** @param {PointerEvent} event */
  function over(event) {
    const found = asked(event);
    if (event.pointerType === "touch") return; // a tap is a click
    if (found) soon(() => show(found), isButton(found) ? 0 : REST);
    else if (box().contains(/** @type {Node} */ (event.target))) clearTimeout(waiting);
    else if (at && !described(at).matches(":focus")) soon(hide, STAY);
    else if (!at) clearTimeout(waiting);
  }

  /** @param {FocusEvent} event */
  function focused(event) {
    const found = asked(event);
    if (found && described(found).matches(":focus-visible")) show(found);
    else if (!found) hide();
  }

  /** @param {MouseEvent} event */
  function pressed(event) {
    const found = asked(event);
    if (found && isButton(found)) {
      event.preventDefault();
      show(found);
    } else if (!box().contains(/** @type {Node} */ (event.target))) hide();
  }

  /** @param {KeyboardEvent} event */
  function escaped(event) {
    if (event.key !== "Escape" || !at) return;
    event.stopPropagation();
    event.preventDefault();
    hide();
  }

  /** It stays beside what it explains, however that is moved. */
  function follow(/** @type {Event} */ { target }) {
    if (at && target !== box()) place(at.getBoundingClientRect(), box());
  }

  function connect() {
    document.addEventListener("pointerover", over);
    document.addEventListener("focusin", focused);
    document.addEventListener("click", pressed);
    document.addEventListener("keydown", escaped, true);
    document.addEventListener("scroll", follow, true);
  }

  /**
   * Whether anything is said of a key.
   * @param {string} key
   */
  const knows = (key) => known(key).length > 0;

  return { connect, knows };
})();
