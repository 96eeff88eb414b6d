// @ts-check
/* The runs of the store, as the server lists them, and news of one's own that begin elsewhere. */
"use strict";

const runs = (() => {
  const EVERY = 3000;        // milliseconds between looks
  const NEWEST = 5;          // runs that are looked at for news

  /** @type {Set<string> | null} those known to have begun */
  let known = null;

  /**
   * Some runs, newest first.
   * @param {{search?: string, before?: number, limit: number}} wanted
   * @returns {Promise<Wire.Runs>}
   */
  async function read(wanted) {
    const query = new URLSearchParams(Object.entries(wanted).map(([key, value]) => [key, String(value)]));
    return (await fetch(`/runs?${query}`)).json();
  }

  /** Look for runs that have begun; of a model of one's own that is watched the page is told. */
  async function look() {
    if (document.hidden) return;
    drawer.refresh();
    const found = await read({ limit: NEWEST }).catch(() => null);
    if (!found) return;
    const fresh = found.runs.find(({ id, watched }) => watched && known && !known.has(id));
    known = new Set([...(known || []), ...found.runs.map(({ id }) => id)]);
    if (fresh) company.news(fresh, lab.session());
  }

  function connect() {
    look();
    setInterval(look, EVERY);
  }

  return { read, connect };
})();
