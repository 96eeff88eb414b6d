// @ts-check
/* The way to the server: what is sent while it is away waits, and says so where it was clicked. */
"use strict";

const reach = (() => {
  const AGAIN = 1000;        // milliseconds between tries
  const CALLBACKS = "/_dash-update-component";

  let waits = 0; // of what is sent

  /** Whether the server is away. */
  const away = () => waits > 0;

  /**
   * Send until it is answered.
   * @template T
   * @param {() => Promise<T>} send rejects while the server is away
   * @param {Element | null} from what was clicked
   * @returns {Promise<T>}
   */
  async function through(send, from) {
    for (let again = false; ; again = true) {
      try {
        const answer = await send();
        if (again) {
          waits -= 1;
          told(from, false);
        }
        return answer;
      } catch {
        if (!again) waits += 1;
        told(from, true);
        await new Promise((resolve) => setTimeout(resolve, AGAIN));
      }
    }
  }

  /**
   * @param {Element | null} from
   * @param {boolean} late
   */
  function told(from, late) {
    from?.toggleAttribute("data-waiting", late);
    const name = from?.textContent?.trim().slice(0, 40);
    const what = name && from !== document.body ? `“${name}”` : "What you chose";
    dom.text("notice", late ? `The server does not answer. ${what} waits, and is done when it is back.` : "");
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

  return { through, away, open };
})();
