/* Draws what the server pushes. Dash's callbacks own the controls, this script owns the charts.
   One frame at a time: a frame is acknowledged once painted, and only then comes the next. */
"use strict";

window.lab = (() => {
  const $ = (id) => document.getElementById(id);
  const CHARTS = ["lead", "saturated", "dead", "update_ratio", "heat", "loss"];
  const LAYERED = ["lead", "saturated", "dead", "update_ratio"];
  const MARKS = [null, ["circle-open", "0"], ["triangle-down-open", "below float range"], ["x-thin-open", "NaN / ∞"]];
  const WORDS = {
    queued: "waiting for a worker", running: "training", paused: "paused", finished: "finished",
    stopped: "stopped", diverged: "diverged", failed: "failed", lost: "lost: its worker died",
    unknown: "unknown run",
  };
  const TICKS = 12;
  const AT_ONCE = { mode: "immediate", transition: { duration: 0 }, frame: { duration: 0, redraw: false } };

  let session = {};          // what the page shows, kept by Dash
  let at = null;             // the step scrubbed to, null for the newest
  let socket = null;
  let retry = 500;
  let frame = null;          // the newest frame, kept for redrawing in another theme
  let history = null;
  let pace = { time: 0, step: 0, rate: 0 };
  const ranges = {};
  let shapes = {};           // what of each chart was last drawn, apart from its heights

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
    send({ run: session.run, pin: session.pin, view: session.view || "signal", at, visible: !document.hidden });
  }

  function receive({ sequence, frame: next }) {
    requestAnimationFrame(() => {
      if (next.run === session.run) draw(next);
      send({ ack: sequence });
    });
  }

  /* ---- what Dash tells ---- */

  function show(next) {
    const before = session;
    session = next || {};
    if (before.run !== session.run) {
      frame = history = null;
      pace = { time: 0, step: 0, rate: 0 };
      at = before.link === undefined ? session.at ?? null : null;
      if (!session.run) clear();
    }
    if (next && next.link !== undefined) address();
    watch();
    return session.run || "";
  }

  function address() {
    const link = session.link.split("&").filter((part) => part && !part.startsWith("at="));
    if (at !== null) link.push(`at=${at}`);
    const query = link.length ? `?${link.join("&")}` : "";
    window.history.replaceState(null, "", location.pathname + query);
  }

  /* ---- drawing ---- */

  const scheme = () =>
    document.documentElement.getAttribute("data-mantine-color-scheme") === "dark" ? "dark" : "light";
  const skeletons = () => JSON.parse($("skeletons").textContent)[scheme()];
  let figures = {};

  function start() {
    figures = skeletons();
    shapes = {};
    const config = { displaylogo: false, responsive: true, modeBarButtons: [["toImage"]] };
    for (const key of CHARTS) {
      const { data, layout } = figures[key];
      layout.font.size = document.body.classList.contains("projector") ? 18 : 13;
      if (layout.yaxis.type === "log") Object.assign(layout.yaxis, decades(ranges[key] || layout.yaxis.range));
      if (LAYERED.includes(key)) Object.assign(layout.xaxis, layerAxis(frame ? frame.layers : 21, key === "lead" ? TICKS : TICKS / 2));
      const options = { ...config, toImageButtonOptions: { filename: `gradient-${key}`, scale: 2 } };
      Plotly.react($(`plot-${key}`), data, layout, options);
    }
    if (frame) drawLayers(frame);
    if (history) drawHistory(history);
  }

  /* Points that move are animated, which is cheapest; anything else on a chart redraws it. */
  function put(key, traces, layout = {}) {
    const figure = figures[key];
    const shape = JSON.stringify([layout, figure.data.map((_, i) => traces[i] && [traces[i].x, traces[i].text])]);
    const moved = shapes[key] === shape;
    shapes[key] = shape;
    traces.forEach((trace, i) => trace && merge(figure.data[i], trace));
    merge(figure.layout, layout);
    if (!moved) {
      figure.layout.datarevision = (figure.layout.datarevision || 0) + 1;
      Plotly.react($(`plot-${key}`), figure.data, figure.layout);
    } else {
      Plotly.animate($(`plot-${key}`), { data: traces, traces: traces.map((_, i) => i) }, AT_ONCE);
    }
  }

  function merge(target, source) {
    for (const [key, value] of Object.entries(source)) {
      const nested = value && typeof value === "object" && !Array.isArray(value) && target[key];
      if (nested) merge(target[key], value);
      else target[key] = value;
    }
  }

  function draw(next) {
    frame = next;
    state(next);
    if (next.now) drawLayers(next);
    if (next.history) { history = next; drawHistory(next); }
  }

  const numbers = (n) => Array.from({ length: n }, (_, i) => i + 1);
  const positive = (values) => (values || []).map((v) => (v > 0 && isFinite(v) ? v : null));

  /* Theory predicts the profile at initialization; it is hung up at the last hidden layer. */
  function predicted({ theory, view, now, layers }) {
    const anchor = now.lead[layers - 2];
    if (view !== "signal" || !theory.decades || !(anchor > 0)) return [[], [], []];
    const at = (sign) => theory.decades.map((d, i) => anchor * 10 ** (d + sign * theory.spread[i]));
    return [at(-2), at(2), at(0)];
  }

  function drawLayers({ now, pinned, layers, pinned_label: pinnedLabel, label, theory, view }) {
    const x = numbers(layers);
    const lead = positive(now.lead);
    const old = positive(pinned && pinned.lead);
    const lines = predicted({ theory, view, now, layers });
    const range = hysteresis("lead", [...lead, ...old, ...lines[2]]);
    const special = x.filter((_, i) => now.marks[i]);
    const axis = layerAxis(layers);
    const small = layerAxis(layers, TICKS / 2);
    put("lead", [
      { x: numbers(old.length), y: old },
      { x, y: lead, marker: { color: now.decades.map((d) => Math.max(-6, Math.min(6, d))) } },
      {
        x: special,
        y: special.map((l) => 10 ** (now.marks[l - 1] === 3 ? range[1] - 0.4 : range[0] + 0.3)),
        text: special.map((l, i) => (i === 0 || now.marks[l - 1] !== now.marks[special[i - 1] - 1]) ? MARKS[now.marks[l - 1]][1] : ""),
        marker: { symbol: special.map((l) => MARKS[now.marks[l - 1]][0]) },
      },
      ...lines.map((y) => ({ x: numbers(y.length), y })),
    ], { xaxis: axis, yaxis: decades(range) });
    for (const key of ["saturated", "dead"]) {
      const share = now[key].slice(0, -1);
      put(key, [shares(pinned && pinned[key]), { x, y: share }], { xaxis: small });
      const none = share.every((value) => value === null);
      $(`none-${key}`).textContent = none ? "this activation has no ends to saturate at" : "";
    }
    const ratio = positive(now.update_ratio);
    const ratioRange = hysteresis("update_ratio", ratio);
    put("update_ratio", [ratios(pinned), { x, y: ratio }], { xaxis: small, yaxis: decades(ratioRange) });
    const legend = [`— ${label}`];
    if (pinnedLabel) legend.push(`··· ${pinnedLabel}`);
    if (lines[2].length) legend.push("- - theory at initialization");
    text("legend", legend.join("   "));
    text("lead-hint", (view === "signal" && theory.why_not) || "one point a layer, log scale");
    scrubber();
  }

  const shares = (values) => ({ x: numbers((values || []).length), y: values || [] });
  const ratios = (pinned) => shares(positive(pinned && pinned.update_ratio));

  function layerAxis(layers, ticks = TICKS) {
    const every = Math.ceil(layers / ticks);
    const tickvals = numbers(layers - 1).filter((l) => l === 1 || (l % every === 0 && l < layers - every / 2));
    return {
      range: [0.4, layers + 0.6],
      tickvals: [...tickvals, layers],
      ticktext: [...tickvals.map(String), "out"],
    };
  }

  /* Ticks at whole powers of ten, at most seven of them. */
  function decades(range) {
    const [low, high] = range.map(Math.round);
    const every = Math.max(1, Math.ceil((high - low) / 6));
    const powers = numbers(high - low + 1).map((n) => low + n - 1).filter((n) => n % every === 0);
    return { range, tickvals: powers.map((n) => 10 ** n), ticktext: powers.map(power) };
  }

  function power(n) {
    if (n === 0) return "1";
    return "10" + [...String(n)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");
  }

  /* Whole decades that grow with the data and shrink only when most of them stand empty. */
  function hysteresis(key, values) {
    const logs = values.filter((v) => v > 0).map(Math.log10);
    const now = ranges[key] || figures[key].layout.yaxis.range;
    if (!logs.length) return now;
    const low = Math.floor(Math.min(...logs) - 0.7);
    const high = Math.ceil(Math.max(...logs) + 0.3);
    const roomy = (high - low) / (now[1] - now[0]) < 0.4 && now[1] - now[0] > 6;
    const fits = low >= now[0] && high <= now[1];
    if (!fits || roomy) {
      const span = Math.max(high - low, 4);
      ranges[key] = roomy ? [high - span, high] : [Math.min(low, high - 4, now[0]), Math.max(high, now[1])];
    }
    return ranges[key] || now;
  }

  function drawHistory({ history: h, verdict, steps, layers }) {
    const last = h.steps.length ? h.steps[h.steps.length - 1] : 1;
    const end = Math.min(steps, [50, 100, 200, 500, 1000, 2000, 5000].find((n) => n >= last) || last * 1.3);
    const xaxis = { range: [0, end] };
    put("heat", [{ x: h.heat.steps, y: numbers(layers - 1), z: h.heat.decades }],
      { xaxis, yaxis: { range: [0.5, layers - 0.5] } });
    const old = h.pinned || { steps: [], loss: [], accuracy: [] };
    const top = Math.max(2.6, ...h.loss.filter((v) => v !== null && v < 12));
    put("loss", [
      { x: old.steps, y: old.loss }, { x: h.steps, y: h.loss },
      { x: old.steps, y: old.accuracy }, { x: h.steps, y: h.accuracy },
    ], { xaxis, yaxis: { range: [0, Math.ceil(top * 2) / 2] }, ...eventMarks(h.events) });
    tell(verdict);
  }

  function eventMarks(events) {
    const shown = events.filter((e) => e.kind === "set");
    const words = (data) => Object.entries(data).map(([key, value]) => `${key} ${value}`).join(", ");
    return {
      shapes: shown.map((e) => ({ type: "line", x0: e.step, x1: e.step, yref: "paper", y0: 0, y1: 1, line: { width: 1, dash: "dot" } })),
      annotations: shown.map((e) => ({ x: e.step, yref: "paper", y: 1, text: words(e.data), showarrow: false, xanchor: "left", yanchor: "top" })),
    };
  }

  /* ---- words ---- */

  function tell(verdict) {
    const first = verdict && verdict[0];
    if (!first) return;
    const kind = { vanishing: "vanishing", exploding: "exploding", diverged: "exploding", healthy: "healthy" }[first.rule] || "lost-units";
    const since = first.since_step && first.rule !== "diverged" ? ` Since step ${first.since_step}.` : "";
    $("verdict").dataset.kind = kind;
    $("sign").textContent = { vanishing: "↘", exploding: "↗", healthy: "✓" }[kind] || "◌";
    text("verdict-title", first.title);
    text("verdict-text", first.sentence + since);
    const key = JSON.stringify(first.remedies);
    if ($("remedies").dataset.key !== key) {
      $("remedies").dataset.key = key;
      $("remedies").replaceChildren(...first.remedies.map(remedy));
    }
    CHARTS.forEach((chart) => $(`plot-${chart}`).setAttribute("aria-description", first.sentence));
  }

  function remedy({ label, changes }) {
    const button = document.createElement("button");
    button.textContent = label;
    button.onclick = () => dash_clientside.set_props("wish", { data: { changes, at: Date.now() } });
    return button;
  }

  function text(id, words) {
    if ($(id).textContent !== words) $(id).textContent = words;
  }

  function badge(words, kind) {
    const element = $("badge");
    if (!element) return;
    text("badge", words);
    element.dataset.kind = kind;
  }

  function state(next) {
    const now = performance.now();
    if (next.newest < pace.step || now - pace.time > 1000) {
      pace = { time: now, step: next.newest, rate: pace.time ? (1000 * (next.newest - pace.step)) / (now - pace.time) : 0 };
    }
    const rate = next.state === "running" && pace.rate > 0 ? ` · ${Math.round(pace.rate)} steps/s` : "";
    badge(WORDS[next.state] + rate, next.state);
    const label = next.state === "paused" ? "Resume" : "Pause";
    if ($("pause").textContent !== label) dash_clientside.set_props("pause", { children: label });
    if (next.error) tell([{ rule: "failed", title: "The run failed", sentence: next.error, remedies: [] }]);
  }

  function clear() {
    Object.keys(ranges).forEach((key) => delete ranges[key]);
    badge("ready", "ready");
    text("legend", "");
    text("verdict-title", "Pick a remedy, then press Train");
    text("verdict-text", "Each point will be one layer's gradient. Blue has vanished, red explodes, grey is healthy.");
    delete $("verdict").dataset.kind;
    $("sign").textContent = "";
    $("remedies").replaceChildren();
    $("remedies").dataset.key = "";
    start();
  }

  /* ---- the scrubber ---- */

  function scrubber() {
    const scrub = $("scrub");
    scrub.max = Math.max(1, frame.newest);
    if (at === null) scrub.value = scrub.max;
    text("scrub-label", at === null ? `step ${frame.now.step}` : `step ${frame.now.step} of ${frame.newest}`);
    $("latest").disabled = at === null;
  }

  function scrubTo(step) {
    at = step;
    if (session.link !== undefined) address();
    watch();
  }

  /* ---- the page ---- */

  const KEYS = { t: "train", " ": "pause", ".": "step", p: "pin", r: "reset" };

  function onKey(event) {
    const typing = event.target.closest("input:not([type=range]), textarea, button, a, summary, [role=slider], [role=combobox]");
    const button = KEYS[event.key.toLowerCase()];
    if (typing || !button || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    $(button).click();
  }

  async function share() {
    try { await navigator.clipboard.writeText(location.href); } catch { prompt("The link to this state:", location.href); return; }
    dash_clientside.set_props("share", { children: "Copied" });
    setTimeout(() => dash_clientside.set_props("share", { children: "Share" }), 1500);
  }

  function projector(on) {
    document.body.classList.toggle("projector", on);
    localStorage.setItem("projector", on ? "1" : "");
    start();
  }

  function ready() {
    if (!$("plot-lead") || !window.Plotly) { setTimeout(ready, 30); return; }
    $("more").open = window.innerWidth > 800;
    document.body.classList.toggle("projector", !!localStorage.getItem("projector"));
    start();
    connect();
    document.addEventListener("visibilitychange", watch);
    document.addEventListener("keydown", onKey);
    $("share").addEventListener("click", share);
    $("projector").addEventListener("click", () => projector(!document.body.classList.contains("projector")));
    $("scrub").addEventListener("input", (event) => scrubTo(Number(event.target.value)));
    $("latest").addEventListener("click", () => scrubTo(null));
    new MutationObserver(start).observe(document.documentElement, { attributeFilter: ["data-mantine-color-scheme"] });
  }

  document.addEventListener("DOMContentLoaded", ready);
  return { show, frame: () => frame, session: () => session };
})();
