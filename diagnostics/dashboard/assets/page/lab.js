// @ts-check
/* What the page shows of a run. Dash's callbacks own the controls; the scripts own the rest.
   One frame at a time: a frame is acknowledged once painted, and only then comes the next. */
"use strict";

const lab = (() => {
  /** @type {Wire.Linked | null} what the page shows, kept by Dash */
  let session = null;
  /** @type {Sight} the step scrubbed to, null for the newest; the part in sight; whose ladder and units are shown */
  let sight = { at: null, panel: "run", layer: 1, part: "" };
  const USUAL = { ...sight };

  /** @type {string | null} the diagnosis picked from several */
  let chosen = null;
  /** @type {Wire.Frame | null} the newest frame, kept for redrawing in another theme */
  let frame = null;
  /** @type {Wire.Frame | null} the newest with a history */
  let whole = null;
  /** @type {Wire.Verdict[]} */
  let found = [];

  /* ---- the connection ---- */

  function watch() {
    if (!session) return;
    const { run, pin, query, view } = session;
    const { at, panel, layer } = sight;
    socket.send({ run, pin, query, view, at, panel, layer, visible: !document.hidden });
  }

  /**
   * @param {Wire.Message} message
   */
  function receive({ sequence, frame: next }) {
    requestAnimationFrame(() => {
      const current = session && next.run === session.run;
      if (current && (next.state !== "preview" || next.query === session?.query)) draw(next);
      socket.send({ ack: sequence });
    });
  }

  /* ---- what Dash tells ---- */

  /**
   * A session, or nothing before the first.
   * @param {Wire.Linked | {}} next
   */
  function show(next) {
    if (!("link" in next)) return "";
    const before = session;
    session = next;
    if (!before) sight = { ...sight, at: next.at, layer: next.layer, part: next.part };
    if (!before || before.run !== next.run) leave(!before);
    if (before?.query !== next.query) chosen = null;
    address();
    lessons.show(next);
    if (before?.lesson !== next.lesson) refit(); // its card takes room from the charts
    watch();
    return next.run || "";
  }

  /**
   * Another run comes in sight, from its newest step and in whole, unless a link says otherwise.
   * @param {boolean} linked
   */
  function leave(linked) {
    frame = whole = chosen = null;
    header.forget();
    if (!linked) sight = { ...sight, at: null, part: "" };
    charts.narrow(sight.part);
    if (!session?.run) clear();
  }

  function address() {
    if (session) link.put(link.query(session.link, sight, USUAL));
  }

  /**
   * @param {string} panel
   */
  function turnTo(panel) {
    sight = { ...sight, panel };
    charts.turnTo(panel);
    refit();
    address();
    watch();
    return panel;
  }

  /* ---- what is in sight of a run ---- */

  /**
   * @param {number} number
   */
  function pickLayer(number) {
    const layer = Math.max(1, number || 1);
    sight = { ...sight, layer };
    dom.$("layer", HTMLInputElement).value = String(layer);
    if (shown(frame)) charts.ladder(frame, layer);
    address();
    watch();
  }

  /**
   * @param {number | null} at
   */
  function scrubTo(at) {
    sight = { ...sight, at };
    address();
    watch();
  }

  /**
   * A part of a large model, everything for none.
   * @param {string} part
   */
  function lookAt(part) {
    if (part === sight.part || !frame) return;
    sight = { ...sight, part };
    charts.narrow(part);
    const seen = charts.seen(frame);
    if (!parts.holds(seen, sight.layer)) pickLayer(seen.from);
    redraw();
    address();
  }

  /**
   * The block around a layer.
   * @param {number} layer
   */
  function lookAround(layer) {
    const block = frame && parts.around(frame.names, charts.seen(frame), layer);
    if (block) lookAt(block.part);
  }

  /* ---- drawing ---- */

  /** @type {(frame: Wire.Frame | null) => frame is Shown} */
  const shown = (frame) => frame !== null && frame.now !== null;

  function redraw() {
    charts.start(frame);
    if (shown(frame)) drawStep(frame);
    if (whole) charts.history(whole, sight.layer);
    tell();
  }

  /** Draw in the room that there is now. */
  function refit() {
    redraw();
    charts.fit();
  }

  /**
   * @param {Wire.Frame | Wire.Unshown} next
   */
  function draw(next) {
    if ("now" in next) drawFrame(next);
    else header.badge(words.state(next, 0), next.state); // what was drawn stays
    if (!next.verdict) return;
    found = next.verdict;
    tell();
  }

  /**
   * @param {Wire.Frame} next
   */
  function drawFrame(next) {
    frame = next;
    header.show(next);
    if (shown(next)) drawStep(next);
    if (!next.history) return;
    whole = next;
    charts.history(next, sight.layer);
  }

  /**
   * @param {Shown} next
   */
  function drawStep(next) {
    sight = { ...sight, layer: Math.min(sight.layer, next.layers) };
    dom.$("layer", HTMLInputElement).max = String(next.layers);
    menu.show(next, charts.seen(next));
    charts.step(next, sight.layer);
    const view = charts.viewed(next);
    dom.text("legend", words.legend(next, traces.predicted(next, view)[2].length > 0));
    for (const { key } of charts.of("profile")) hint(`${key}-hint`, words.slopes(next, view));
    scrubber(next);
  }

  /**
   * A sentence beside a chart, and where there is no room for all of it.
   * @param {string} id
   * @param {string} said
   */
  function hint(id, said) {
    dom.text(id, said);
    dom.$(id).title = said;
  }

  function tell() {
    verdict.tell(found, chosen, (rule) => { chosen = rule; tell(); });
  }

  /**
   * @param {Shown} next
   */
  function scrubber(next) {
    const scrub = dom.$("scrub", HTMLInputElement);
    const newest = sight.at === null;
    scrub.max = String(Math.max(1, next.newest));
    if (newest) scrub.value = scrub.max;
    dom.text("scrub-label", words.step(next, newest));
    dom.$("latest", HTMLButtonElement).disabled = newest;
  }

  function clear() {
    found = [];
    header.badge("ready", "ready");
    dom.text("legend", "");
    redraw();
    verdict.clear();
  }

  /* ---- the page ---- */

  /** Begin, once Dash has rendered the page. */
  function open() {
    charts.turnTo(sight.panel);
    redraw();
    socket.connect({ opened: watch, lost: () => header.badge("reconnecting…", "away"), received: receive });
    desk.connect({ watch, redraw, refit, pickLayer, scrubTo, lookAt, lookAround });
  }

  return { open, show, turnTo, frame: () => frame, session: () => session, verdict: () => found };
})();
