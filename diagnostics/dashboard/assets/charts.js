/* The charts: plain elements that Plotly draws into, from skeletons that the server sends along. */
"use strict";

window.charts = (() => {
  const $ = (id) => document.getElementById(id);
  const { charts: CHARTS, panels: PANELS, views: VIEWS, rungs: RUNGS, metrics: METRICS } = JSON.parse($("charts").textContent);
  const ALL = "all";         // in a report
  const MARKS = [null, ["circle-open", "0"], ["triangle-down-open", "below float range"], ["x-thin-open", "NaN / ∞"]];
  const SMALL = 11;          // the type of blocks' names
  const TICKS = 12;
  const FEW = 3;             // ticks on the axis of a small chart
  const AT_ONCE = { mode: "immediate", transition: { duration: 0 }, frame: { duration: 0, redraw: false } };
  const CONFIG = { displaylogo: false, responsive: true, modeBarButtons: [["toImage"]] };

  const ranges = {};
  let figures = {};
  let shapes = {};           // what of each chart was last drawn, apart from its heights
  let rooms = {};            // what of each chart is its axes'
  let panel = "run";
  let part = "";             // what of the model is in sight, everything for none

  const shows = ({ place }) => panel === ALL || panel === place || !PANELS.some(({ key }) => key === place);
  const inSight = () => CHARTS.filter((chart) => shows(chart) && $(`plot-${chart.key}`));
  const shown = () => inSight().map(({ key }) => key);
  const of = (...kinds) => inSight().filter(({ kind }) => kinds.includes(kind));
  const layered = () => of("profile", "layers").map(({ key }) => key);
  const viewed = ({ view }) => VIEWS.find(({ key }) => key === view);
  const scheme = () =>
    document.documentElement.getAttribute("data-mantine-color-scheme") === "dark" ? "dark" : "light";

  function start(frame) {
    figures = JSON.parse($("skeletons").textContent)[scheme()];
    shapes = {};
    rooms = {};
    const projector = document.body.classList.contains("projector");
    for (const key of shown()) {
      const { data, layout } = figures[key];
      layout.font.size = projector ? 18 : 13;
      if (layout.yaxis.type === "log") Object.assign(layout.yaxis, decades(ranges[key] || layout.yaxis.range, key === "lead" ? 6 : FEW));
      if (layered().includes(key)) Object.assign(layout.xaxis, layerAxis(frame, key));
      const options = { ...CONFIG, toImageButtonOptions: { filename: `gradient-${key}`, scale: 2 } };
      Plotly.react($(`plot-${key}`), data, layout, options);
    }
  }

  function turnTo(next) {
    panel = (PANELS.find(({ key }) => key === next) || PANELS[0]).key;
    for (const { key } of PANELS) $(`panel-${key}`).hidden = key !== panel;
    $("layer-label").hidden = !of("ladder", "units").some(({ place }) => place === panel);
  }

  function narrow(next) {
    part = next;
    forget();
  }

  function room(key) {
    const { clientWidth, clientHeight } = $(`plot-${key}`);
    const { margin, font } = figures[key].layout;
    rooms[key] ||= { width: Math.max(80, clientWidth - margin.l - margin.r), height: Math.max(60, clientHeight - margin.t - margin.b), font: font.size };
    return rooms[key];
  }

  /* All of a run that is over, at once. */
  function report(frame) {
    panel = ALL;
    start(frame);
    layers(frame);
    history(frame);
  }

  const fit = () => shown().forEach((key) => Plotly.Plots.resize($(`plot-${key}`)));
  const forget = () => Object.keys(ranges).forEach((key) => delete ranges[key]);

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

  /* ---- one step: a point for each layer ---- */

  const numbers = (n) => Array.from({ length: n }, (_, i) => i + 1);
  const positive = (values) => (values || []).map((v) => (v > 0 && isFinite(v) ? v : null));

  /* Theory speaks of the profile at initialization; its line hangs at the last hidden layer. */
  function predicted(frame) {
    const { theory, now, layers, away } = frame;
    const { metric, predicted: told } = viewed(frame);
    if (told === "activation_std") return [[], [], theory.activation_std || []];
    const anchor = now.metrics[metric][layers - 2];
    if (told !== "decades" || away || !theory.decades || !(anchor > 0)) return [[], [], []];
    const at = (sign) => theory.decades.map((d, i) => anchor * 10 ** (d + sign * theory.spread[i]));
    return [at(-2), at(2), at(0)];
  }

  /* What layers are called beside their number. */
  const called = ({ names, layers: count }) => numbers(count).map((l) => (names && names[l - 1] ? ` ${names[l - 1]}` : ""));

  /* Where a model goes from one block to the next: lines, and the blocks' names, which can be clicked. */
  function blocks({ names }, seen) {
    const marks = (figures.lead.layout.shapes || []).filter((shape) => shape.name === "mark");
    const { lines, labels } = parts.above(names || [], seen, { ...room("lead"), font: SMALL });
    const line = { width: 1, dash: "dot", color: figures.lead.layout.yaxis.gridcolor };
    return {
      margin: { t: labels.length ? 24 : 8 },
      shapes: [...marks, ...lines.map((x) => ({ type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, layer: "below", line }))],
      annotations: labels.map(({ part: name, from, to, at, text }) => ({
        name, text, x: at, yref: "paper", y: 1, yanchor: "bottom", showarrow: false, font: { size: SMALL }, captureevents: from < to,
      })),
    };
  }

  /* Values that have no place on a logarithmic axis: zeros at its foot, NaN at its head. */
  function marked(key, { names, layers: count, word }, seen, kinds, range) {
    const x = numbers(count).filter((l) => kinds[l - 1] && l >= seen.from && l <= seen.to);
    const of = (l) => MARKS[kinds[l - 1]];
    const inset = (range[1] - range[0]) * (10 / room(key).height);
    return {
      x,
      y: x.map((l) => 10 ** (kinds[l - 1] === 3 ? range[1] - inset : range[0] + inset)),
      text: x.map((l, i) => (i === 0 || of(l) !== of(x[i - 1]) ? of(l)[1] : "")),
      textposition: x.map((l) => (2 * l < seen.from + seen.to ? "top right" : "top left")),
      hovertext: x.map((l) => `${word} ${l}${names && names[l - 1] ? ` ${names[l - 1]}` : ""}: ${of(l)[1]}`),
      marker: { symbol: x.map((l) => of(l)[0]), size: dot(key, seen, 11) },
    };
  }

  /* Points that do not hide each other. */
  const dot = (key, seen, most) => Math.max(3, Math.min(most, (0.9 * room(key).width) / (seen.to - seen.from + 1)));

  function layers(frame) {
    const { now, pinned, layers: count } = frame;
    const seen = parts.span(frame, part);
    const x = numbers(count);
    const { metric } = viewed(frame);
    const lead = positive(now.metrics[metric]);
    const old = positive(pinned && pinned.metrics[metric]);
    const lines = predicted(frame);
    const range = hysteresis("lead", [lead, old, lines[2]].flatMap((values) => inside(seen, values)));
    const color = now.decades.map((d) => Math.max(-6, Math.min(6, d)));
    const dots = dot("lead", seen, 9);
    const dense = dots < 6;
    put("lead", [
      { x: numbers(old.length), y: old },
      { x, y: lead, customdata: called(frame), line: { width: dense ? 1 : 2.5 }, marker: { color, size: dots, line: { width: dense ? 0 : 1 } } },
      marked("lead", frame, seen, now.marks, range),
      ...lines.map((y) => ({ x: numbers(y.length), y })),
    ], { xaxis: { ...layerAxis(frame, "lead"), title: { text: `input  ←  ${frame.word}  →  output` } }, yaxis: decades(range), ...blocks(frame, seen) });
    if (frame.state === "preview") requestAnimationFrame(() => smaller(frame, seen)); // the answer comes first
    else smaller(frame, seen);
    return lines[2].length > 0;
  }

  function smaller(frame, seen) {
    for (const chart of of("layers")) small(chart, frame, seen);
  }

  /* Any metric, on an axis of its scale. */
  function small({ key, metric, empty, output }, frame, seen) {
    const { scale } = METRICS[metric];
    const plain = (step) => (step ? step.metrics[metric] : []);
    const drawn = (values) => (scale === "log" ? positive(values) : values).slice(0, output ? frame.layers : -1);
    const old = drawn(plain(frame.pinned));
    const y = drawn(plain(frame.now));
    const traces = [{ x: numbers(old.length), y: old },
      { x: numbers(y.length), y, customdata: called(frame), marker: { size: dot(key, seen, 5) } }];
    const layout = { xaxis: layerAxis(frame, key) };
    if (scale === "log") {
      const range = hysteresis(key, inside(seen, y));
      traces.push(marked(key, frame, seen, plain(frame.now).map((value) => (value === 0 ? 1 : 0)), range));
      layout.yaxis = decades(range, FEW);
    } else if (scale !== "share") layout.yaxis = { range: roomy(key, inside(seen, y)) };
    put(key, traces, layout);
    $(`none-${key}`).textContent = plain(frame.now).slice(0, output ? frame.layers : -1).every((value) => value === null) ? empty : "";
  }

  function ladder({ now }, layer) {
    for (const { key } of of("ladder")) {
      const rungs = RUNGS.map(({ metric }) => now.metrics[metric][layer - 1]);
      const y = positive(rungs);
      put(key, [{ y, text: rungs.map((v) => (v === null ? "none yet" : v.toPrecision(3))) }],
        { yaxis: decades(hysteresis(key, y), FEW) });
    }
  }

  /* Shades the layers that a diagnosis speaks of, on the chart that shows it. */
  function mark(chart, which) {
    for (const key of layered()) {
      const { layout } = figures[key];
      const own = (layout.shapes || []).filter((shape) => shape.name !== "mark");
      const region = key === chart && which.length ? [{
        name: "mark", type: "rect", yref: "paper", y0: 0, y1: 1, layer: "below", line: { width: 0 },
        x0: Math.min(...which) - 0.5, x1: Math.max(...which) + 0.5, fillcolor: "rgba(128, 138, 150, 0.10)",
      }] : [];
      if (JSON.stringify([...own, ...region]) !== JSON.stringify(layout.shapes || [])) put(key, [], { shapes: [...own, ...region] });
    }
  }

  /* ---- axes ---- */

  const inside = ({ from, to }, values) => values.slice(from - 1, to);

  const layerAxis = (frame, key) =>
    parts.across(frame, parts.span(frame, part), { ...room(key), ticks: key === "lead" ? TICKS : TICKS / 2 });

  /* Ticks at whole powers of ten, no more than fit. */
  function decades(range, most = 6) {
    const [low, high] = range.map(Math.round);
    const every = Math.max(1, Math.ceil((high - low) / most));
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

  /* The same without a logarithm: room that grows with the data, and shrinks when most of it stands empty. */
  function roomy(key, values) {
    const seen = values.filter((v) => v !== null);
    const now = ranges[key] || figures[key].layout.yaxis.range;
    if (!seen.length) return now;
    const [low, high] = [Math.min(0, ...seen), Math.max(0, ...seen)];
    const every = 10 ** Math.floor(Math.log10(high - low || 1));
    const next = [Math.floor(low / every) * every, (Math.floor(high / every) + 1) * every];
    const fits = next[0] >= now[0] && next[1] <= now[1];
    const empty = next[1] - next[0] < 0.4 * (now[1] - now[0]);
    if (!fits || empty) ranges[key] = empty ? next : [Math.min(next[0], now[0]), Math.max(next[1], now[1])];
    return ranges[key] || now;
  }

  /* ---- the run so far ---- */

  function history(frame, layer) {
    const { history: h, steps, word } = frame;
    const last = h.steps.length ? h.steps[h.steps.length - 1] : 1;
    const end = Math.min(steps, [50, 100, 200, 500, 1000, 2000, 5000].find((n) => n >= last) || last * 1.3);
    const xaxis = { range: [0, end] };
    for (const { key } of of("heat")) heat(key, frame, xaxis);
    for (const { key } of of("loss")) loss(key, h, xaxis);
    for (const { key } of of("clipping")) if (h.clipping) clipping(key, h, xaxis);
    for (const chart of of("units")) if (h.lives) lives(chart, h.lives, xaxis, layer, word);
  }

  function loss(key, h, xaxis) {
    const old = h.pinned || { steps: [], loss: [], accuracy: [] };
    const top = Math.max(2.6, ...[...h.loss, ...h.heldout].filter((v) => v !== null && v < 12));
    put(key, [
      { x: old.steps, y: old.loss }, { x: h.steps, y: h.loss }, { x: h.steps, y: h.heldout },
      { x: old.steps, y: old.accuracy }, { x: h.steps, y: h.accuracy },
    ], { xaxis, yaxis: { range: [0, Math.ceil(top * 2) / 2] }, ...eventMarks(h.events) });
  }

  function heat(key, frame, xaxis) {
    const { history: h, layers: count, word, names } = frame;
    const seen = parts.span(frame, part);
    const rows = { ...seen, to: Math.min(seen.to, count - 1) };
    const told = names && names.length ? parts.beside(names, rows, { ...room(key), font: SMALL + 1 }) : { ticktext: [] };
    const customdata = called(frame).slice(0, -1).map((name) => h.heat.steps.map(() => name));
    put(key, [{ x: h.heat.steps, y: numbers(count - 1), z: h.heat.decades, customdata }], {
      xaxis, margin: { l: Math.max(46, 20 + 0.6 * SMALL * Math.max(...told.ticktext.map((text) => text.length))) },
      yaxis: names && names.length
        ? { ...told, range: [rows.from - 0.5, rows.to + 0.5], tickfont: { size: SMALL }, title: { text: "" } }
        : { range: [0.5, count - 0.5], tickvals: null, ticktext: null, tickfont: null, title: { text: word } },
    });
  }

  function clipping(key, { clipping: c, events }, xaxis) {
    const [before, after] = [positive(c.before), positive(c.after)];
    const range = hysteresis(key, [...before, ...after, c.threshold]);
    const line = c.threshold ? [c.threshold, c.threshold] : [];
    put(key, [{ x: c.steps, y: before }, { x: c.steps, y: after }, { x: line.length ? [0, 1e7] : [], y: line }],
      { xaxis, yaxis: decades(range, FEW), ...eventMarks(events) });
    const turned = c.angle === null ? "" : ` · turned by ${c.angle.toFixed(1)}°`;
    $(`hint-${key}`).textContent = c.method === "none" && !events.some((e) => e.kind === "set" && e.data.clip)
      ? "off: before and after are the same" : `— before  - - after · ${(100 * c.share).toFixed(0)}% of steps clipped${turned}`;
  }

  function lives({ key, empty }, l, xaxis, layer, word) {
    put(key, [{ x: l.steps, y: numbers(l.dead.length), z: l.dead }], { xaxis, yaxis: { range: [0.5, Math.max(2, l.dead.length) + 0.5] } });
    const back = l.revived ? `, ${l.revived} came back` : "";
    $(`hint-${key}`).textContent = `${word} ${layer}: ` + (l.died ? `${l.died} deaths${back}` : "nobody has died");
    $(`none-${key}`).textContent = l.dead.length ? "" : empty;
  }

  function eventMarks(events) {
    const marked = events.filter((e) => e.kind === "set" || e.kind === "stopped early");
    const words = ({ kind, data }) => kind === "set" ? Object.entries(data).map(([key, value]) => `${key} ${value}`).join(", ") : kind;
    return {
      shapes: marked.map((e) => ({ type: "line", x0: e.step, x1: e.step, yref: "paper", y0: 0, y1: 1, line: { width: 1, dash: "dot" } })),
      annotations: marked.map((e) => ({ x: e.step, yref: "paper", y: 1, text: words(e), showarrow: false, xanchor: "left", yanchor: "top" })),
    };
  }

  return { start, report, turnTo, narrow, fit, forget, layers, ladder, history, mark, layered, viewed, keys: () => CHARTS.map(({ key }) => key) };
})();
