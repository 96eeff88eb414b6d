// @ts-check
/* One run in the drawer: what it is, what came of it, and a sheet to call it something. */
"use strict";

/**
 * @typedef {object} Row
 * @property {HTMLElement} box
 * @property {(run: Wire.Listed) => void} show
 * @property {() => void} focus
 *
 * @typedef {object} RowDeeds
 * @property {(id: string) => void} look
 * @property {(words: string) => void} say
 * @property {(run: Wire.Listed) => void} remove
 * @property {(id: string) => Promise<void>} tick
 */

const row = (() => {
  /**
   * @param {Wire.Listed} first
   * @param {RowDeeds} deeds
   * @returns {Row}
   */
  function of(first, { look, say, remove, tick }) {
    let run = first;
    const [title, told, note] = [dom.element("b"), dom.element("small"), dom.element("small")];
    const open = dom.element("button", title, told, note);
    const line = dom.element("span");
    const chosen = dom.element("input");
    const edit = dom.button("Edit", () => toggle());
    const sheet = dom.element("form");
    const tickable = dom.element("label", chosen);
    const box = dom.element("li", tickable, open, line, edit, sheet);
    [open.className, line.className, edit.className, note.className] = ["look", "spark", "plain", "noted"];
    tickable.className = "tick";
    open.type = edit.type = "button";
    open.onclick = () => look(run.id);
    chosen.type = "checkbox";
    chosen.onchange = () => tick(run.id);
    sheet.hidden = true;

    /**
     * @param {Wire.Listed} next
     */
    function show(next) {
      chosen.checked = lab.session().pins.includes(next.id);
      const same = JSON.stringify(next) === JSON.stringify(run) && title.textContent;
      run = next;
      if (same) return;
      title.textContent = run.title;
      told.textContent = words.listed(run);
      note.textContent = run.note;
      line.replaceChildren(spark.of(run.loss));
      chosen.setAttribute("aria-label", `compare with run ${run.number}, ${run.title}`);
      edit.setAttribute("aria-label", `edit run ${run.number}, ${run.title}`);
      box.dataset.state = run.state;
      edit.hidden = !run.yours;
    }

    /** Open or close what a run is called. */
    function toggle(on = sheet.hidden) {
      sheet.hidden = !on;
      edit.setAttribute("aria-expanded", String(on));
      if (on) fill();
    }

    function fill() {
      const [name, noted] = [field("Name", run.name, 80), field("Note", run.note, 500)];
      const save = dom.element("button", "Save");
      const out = dom.button(run.live ? "Stop" : "Delete", () => (run.live ? stop() : remove(run)));
      save.type = "submit";
      out.type = "button";
      save.className = out.className = "plain";
      name.input.placeholder = run.title;
      sheet.replaceChildren(name.label, noted.label, dom.element("div", save, out));
      sheet.onsubmit = (event) => { event.preventDefault(); keep(name.input.value, noted.input.value); };
      name.input.focus();
    }

    async function stop() {
      say((await wishes.make("stop", run.id)).notice || `#${run.number} stops.`);
      toggle(false);
      edit.focus();
    }

    /**
     * @param {string} name
     * @param {string} noted
     */
    async function keep(name, noted) {
      const { notice } = await wishes.make("describe", { run: run.id, name, note: noted });
      say(notice);
      if (notice) return;
      toggle(false);
      edit.focus();
      drawer.refresh();
    }

    show(first);
    return { box, show, focus: () => open.focus() };
  }

  /**
   * @param {string} words
   * @param {string} value
   * @param {number} longest
   */
  function field(words, value, longest) {
    const input = dom.element("input");
    Object.assign(input, { value, maxLength: longest, autocomplete: "off" });
    return { input, label: dom.element("label", words, input) };
  }

  return { of };
})();
