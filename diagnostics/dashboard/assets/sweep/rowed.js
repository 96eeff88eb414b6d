// @ts-check
/* A sweep's networks as a table that can be sorted. */
"use strict";

const rowed = (() => {
  const MOST = 400;          // rows that are shown: more are in the files
  let by = -1, up = true, only = "";

  /**
   * @param {string} tone what alone is shown, all where it is empty
   */
  function fill(tone) {
    only = tone;
    dom.$("list").ontoggle = draw;
    draw();
  }

  async function draw() {
    if (!dom.$("list", HTMLDetailsElement).open) return;
    const answer = await fetch(`/sweep.json?${sweep.query()}`).catch(() => null);
    if (answer?.ok) dom.$("rowed").replaceChildren(table(await answer.json()));
  }

  /**
   * @param {{columns: string[], data: (string | number | null)[][]}} frame
   */
  function table({ columns: names, data }) {
    const whole = document.createElement("table");
    const heads = whole.createTHead().insertRow();
    names.forEach((name, column) => heads.append(head(name, column)));
    const said = names.indexOf("diagnosis"), run = names.indexOf("run");
    const shown = data.filter((row) => !only || row[said] === only);
    if (by >= 0) shown.sort((one, other) => (up ? 1 : -1) * order(one[by], other[by]));
    for (const row of shown.slice(0, MOST)) {
      const line = whole.insertRow();
      row.forEach((value, column) => {
        const cell = line.insertCell();
        if (column === run && value) cell.append(link(String(value))); else cell.textContent = brief(value);
      });
    }
    return whole;
  }

  /**
   * @param {string} name
   * @param {number} column
   */
  function head(name, column) {
    const cell = dom.element("th", dom.button(name, () => { up = by === column ? !up : true; by = column; draw(); }));
    cell.scope = "col";
    if (by === column) cell.setAttribute("aria-sort", up ? "ascending" : "descending");
    return cell;
  }

  /**
   * @param {string} run
   */
  function link(run) {
    return Object.assign(dom.element("a", run), { href: `/?run=${run}` });
  }

  /**
   * What is not known comes last.
   * @param {string | number | null} one
   * @param {string | number | null} other
   */
  function order(one, other) {
    if (one === other) return 0;
    if (one === null || other === null) return one === null ? 1 : -1;
    return one < other ? -1 : 1;
  }

  const brief = (/** @type {string | number | null} */ value) => (
    typeof value === "number" ? String(Number(value.toPrecision(4))) : value ?? "–");

  return { fill, order };
})();
