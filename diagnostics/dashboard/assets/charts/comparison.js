// @ts-check
/* The table of runs that are compared: what was chosen in each, and what came of it. */
"use strict";

/**
 * @typedef {object} Choosing what can be done with runs compared; nothing in a report
 * @property {(run: string) => boolean} kept whether it was chosen to be compared with
 * @property {(run: string) => void} look
 * @property {(run: string) => void} leave compare with it no longer
 */

const comparison = (() => {
  const OUTCOME = ["Diagnosis", "Steps", "Best held-out", "Layer 1 : last hidden"];

  /**
   * @param {Wire.Frame} frame
   * @param {Choosing | null} [choosing]
   */
  function show({ compared: table, run }, choosing = null) {
    dom.$("compared").hidden = !table;
    if (!table) return;
    const heads = ["Run", ...OUTCOME, ...table.columns, ...(choosing ? [""] : [])].map((words) => {
      const made = dom.element("th", words);
      made.scope = "col";
      return made;
    });
    dom.fill("compared-head", [table.columns], () => dom.element("tr", ...heads));
    const theme = document.documentElement.getAttribute("data-mantine-color-scheme");
    const rows = table.rows.map((one) => ({ one, shown: one.run === run, place: alongside.place(one.run), theme }));
    dom.fill("compared-rows", rows, ({ one, shown, place }) => row(one, shown, place, choosing));
  }

  /**
   * @param {Wire.Outcome} one
   * @param {boolean} shown whether it is the run in sight
   * @param {number} place among the runs compared
   * @param {Choosing | null} choosing
   */
  function row(one, shown, place, choosing) {
    const { values, diagnosis, tone, state, steps, best, decades } = one;
    const said = dom.element("td", diagnosis || words.standing(state));
    if (tone) said.dataset.tone = tone;
    const made = dom.element(
      "tr", title(one, shown, place, choosing), said,
      dom.element("td", steps.toLocaleString("en")),
      dom.element("td", best === null ? "–" : `${(100 * best).toFixed(1)}%`),
      dom.element("td", words.travelled(decades)),
      ...values.map((value) => dom.element("td", value)), ...(choosing ? [away(one, place, choosing)] : []),
    );
    made.classList.toggle("shown", shown);
    return made;
  }

  /**
   * @param {Wire.Outcome} one
   * @param {boolean} shown
   * @param {number} place
   * @param {Choosing | null} choosing
   */
  function title({ run, name }, shown, place, choosing) {
    const line = legend.piece(legend.of(shown ? 1 : place < 0 ? 0 : legend.OTHERS + place));
    const made = dom.element("th", line, shown || !choosing ? name : dom.button(name, () => choosing.look(run)));
    made.scope = "row";
    return made;
  }

  /**
   * @param {Wire.Outcome} one
   * @param {number} place
   * @param {Choosing} choosing
   */
  function away({ run, name }, place, { kept, leave }) {
    if (place < 0 && !kept(run)) return dom.element("td");
    const made = dom.button("×", () => leave(run));
    made.setAttribute("aria-label", `compare with ${name} no longer`);
    return dom.element("td", made);
  }

  return { show };
})();
