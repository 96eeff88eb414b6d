// @ts-check
/* What the page shows of a run. Dash owns the form of settings; the scripts own the rest.
   One frame at a time: a frame is acknowledged once drawn, and only then comes the next. */
"use strict";

const lab = (() => {
  /** @type {Wire.Linked} what the page shows, as the server knows it */
  let session;
  /** @type {Sight} the step scrubbed to, null for the newest; the part in sight; whose ladder and units are shown */
  let sight = { at: null, view: "signal", panel: "run", layer: 1, part: "" };
  const USUAL = { ...sight };

  /** @type {string | null} the diagnosis picked from several */
  let chosen = null;
  /** @type {Wire.Frame | null} the newest frame, kept for redrawing in another theme */
  let frame = null;
  /** @type {Wire.Frame | null} the newest with a history */
  let whole = null;
  /** @type {Wire.Verdict[]} */
  let found = [];

  /** A session with what the page alone decides. */
  const state = () => ({ ...session, ...sight });

  /* ---- the connection ---- */

  function watch() {
    const { run, pins, before, query, view, at, panel, part, layer } = state();
    const [visible, role] = [!document.hidden, classroom.role()];
    source.way().send({ run, pins, before, query, view, at, panel, part, layer, visible, role });
  }

  /**
   * @param {Wire.Message} message
   */
  function receive({ sequence, frame: next, led }) {
    if (led) classroom.adopt(led);
    if (next && next.run === session.run && (next.state !== "preview" || next.query === session.query)) draw(next);
    source.way().send({ ack: sequence });
  }

  /* ---- what the server answers ---- */

  /**
   * What a wish led to.
   * @param {Wire.Answer} answer
   * @param {boolean} push whether Back leads to what was before
   */
  function adopt(answer, push) {
    dom.text("notice", answer.notice);
    if (!answer.session) return;
    show(answer.session, push);
    form.show(answer);
  }

  /**
   * What a control of the form led to; what the page decides stays.
   * @param {Wire.Linked} next
   */
  function change(next) {
    show({ ...next, ...sight, at: next.run === session.run ? sight.at : null }, true);
    form.keep(session);
  }

  /**
   * @param {Wire.Linked} next
   * @param {boolean} push
   */
  function show(next, push) {
    const before = session;
    const moved = next.run !== before.run || next.query !== before.query || next.lesson !== before.lesson;
    [session, sight] = [next, link.sight(next)];
    if (before.run !== next.run) leave();
    if (before.query !== next.query) chosen = null;
    address(push && moved);
    turn();
    if (before.lesson !== next.lesson) refit(); // its card takes room from the charts
    watch();
  }

  /** Another run comes in sight, from its newest step and in whole. */
  function leave() {
    frame = whole = chosen = null;
    company.forget();
    header.forget();
    if (!session.run) clear();
  }

  /**
   * @param {boolean} [push]
   */
  const address = (push = false) => link.put(query(), push);
  const query = () => classroom.follows() ? "" : link.query(session.link, sight, USUAL);

  /** Controls of the page, and charts, as the sight says. */
  function turn() {
    desk.show(sight);
    header.pinned(session);
    lessons.show(session, sight);
    charts.narrow(sight.part);
    charts.turnTo(sight.panel);
  }

  /* ---- what is in sight of a run ---- */

  /**
   * Another view, panel, step or layer.
   * @param {Partial<Sight>} more
   */
  function look(more) {
    sight = { ...sight, ...more };
    if ("at" in more) { classroom.leave(); link.putLater(query); }
    else address();
    turn();
    if ("panel" in more) refit();
    watch();
  }

  /**
   * @param {number} number
   */
  function pickLayer(number) {
    const layer = Math.max(1, number || 1);
    look({ layer });
    if (shown(frame)) charts.pick(frame, layer);
  }

  /**
   * A part of a large model, everything for none.
   * @param {string} part
   */
  function lookAt(part) {
    if (part === sight.part || !frame) return;
    sight = { ...sight, part };
    charts.narrow(part);
    const seen = groups.all(frame.now).find((one) => one.part === part) || charts.seen(frame);
    if (!parts.holds(seen, sight.layer)) pickLayer(seen.from);
    if (groups.folded(frame.now)) watch(); // what is in it comes with the next frame
    else redraw();
    address();
  }

  /**
   * The block around a layer.
   * @param {number} layer
   */
  function lookAround(layer) {
    const block = frame && charts.around(frame, layer);
    if (block) lookAt(block.part);
  }

  /* ---- drawing ---- */

  /** @type {(frame: Wire.Frame | null) => frame is Shown} */
  const shown = (frame) => frame !== null && frame.now !== null;

  function redraw() {
    charts.start(frame);
    if (shown(frame)) drawStep(frame);
    if (whole) charts.history(whole, sight.layer);
    if (whole && frame) charts.point(frame);
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
    alongside.settle(next);
    playback.show(next);
    company.follow(next.controls, session);
    header.show(next, company.stand(next, session));
    dom.text("said", next.said);
    lessons.over(next.state);
    if (shown(next)) drawStep(next);
    if (!next.history) {
      if (whole) charts.point(next);
      return;
    }
    whole = next;
    compared.show(next);
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
    captions.show(next, sight.at === null);
  }

  function tell() {
    verdict.tell(found, chosen, (rule) => { chosen = rule; tell(); });
  }

  function clear() {
    found = [];
    header.badge("ready", "ready");
    dom.text("said", "");
    header.play("ready");
    dom.$("legend").replaceChildren();
    redraw();
    verdict.clear();
    compared.clear();
  }

  /* ---- the page ---- */

  /** Begin with what came inside the page. */
  function open() {
    /** @type {Wire.Answer} */
    const opened = dom.data("opened");
    [session, sight] = [opened.session, link.sight(opened.session)];
    turn();
    charts.start(null);
    const first = dom.data("frame");
    if (first) draw(first);
    else verdict.clear();
    address();
    desk.connect({ watch, redraw, refit, look, pickLayer, lookAt, lookAround });
    const lost = () => header.badge("reconnecting…", "away");
    source.way().connect({ opened: watch, lost, received: pacing.of(receive) });
    form.show(opened);
  }

  return { open, look, lookAt, adopt, change, state, frame: () => frame, session: () => session, verdict: () => found };
})();
