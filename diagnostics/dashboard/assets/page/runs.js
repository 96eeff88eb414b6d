// @ts-check
/* The runs of the store: a list to choose from, and news of one's own that begin elsewhere. */
"use strict";

const runs = (() => {
  const EVERY = 3000;        // milliseconds between looks

  /** @typedef {{id: string, title: string, state: string, steps: number, watched: boolean}} Listed */

  /** @type {Set<string> | null} those known to have begun */
  let known = null;

  /**
   * @returns {Promise<Listed[]>}
   */
  const read = async () => (await fetch("/runs")).json();

  /**
   * @param {Listed[]} found
   */
  function fill(found) {
    dom.fill("runs-list", found, (run) => {
      const made = dom.button(run.title, () => { dialogs.close("runs"); wishes.make("run", run.id); });
      made.append(dom.element("small", `${run.state} · ${run.steps} steps`));
      return made;
    });
  }

  const list = async () => fill(await read());

  /** Look for runs that have begun; of a model of one's own that is watched the page is told. */
  async function look() {
    if (document.hidden) return;
    const found = await read().catch(() => null);
    if (!found) return;
    if (dom.$("runs", HTMLDialogElement).open && found.some(({ id }) => !known?.has(id))) fill(found);
    const fresh = found.find(({ id, watched }) => watched && known && !known.has(id));
    known = new Set(found.map(({ id }) => id));
    if (fresh) company.news(fresh, lab.session());
  }

  function connect() {
    look();
    setInterval(look, EVERY);
  }

  return { list, connect };
})();
