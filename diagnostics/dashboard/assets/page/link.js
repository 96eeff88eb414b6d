// @ts-check
/* The address of what is in sight. */
"use strict";

/** @typedef {{at: number | null, panel: string, layer: number, part: string}} Sight what the page alone decides */

const link = (() => {
  /**
   * A session's query with what is in sight, as far as that is not the usual.
   * @param {string} query the server's
   * @param {Sight} sight
   * @param {Sight} usual
   * @returns {string}
   */
  function query(query, sight, usual) {
    const kept = query.split("&").filter((pair) => pair && !(pair.split("=")[0] in usual));
    const own = Object.entries(sight).filter(([key, value]) => value !== usual[/** @type {keyof Sight} */ (key)]);
    return [...kept, ...own.map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`)].join("&");
  }

  /**
   * Put a query into the address, without an entry in the browser's history.
   * @param {string} query
   */
  const put = (query) => history.replaceState(null, "", location.pathname + (query && `?${query}`));

  return { query, put };
})();
