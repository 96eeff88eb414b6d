// @ts-check
/* The table of runs that are compared: what was chosen in each, and what came of it. */
"use strict";

const compared = (() => {
  const OUTCOME = ["Diagnosis", "Steps", "Best held-out", "Layer 1 : last hidden"];

  /**
   * @param {Wire.Frame} frame
   */
  function show({ compared: table, run }) {
    dom.$("compared").hidden = !table;
    if (!table) return;
    const heads = ["Run", ...OUTCOME, ...table.columns, ""].map((words) => {
      const made = dom.element("th", words);
      made.scope = "col";
      return made;
    });
    dom.fill("compared-head", [table.columns], () => dom.element("tr", ...heads));
    const theme = document.documentElement.getAttribute("data-mantine-color-scheme");
    const rows = table.rows.map((one) => ({ one, shown: one.run === run, place: alongside.place(one.run), theme }));
    dom.fill("compared-rows", rows, ({ one, shown, place }) => row(one, shown, place));
  }

  const clear = () => { dom.$("compared").hidden = true; };

  /**
   * @param {Wire.Outcome} one
   * @param {boolean} shown whether it is the run in sight
   * @param {number} place among the runs compared
   */
  function row(one, shown, place) {
    const { run, name, values, diagnosis, tone, state, steps, best, decades } = one;
    const said = dom.element("td", diagnosis || words.standing(state));
    if (tone) said.dataset.tone = tone;
    const made = dom.element(
      "tr", title(run, name, shown, place), said,
      dom.element("td", steps.toLocaleString("en")),
      dom.element("td", best === null ? "–" : `${(100 * best).toFixed(1)}%`),
      dom.element("td", words.travelled(decades)),
      ...values.map((value) => dom.element("td", value)), away(run, name, place),
    );
    made.classList.toggle("shown", shown);
    return made;
  }

  /**
   * @param {string} run
   * @param {string} name
   * @param {boolean} shown
   * @param {number} place
   */
  function title(run, name, shown, place) {
    const line = legend.piece(legend.of(shown ? 1 : place < 0 ? 0 : legend.OTHERS + place));
    const made = dom.element("th", line, shown ? name : dom.button(name, () => wishes.make("run", run)));
    made.scope = "row";
    return made;
  }

  /**
   * @param {string} run
   * @param {string} name
   * @param {number} place
   */
  function away(run, name, place) {
    const kept = place >= 0 || lab.session().pins.includes(run);
    if (!kept) return dom.element("td");
    const made = dom.button("×", () => wishes.make("pin", run));
    made.setAttribute("aria-label", `compare with ${name} no longer`);
    return dom.element("td", made);
  }

  return { show, clear };
})();
