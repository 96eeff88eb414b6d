// @ts-check
/* The address of what is in sight. */
"use strict";

/**
 * What the page alone decides.
 * @typedef {{at: number | null, view: string, panel: string, layer: number, part: string}} Sight
 */

const link = (() => {
  const REST = 250;          // milliseconds: a browser refuses to be told of every step that is scrubbed over

  let waiting = 0;
  /**
   * What of a session the page alone decides.
   * @param {Sight} session
   * @returns {Sight}
   */
  const sight = ({ at, view, panel, layer, part }) => ({ at, view, panel, layer, part });

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
   * Put a query into the address: as a state that Back comes back to, or in the place of the one that stands there.
   * @param {string} query
   * @param {boolean} push
   */
  function put(query, push) {
    clearTimeout(waiting);
    const address = location.pathname + (query && `?${query}`);
    if (push && address !== location.pathname + location.search) history.pushState(null, "", address);
    else history.replaceState(null, "", address);
  }

  /**
   * Put a query into the address once nothing else was for a moment.
   * @param {() => string} query as it is then
   */
  function putLater(query) {
    clearTimeout(waiting);
    waiting = window.setTimeout(() => put(query(), false), REST);
  }

  return { sight, query, put, putLater };
})();
