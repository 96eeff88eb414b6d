// @ts-check
/* The way to the server: what is sent while it is away waits, and says so where it was clicked. */
"use strict";

const reach = (() => {
  const AGAIN = 1000;        // milliseconds between tries
  const CALLBACKS = "/_dash-update-component";

  /**
   * Send until it is answered.
   * @template T
   * @param {() => Promise<T>} send rejects while the server is away
   * @param {Element | null} from what was clicked
   * @returns {Promise<T>}
   */
  async function through(send, from) {
    for (let away = false; ; away = true) {
      try {
        const answer = await send();
        if (away) told(from, false);
        return answer;
      } catch {
        told(from, true);
        await new Promise((resolve) => setTimeout(resolve, AGAIN));
      }
    }
  }

  /**
   * @param {Element | null} from
   * @param {boolean} away
   */
  function told(from, away) {
    from?.toggleAttribute("data-waiting", away);
    const name = from?.textContent?.trim().slice(0, 40);
    const what = name && from !== document.body ? `“${name}”` : "What you chose";
    dom.text("notice", away ? `The server does not answer. ${what} waits, and is done when it is back.` : "");
  }

  /** Dash's own requests go the same way. */
  function open() {
    const plain = window.fetch;
    window.fetch = (asked, how) => {
      const url = String(asked instanceof Request ? asked.url : asked);
      if (!url.includes(CALLBACKS)) return plain(asked, how);
      return through(() => plain(asked, how), document.activeElement);
    };
  }

  return { through, open };
})();
