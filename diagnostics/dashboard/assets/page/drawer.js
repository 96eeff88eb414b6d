// @ts-check
/* The drawer of runs: searched, called and noted, deleted and had back, chosen to look at. */
"use strict";

const drawer = (() => {
  const PAGE = 30;           // runs at first, and more each time
  const TYPED = 150;         // milliseconds after the last letter of a search
  const UNDO = 20000;        // milliseconds that a deleted run is offered back

  /** @type {Map<string, Row>} by run, what stands in the list */
  const rows = new Map();
  /** @type {Map<string, HTMLElement>} by run, in the place of what was deleted */
  const gone = new Map();
  let wanted = PAGE;
  let asked = 0;

  const dialog = () => dom.$("runs", HTMLDialogElement);
  const search = () => dom.$("runs-search", HTMLInputElement).value.trim();

  /** As it is opened: the newest runs, whatever was searched before. */
  function open() {
    dom.$("runs-search", HTMLInputElement).value = "";
    say("");
    again();
  }

  /** Another search begins with its newest. */
  function again() {
    wanted = PAGE;
    return list();
  }

  /** Bring what is in sight up to date; of several answers the newest question's counts. */
  async function list() {
    const mine = ++asked;
    const found = await runs.read({ search: search(), limit: wanted }).catch(() => null);
    if (found && mine === asked) show(found);
  }

  const refresh = () => { if (dialog().open) list(); };

  /**
   * @param {Wire.Runs} found
   */
  function show({ runs: all, more }) {
    for (const run of all) {
      const known = rows.get(run.id);
      if (known) known.show(run);
      else rows.set(run.id, row.of(run, { look, say, remove, tick }));
    }
    order(all.map(({ id }) => id));
    dom.$("runs-more").hidden = !more;
    const none = search() ? "No run says that." : "There is no run yet: press Train.";
    dom.text("runs-found", all.length ? search() && `${all.length}${more ? " or more" : ""} found` : none);
  }

  /**
   * Rows in their order, moved only where another stands: what has the focus keeps it. Deleted ones keep their place.
   * @param {string[]} ids
   */
  function order(ids) {
    const root = dom.$("runs-list");
    for (const [id, { box }] of rows) if (!ids.includes(id)) { box.remove(); rows.delete(id); }
    let next = root.firstElementChild;
    for (const id of ids) {
      const { box } = /** @type {Row} */ (rows.get(id));
      while (next instanceof HTMLElement && [...gone.values()].includes(next)) next = next.nextElementSibling;
      if (box === next) next = next.nextElementSibling;
      else root.insertBefore(box, next);
    }
  }

  /**
   * @param {string} words
   */
  const say = (words) => dom.text("runs-said", words);

  /**
   * Bring a run in sight.
   * @param {string} id
   */
  function look(id) {
    dialog().close();
    wishes.make("run", id);
  }

  /**
   * Compare with a run, or no longer.
   * @param {string} id
   */
  async function tick(id) {
    const { notice } = await wishes.make("pin", id);
    const { length } = lab.session().pins;
    say(notice || (length ? `${length} of 4 compared` : "None is compared."));
    await list();
  }

  /**
   * Delete a run; for a while a button in its place brings it back.
   * @param {Wire.Listed} run
   */
  async function remove({ id, number, title }) {
    const answer = await wishes.make("delete", id);
    if (answer.notice) { say(answer.notice); return; }
    const back = dom.button("Undo", () => restore(id));
    const box = dom.element("li", `Deleted: #${number} ${title}`, back);
    box.className = "gone";
    gone.set(id, box);
    rows.get(id)?.box.replaceWith(box);
    rows.delete(id);
    back.focus();
    setTimeout(leave, UNDO, id);
  }

  /**
   * @param {string} id
   */
  async function restore(id) {
    const answer = await wishes.make("restore", id);
    say(answer.notice);
    leave(id);
    await list();
    rows.get(id)?.focus();
  }

  /**
   * @param {string} id
   */
  function leave(id) {
    gone.get(id)?.remove();
    gone.delete(id);
  }

  function connect() {
    let typing = 0;
    dom.$("runs-search").addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(again, TYPED);
    });
    dom.$("runs-more").addEventListener("click", () => { wanted += PAGE; list(); });
  }

  return { open, refresh, connect };
})();
