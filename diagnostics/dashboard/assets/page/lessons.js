// @ts-check
/* The lesson that a session is in. */
"use strict";

const lessons = (() => {
  /** @type {Wire.Lesson[] | undefined} */
  let read;

  /**
   * Show it, or nothing where there is none.
   * @param {Wire.Session} session
   */
  function show(session) {
    /** @type {Wire.Lesson[]} */
    const all = (read ||= dom.data("lessons"));
    const place = all.findIndex(({ key }) => key === session.lesson);
    dom.$("lesson-card").hidden = place < 0;
    if (place < 0) return;
    const { title, sentences, source, scenes } = all[place];
    dom.text("lesson-title", `${place + 1}. ${title}`);
    dom.text("lesson-text", sentences.map((one) => one.words).join(" "));
    dom.text("lesson-source", source);
    dom.fill("scenes", scenes.map((of) => ({ of, on: of.query === session.query })), scene);
    dom.fill("turns", [place], () => turns(all, place));
  }

  /**
   * @param {{of: Wire.Scene, on: boolean}} scene
   */
  function scene({ of: { label, query, view, panel }, on }) {
    const made = dom.button(label, () => verdict.wish({ query, view, panel }));
    made.setAttribute("aria-pressed", String(on));
    return made;
  }

  /**
   * Back and on.
   * @param {Wire.Lesson[]} all
   * @param {number} place
   */
  function turns(all, place) {
    /** @type {(label: string, key: string, to: number) => HTMLButtonElement} */
    const turn = (label, key, to) => {
      const made = dom.button(label, () => verdict.wish({ lesson: all[to].key }));
      return Object.assign(made, { title: `key ${key}`, disabled: !all[to] });
    };
    return dom.element("span", turn("← Back", "B", place - 1), turn("Next →", "N", place + 1));
  }

  return { show };
})();
