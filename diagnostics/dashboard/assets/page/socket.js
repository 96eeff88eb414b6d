// @ts-check
/* What a server is asked: by a connection, made anew whenever it is lost, and by requests. */
"use strict";

const socket = (() => {
  const FIRST = 500;         // milliseconds before the second try
  const LONGEST = 3000;      // and between later ones

  /** @type {WebSocket | null} */
  let open = null;
  let wait = FIRST;

  /**
   * @param {Heard} told
   */
  function connect(told) {
    open = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
    open.onopen = () => { wait = FIRST; told.opened(); };
    open.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      learned.receive(message);
      told.received(message);
    };
    open.onclose = () => {
      told.lost();
      setTimeout(() => connect(told), wait);
      wait = Math.min(wait * 1.5, LONGEST);
    };
  }

  /**
   * Send where there is a connection; whoever opens one says anew what it watches.
   * @param {Wire.Watch | Wire.Ack} message
   */
  function send(message) {
    if (open && open.readyState === WebSocket.OPEN) open.send(JSON.stringify(message));
  }

  /**
   * @param {Wire.Asked} asked
   * @returns {Promise<Wire.Answer>}
   */
  async function wish(asked) {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch("/wish", { method: "POST", headers, body: JSON.stringify(asked) });
    if (answer.status >= 500) throw new Error(`the server answered ${answer.status}`);
    return answer.json();
  }

  return { connect, send, wish };
})();
