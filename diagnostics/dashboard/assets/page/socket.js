// @ts-check
/* The connection, made anew whenever it is lost. */
"use strict";

const socket = (() => {
  const FIRST = 500;         // milliseconds before the second try
  const LONGEST = 3000;      // and between later ones

  /** @type {WebSocket | null} */
  let open = null;
  let wait = FIRST;

  /**
   * @param {{opened: () => void, lost: () => void, received: (message: Wire.Message) => void}} told
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

  return { connect, send };
})();
