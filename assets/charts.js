/* The charts: plain elements that Plotly draws into, from skeletons that the server sends along. */
"use strict";

window.charts = (() => {
  const $ = (id) => document.getElementById(id);
  const LAYERED = ["lead", "saturated", "dead", "update_ratio"];
  const PANELS = { run: ["heat", "loss"], clipping: ["clip", "ladder"], units: ["units"] };
  const RUNGS = ["computed_grad_norm", "weight_grad_norm", "clipped_grad_norm", "update_norm"];
  const MARKS = [null, ["circle-open", "0"], ["triangle-down-open", "below float range"], ["x-thin-open", "NaN / ∞"]];
  const PARTS = () => Math.floor(window.innerWidth / 100); // names of a model's parts that fit on a chart
  const TICKS = 12;
  const FEW = 3;             // ticks on the axis of a small chart
  const NONE = { saturated: "this activation has no ends to saturate at", dead: "not counted yet: after 1000 samples" };
  const AT_ONCE = { mode: "immediate", transition: { duration: 0 }, frame: { duration: 0, redraw: false } };
  const CONFIG = { displaylogo: false, responsive: true, modeBarButtons: [["toImage"]] };

  const ranges = {};
  let figures = {};
  let shapes = {};           // what of each chart was last drawn, apart from its heights
  let panel = "run";

  const shown = () => [...LAYERED, ...PANELS[panel]];
  const scheme = () =>
    document.documentElement.getAttribute("data-mantine-color-scheme") === "dark" ? "dark" : "light";

  function start(layers) {
    figures = JSON.parse($("skeletons").textContent)[scheme()];
    shapes = {};
    const projector = document.body.classList.contains("projector");
    for (const key of shown()) {
      const { data, layout } = figures[key];
      layout.font.size = projector ? 18 : 13;
      if (layout.yaxis.type === "log") Object.assign(layout.yaxis, decades(ranges[key] || layout.yaxis.range, key === "lead" ? 6 : FEW));
      if (LAYERED.includes(key)) Object.assign(layout.xaxis, layerAxis(layers, key === "lead" ? TICKS : TICKS / 2));
      const options = { ...CONFIG, toImageButtonOptions: { filename: `gradient-${key}`, scale: 2 } };
      Plotly.react($(`plot-${key}`), data, layout, options);
    }
  }

  function turnTo(next) {
    panel = PANELS[next] ? next : "run";
    for (const key of Object.keys(PANELS)) $(`panel-${key}`).hidden = key !== panel;
    $("layer-label").hidden = panel === "run";
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
  const shares = (values) => ({ x: numbers((values || []).length), y: values || [] });
  const ratios = (pinned) => shares(positive(pinned && pinned.update_ratio));

  /* Theory speaks of the profile at initialization; its line hangs at the last hidden layer. */
  function predicted({ theory, view, now, layers, away }) {
    if (view === "activation") return [[], [], theory.activation_std || []];
    const anchor = now.lead[layers - 2];
    if (view !== "signal" || away || !theory.decades || !(anchor > 0)) return [[], [], []];
    const at = (sign) => theory.decades.map((d, i) => anchor * 10 ** (d + sign * theory.spread[i]));
    return [at(-2), at(2), at(0)];
  }

  /* What layers are called beside their number. */
  const called = ({ names, layers: count }) => numbers(count).map((l) => (names && names[l - 1] ? ` ${names[l - 1]}` : ""));

  /* Where a model of many parts goes from one part to the next: lines, and the parts' names. */
  function blocks({ names }) {
    const marks = (figures.lead.layout.shapes || []).filter((shape) => shape.name === "mark");
    const parts = grouped(names || []);
    const line = { width: 1, dash: "dot", color: figures.lead.layout.yaxis.gridcolor };
    return {
      shapes: [...marks, ...parts.slice(1).map(({ from }) => ({ type: "line", x0: from - 0.5, x1: from - 0.5, yref: "paper", y0: 0, y1: 1, layer: "below", line }))],
      annotations: parts.map(({ part, from, to }) => ({ x: (from + to) / 2, yref: "paper", y: 1, yanchor: "top", text: part, showarrow: false, font: { size: 11 } })),
    };
  }

  /* Neighbours with the same beginning of their paths, as long a beginning as gives few groups. */
  function grouped(names) {
    let found = [];
    for (const depth of [1, 2, 3]) {
      const groups = [];
      names.forEach((name, i) => {
        const part = name.split(".").slice(0, depth).join(".");
        const last = groups[groups.length - 1];
        if (last && last.part === part) last.to = i + 1;
        else groups.push({ part, from: i + 1, to: i + 1 });
      });
      if (groups.length > PARTS()) break;
      found = groups;
    }
    return found;
  }

  function layers(frame) {
    const { now, pinned, layers: count } = frame;
    const x = numbers(count);
    const lead = positive(now.lead);
    const old = positive(pinned && pinned.lead);
    const lines = predicted(frame);
    const range = hysteresis("lead", [...lead, ...old, ...lines[2]]);
    const special = x.filter((_, i) => now.marks[i]);
    put("lead", [
      { x: numbers(old.length), y: old },
      { x, y: lead, customdata: called(frame), marker: { color: now.decades.map((d) => Math.max(-6, Math.min(6, d))) } },
      {
        x: special,
        y: special.map((l) => 10 ** (now.marks[l - 1] === 3 ? range[1] - 0.4 : range[0] + 0.3)),
        text: special.map((l, i) => (i === 0 || now.marks[l - 1] !== now.marks[special[i - 1] - 1]) ? MARKS[now.marks[l - 1]][1] : ""),
        marker: { symbol: special.map((l) => MARKS[now.marks[l - 1]][0]) },
      },
      ...lines.map((y) => ({ x: numbers(y.length), y })),
    ], { xaxis: { ...layerAxis(count), title: { text: `input  ←  ${frame.word}  →  output` } }, yaxis: decades(range), ...blocks(frame) });
    if (frame.state === "preview") requestAnimationFrame(() => smaller(frame)); // the answer comes first
    else smaller(frame);
    return lines[2].length > 0;
  }

  function smaller(frame) {
    const { now, pinned, layers: count, state } = frame;
    const x = numbers(count);
    const small = layerAxis(count, TICKS / 2);
    const customdata = called(frame);
    for (const key of ["saturated", "dead"]) {
      const share = now[key].slice(0, -1);
      put(key, [shares(pinned && pinned[key]), { x: x.slice(0, -1), y: share, customdata }], { xaxis: small });
      $(`none-${key}`).textContent = share.every((value) => value === null) ? NONE[key] : "";
    }
    const ratio = positive(now.update_ratio);
    $("none-update_ratio").textContent = state === "preview" ? "no step taken yet" : "";
    put("update_ratio", [ratios(pinned), { x, y: ratio, customdata }], { xaxis: small, yaxis: decades(hysteresis("update_ratio", ratio), FEW) });
  }

  function ladder({ now }, layer) {
    if (panel !== "clipping") return;
    const rungs = RUNGS.map((key) => now[key][layer - 1]);
    const y = positive(rungs);
    put("ladder", [{ y, text: rungs.map((v) => (v === null ? "none yet" : v.toPrecision(3))) }],
      { yaxis: decades(hysteresis("ladder", y), FEW) });
  }

  /* Shades the layers that a diagnosis speaks of, on the chart that shows it. */
  function mark(chart, which) {
    for (const key of LAYERED) {
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

  function layerAxis(count, ticks = TICKS) {
    const every = Math.ceil(count / ticks);
    const tickvals = numbers(count - 1).filter((l) => l === 1 || (l % every === 0 && l < count - every / 2));
    return { range: [0.4, count + 0.6], tickvals: [...tickvals, count], ticktext: [...tickvals.map(String), "out"] };
  }

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

  /* ---- the run so far ---- */

  function history({ history: h, steps, layers: count, word }, layer) {
    const last = h.steps.length ? h.steps[h.steps.length - 1] : 1;
    const end = Math.min(steps, [50, 100, 200, 500, 1000, 2000, 5000].find((n) => n >= last) || last * 1.3);
    const xaxis = { range: [0, end] };
    if (panel === "run") run(h, xaxis, count, word);
    if (panel === "clipping" && h.clipping) clipping(h, xaxis);
    if (panel === "units" && h.lives) lives(h.lives, xaxis, layer, word);
  }

  function run(h, xaxis, count, word) {
    put("heat", [{ x: h.heat.steps, y: numbers(count - 1), z: h.heat.decades }],
      { xaxis, yaxis: { range: [0.5, count - 0.5], title: { text: word } } });
    const old = h.pinned || { steps: [], loss: [], accuracy: [] };
    const top = Math.max(2.6, ...[...h.loss, ...h.heldout].filter((v) => v !== null && v < 12));
    put("loss", [
      { x: old.steps, y: old.loss }, { x: h.steps, y: h.loss }, { x: h.steps, y: h.heldout },
      { x: old.steps, y: old.accuracy }, { x: h.steps, y: h.accuracy },
    ], { xaxis, yaxis: { range: [0, Math.ceil(top * 2) / 2] }, ...eventMarks(h.events) });
  }

  function clipping({ clipping: c, events }, xaxis) {
    const [before, after] = [positive(c.before), positive(c.after)];
    const range = hysteresis("clip", [...before, ...after, c.threshold]);
    const line = c.threshold ? [c.threshold, c.threshold] : [];
    put("clip", [{ x: c.steps, y: before }, { x: c.steps, y: after }, { x: line.length ? [0, 1e7] : [], y: line }],
      { xaxis, yaxis: decades(range, FEW), ...eventMarks(events) });
    const turned = c.angle === null ? "" : ` · turned by ${c.angle.toFixed(1)}°`;
    $("hint-clip").textContent = c.method === "none" && !events.some((e) => e.kind === "set" && e.data.clip)
      ? "off: before and after are the same" : `— before  - - after · ${(100 * c.share).toFixed(0)}% of steps clipped${turned}`;
  }

  function lives(l, xaxis, layer, word) {
    put("units", [{ x: l.steps, y: numbers(l.dead.length), z: l.dead }], { xaxis, yaxis: { range: [0.5, Math.max(2, l.dead.length) + 0.5] } });
    const back = l.revived ? `, ${l.revived} came back` : "";
    $("hint-units").textContent = `${word} ${layer}: ` + (l.died ? `${l.died} deaths${back}` : "nobody has died");
    $("none-units").textContent = l.dead.length ? "" : "no such layer";
  }

  function eventMarks(events) {
    const marked = events.filter((e) => e.kind === "set" || e.kind === "stopped early");
    const words = ({ kind, data }) => kind === "set" ? Object.entries(data).map(([key, value]) => `${key} ${value}`).join(", ") : kind;
    return {
      shapes: marked.map((e) => ({ type: "line", x0: e.step, x1: e.step, yref: "paper", y0: 0, y1: 1, line: { width: 1, dash: "dot" } })),
      annotations: marked.map((e) => ({ x: e.step, yref: "paper", y: 1, text: words(e), showarrow: false, xanchor: "left", yanchor: "top" })),
    };
  }

  return { start, turnTo, fit, forget, layers, ladder, history, mark, keys: () => [...LAYERED, "heat", "loss", "clip", "ladder", "units"] };
})();
