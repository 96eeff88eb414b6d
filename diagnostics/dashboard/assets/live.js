/* What the page shows of a run. Dash's callbacks own the controls; this script owns the rest.
   One frame at a time: a frame is acknowledged once painted, and only then comes the next. */
"use strict";

window.lab = (() => {
  const $ = (id) => document.getElementById(id);
  const WORDS = {
    queued: "waiting for a worker", running: "training", paused: "paused", finished: "finished",
    stopped: "stopped", diverged: "diverged", failed: "failed", lost: "lost: its worker died",
    unknown: "unknown run", preview: "before training", undrawn: "failed to draw",
  };
  const LARGE = 60;          // layers of a model whose heatmap comes first
  const IDLE = ["Measuring this network",
    "Each point will be one layer's gradient. Blue has vanished, red explodes, grey is healthy. " +
    "The first answer takes some seconds, while workers start."];

  let session = {};          // what the page shows, kept by Dash
  let at = null;             // the step scrubbed to, null for the newest
  let panel = "run";
  let part = "";             // of the model, everything for none
  let layer = 1;             // whose ladder and units are shown
  let chosen = null;         // the diagnosis picked from several
  let socket = null;
  let retry = 500;
  let frame = null;          // the newest frame, kept for redrawing in another theme
  let history = null;
  let verdict = [];
  let pace = { time: 0, step: 0, rate: 0 };

  /* ---- the connection ---- */

  function connect() {
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
    socket.onopen = () => { retry = 500; watch(); };
    socket.onmessage = (message) => receive(JSON.parse(message.data));
    socket.onclose = () => {
      badge("reconnecting…", "away");
      setTimeout(connect, retry);
      retry = Math.min(retry * 1.5, 3000);
    };
  }

  function send(message) {
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  function watch() {
    if (session.link === undefined) return;
    const { run, pin, query, view } = session;
    send({ run, pin, query, view, at, panel, layer, visible: !document.hidden });
  }

  function receive({ sequence, frame: next }) {
    requestAnimationFrame(() => {
      const current = (next.run || null) === (session.run || null);
      if (current && (next.state !== "preview" || next.query === session.query)) draw(next);
      send({ ack: sequence });
    });
  }

  /* ---- what Dash tells ---- */

  function show(next) {
    const before = session;
    session = next || {};
    if (before.link === undefined && session.link !== undefined) ({ at = null, layer = 1, part = "" } = session);
    if (before.run !== session.run) {
      frame = history = chosen = null;
      pace = { time: 0, step: 0, rate: 0 };
      if (before.link !== undefined) [at, part] = [null, ""];
      charts.narrow(part);
      if (!session.run) clear();
    }
    if (before.query !== session.query) chosen = null;
    if (session.link !== undefined) { address(); words.lesson(session); }
    watch();
    return session.run || "";
  }

  function address() {
    const own = ["at", "panel", "layer", "part"];
    const link = session.link.split("&").filter((part) => part && !own.includes(part.split("=")[0]));
    if (at !== null) link.push(`at=${at}`);
    if (panel !== "run") link.push(`panel=${panel}`);
    if (layer !== 1) link.push(`layer=${layer}`);
    if (part) link.push(`part=${encodeURIComponent(part)}`);
    window.history.replaceState(null, "", location.pathname + (link.length ? `?${link.join("&")}` : ""));
  }

  function turnTo(next) {
    panel = next;
    charts.turnTo(panel);
    redraw();
    charts.fit();
    if (session.link !== undefined) address();
    watch();
    return panel;
  }

  function pickLayer(number) {
    layer = Math.max(1, number || 1);
    $("layer").value = layer;
    if (frame && frame.now) charts.ladder(frame, layer);
    address();
    watch();
  }

  /* ---- a part of a large model ---- */

  function lookAt(next) {
    if (next === part) return;
    part = next;
    charts.narrow(part);
    const { from, to } = parts.span(frame, part);
    if (layer < from || layer > to) pickLayer(from);
    redraw();
    address();
  }

  /* The menu of parts, for models that have several. */
  function menu(next) {
    const seen = parts.span(next, part);
    const all = parts.tree(next.names || []);
    const depth = (one) => all.filter(({ from, to }) => from <= one.from && one.to <= to).length - 1;
    $("parts").hidden = !all.length;
    document.body.classList.toggle("large", all.length > 0 && next.layers > LARGE);
    words.fill("part", all.length ? [{ part: "", from: 1, to: next.layers }, ...all] : [], (one) =>
      new Option(one.part ? "\u2003".repeat(depth(one)) + one.part : `all ${next.layers} layers`, one.part));
    $("part").value = (all.find((one) => parts.same(one, seen)) || { part: "" }).part;
    $("whole").hidden = !seen.part;
    $("parts-hint").hidden = !parts.blocks(next.names || [], seen).length;
  }

  function lookAround(number) {
    const block = frame && frame.names && parts.around(frame.names, parts.span(frame, part), number);
    if (block) lookAt(block.part);
  }

  /* ---- drawing ---- */

  function redraw() {
    charts.start(frame && frame.layers ? frame : { layers: 21 });
    if (frame && frame.now) drawLayers(frame);
    if (history) charts.history(history, layer);
    if (verdict.length) tell();
  }

  function draw(next) {
    if ("now" in next) drawFrame(next);
    else badge(WORDS[next.state], next.state); // what was drawn stays
    if (next.verdict) { verdict = next.verdict; tell(); }
  }

  function drawFrame(next) {
    frame = next;
    state(next);
    if (next.now) drawLayers(next);
    if (next.history) { history = next; charts.history(next, layer); }
  }

  function drawLayers(next) {
    menu(next);
    const theory = charts.layers(next);
    layer = Math.min(layer, next.layers);
    $("layer").max = next.layers;
    charts.ladder(next, layer);
    const legend = [`— ${next.label}`];
    if (next.pinned_label) legend.push(`··· ${next.pinned_label}`);
    if (theory) legend.push("- - theory");
    words.text("legend", legend.join("   "));
    words.text("lead-hint", slopes(next));
    $("lead-hint").title = slopes(next);
    scrubber();
  }

  /* Prediction beside measurement, or why there is none. */
  function slopes(shown) {
    const { theory, now, layers, state: of, away, word } = shown;
    const { hint } = charts.viewed(shown);
    if (hint) return hint;
    if (theory.why_not) return theory.why_not;
    if (away) return "Training has left the initialization that theory speaks of.";
    if (layers < 3) return `one point a ${word}, log scale`;
    const measured = -now.decades[0] / (layers - 2);
    const when = of === "preview" || now.step <= 1 ? "" : " at initialization";
    return `predicted ${signed(theory.slope)} decades a ${word}${when}, measured ${signed(-measured)}`;
  }

  const signed = (value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3);

  /* ---- words ---- */

  function tell() {
    words.tell(verdict, chosen, (rule) => { chosen = rule; tell(); });
  }

  function badge(said, kind) {
    const element = $("badge");
    if (!element) return;
    words.text("badge", said);
    element.dataset.kind = kind;
  }

  function state(next) {
    const now = performance.now();
    if (next.newest < pace.step || now - pace.time > 1000) {
      pace = { time: now, step: next.newest, rate: pace.time ? (1000 * (next.newest - pace.step)) / (now - pace.time) : 0 };
    }
    const rate = next.state === "running" && pace.rate > 0 ? ` · ${Math.round(pace.rate)} steps/s` : "";
    if (next.watched) badge(`${next.state === "running" ? "watching" : WORDS[next.state]}${rate} · ${next.cost}`, next.state);
    else badge(WORDS[next.state] + rate, next.state);
    $("lab-form").classList.toggle("idle", !!next.watched);
    const label = next.state === "paused" ? "Resume" : "Pause";
    if ($("pause").textContent !== label) dash_clientside.set_props("pause", { children: label });
  }

  function clear() {
    charts.forget();
    verdict = [];
    badge("ready", "ready");
    words.text("legend", "");
    words.text("verdict-title", IDLE[0]);
    words.text("verdict-text", IDLE[1]);
    delete $("verdict").dataset.kind;
    $("sign").textContent = "";
    for (const id of ["remedies", "also"]) words.fill(id, [], String);
    charts.mark("", []);
    redraw();
  }

  /* ---- the scrubber ---- */

  function scrubber() {
    const scrub = $("scrub");
    scrub.max = Math.max(1, frame.newest);
    if (at === null) scrub.value = scrub.max;
    const step = frame.state === "preview" ? "before training" : `step ${frame.now.step}`;
    words.text("scrub-label", at === null ? step : `${step} of ${frame.newest}`);
    $("latest").disabled = at === null;
  }

  function scrubTo(step) {
    at = step;
    if (session.link !== undefined) address();
    watch();
  }

  /* ---- the page ---- */

  const KEYS = { t: "train", " ": "pause", ".": "step", p: "pin", r: "reset", escape: "whole" };

  function onKey(event) {
    const typing = event.target.closest("input:not([type=range]), textarea, select, button, a, summary, [role=slider], [role=combobox]");
    const key = event.key.toLowerCase();
    const turn = { b: 0, n: 1 }[key];
    const element = KEYS[key] ? $(KEYS[key]) : document.querySelectorAll("#turns button")[turn];
    if (typing || !element || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    element.click();
  }

  async function share() {
    try { await navigator.clipboard.writeText(location.href); } catch { prompt("The link to this state:", location.href); return; }
    dash_clientside.set_props("share", { children: "Copied" });
    setTimeout(() => dash_clientside.set_props("share", { children: "Share" }), 1500);
  }

  function projector(on) {
    document.body.classList.toggle("projector", on);
    localStorage.setItem("projector", on ? "1" : "");
    redraw();
    charts.fit();
  }

  function ready() {
    if (!$("plot-lead") || !window.Plotly) { setTimeout(ready, 30); return; }
    $("more").open = window.innerWidth > 800;
    document.body.classList.toggle("projector", !!localStorage.getItem("projector"));
    charts.turnTo(panel);
    redraw();
    connect();
    document.addEventListener("visibilitychange", watch);
    document.addEventListener("keydown", onKey);
    $("share").addEventListener("click", share);
    $("projector").addEventListener("click", () => projector(!document.body.classList.contains("projector")));
    $("scrub").addEventListener("input", (event) => scrubTo(Number(event.target.value)));
    $("latest").addEventListener("click", () => scrubTo(null));
    $("layer").addEventListener("input", (event) => pickLayer(Number(event.target.value)));
    for (const key of charts.layered()) $(`plot-${key}`).on("plotly_click", (event) => pickLayer(event.points[0].x));
    $("plot-lead").on("plotly_clickannotation", ({ annotation }) => annotation.captureevents && lookAt(annotation.name));
    $("plot-heat").on("plotly_click", (event) => lookAround(event.points[0].y));
    $("part").addEventListener("change", (event) => lookAt(event.target.value));
    $("whole").addEventListener("click", () => lookAt(""));
    new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });
  }

  document.addEventListener("DOMContentLoaded", ready);
  return { show, turnTo, frame: () => frame, session: () => session, verdict: () => verdict };
})();
