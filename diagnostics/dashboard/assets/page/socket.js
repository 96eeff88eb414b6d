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
    const scheme = location.protocol === "https:" ? "wss" : "ws", packs = "DecompressionStream" in window;
    open = new WebSocket(`${scheme}://${location.host}/live${packs ? "?packed=1" : ""}`);
    let count = 0, last = Promise.resolve(); // unpacked in the order in which they came
    open.onopen = () => { wait = FIRST; told.opened(); };
    open.onmessage = ({ data }) => {
      last = last.then(async () => hear(await text(data), count += 1)).catch(reportError); // and the next is heard
    };
    /** @type {(json: string, sequence: number) => void} */
    const hear = (json, sequence) => {
      const message = { ...JSON.parse(json), sequence };
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
   * What was sent as it is, or packed.
   * @param {string | Blob} data
   * @returns {string | Promise<string>}
   */
  function text(data) {
    if (typeof data === "string") return data;
    return new Response(data.stream().pipeThrough(new DecompressionStream("gzip"))).text();
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
