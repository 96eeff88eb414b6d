// @ts-check
/* The doors in the header: lessons, runs, and the page's keys. */
"use strict";

const dialogs = (() => {
  /**
   * @param {string} id
   */
  const dialog = (id) => dom.$(id, HTMLDialogElement);

  /**
   * A door: its button opens it.
   * @param {string} id
   * @param {() => void} [before]
   */
  function door(id, before = () => {}) {
    dom.$(`${id}-open`).addEventListener("click", () => { before(); dialog(id).showModal(); });
    leavable(id);
  }

  /**
   * ×, Esc and a click beside it close it.
   * @param {string} id
   */
  function leavable(id) {
    dialog(id).addEventListener("click", ({ target }) => {
      if (target === dialog(id) || /** @type {Element} */ (target).closest(".close")) dialog(id).close();
    });
  }

  /** A choice in the list of lessons. */
  function lesson(/** @type {Event} */ { target }) {
    const button = /** @type {Element} */ (target).closest("button:not(.close)");
    if (!(button instanceof HTMLButtonElement)) return;
    dialog("lessons").close();
    wishes.make("lesson", button.value);
  }

  function connect() {
    door("lessons");
    door("runs", drawer.open);
    door("help");
    leavable("values");
    values.connect();
    drawer.connect();
    dom.$("lessons").addEventListener("click", lesson);
    dom.fill("keys", Object.entries(desk.KEYS), ([key, { words }]) =>
      dom.element("div", dom.element("dt", dom.element("kbd", key === " " ? "space" : key)), dom.element("dd", words)));
  }

  return { connect, leavable, close: (/** @type {string} */ id) => dialog(id).close() };
})();
