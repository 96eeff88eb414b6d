// @ts-check
/* How each kind of chart is drawn. Which charts there are, and of which kind, the server's table says. */
"use strict";

/**
 * @typedef {{frame: Shown, seen: Part, view: Wire.View, layer: number}} Step a step in sight, and the layer chosen
 * @typedef {{frame: Wire.Frame, history: Wire.History, seen: Part, layer: number}} SoFar a run so far
 */

const kinds = (() => {
  const SMALL = 11;          // the type of blocks' names
  const TICKS = 12;          // on the axis of layers
  const SET = new Set(["share", "unit"]); // scales that go from 0 to 1
  const MOST = 6;            // on a logarithmic axis
  const FEW = 3;             // on that of a small chart
  const EVER = 1e7;          // a step that no run comes to
  const LOSSES = 5;          // lines in the chart of losses before those of runs compared

  /** @type {(metric: string) => Wire.Metric} */
  const metric = (key) => charts.tables().metrics[key];
  /** @type {(chart: Wire.Chart) => number} */
  const ticks = ({ key, kind }) => {
    const { height, font } = stage.room(key);
    return Math.max(1, Math.min(wide(kind) ? MOST : FEW, Math.floor(height / (2 * font))));
  };
  /** @type {(kind: Wire.Kind) => boolean} whether it has a row to itself */
  const wide = (kind) => kind === "profile" || kind === "network";

  /**
   * @param {Wire.Chart} chart
   * @param {{names: string[], layers: number}} frame
   * @param {Part} seen
   */
  const across = ({ key, kind }, frame, seen) =>
    parts.across(frame, seen, { ...stage.room(key), ticks: wide(kind) ? TICKS : TICKS / 2 });

  /**
   * Draw a chart before there is anything on it.
   * @param {Wire.Chart} chart
   * @param {{names: string[], layers: number}} frame
   * @param {Part} seen
   */
  function set(chart, frame, seen) {
    const { type } = stage.layout(chart.key).yaxis;
    const course = chart.kind === "heat" || chart.kind === "loss";
    if (course) unbegun(chart);
    stage.set(chart.key, {
      ...(chart.kind === "heat" ? { yaxis: { range: [0.5, frame.layers - 0.5] } } : {}),
      ...(course ? { xaxis: axes.history([], EVER) } : {}),
      ...(chart.kind === "network" ? { xaxis: { tickvals: [], ticktext: [] } } : {}),
      ...(chart.kind === "profile" || chart.kind === "layers" ? { xaxis: across(chart, frame, seen) } : {}),
      ...(type === "log" ? { yaxis: axes.decades(stage.reach(chart.key), ticks(chart)) } : {}),
    });
  }

  /* ---- one step ---- */

  /**
   * Any metric, on an axis of its scale.
   * @param {Wire.Chart} chart
   * @param {Step} step
   */
  function layers(chart, { frame, seen }) {
    const { key, output } = chart;
    const { scale } = metric(chart.metric);
    /** @type {(step: Values) => Numbers} */
    const plain = (step) => (step?.metrics[chart.metric] || []).slice(0, output ? undefined : -1);
    /** @type {(step: Values) => Numbers} */
    const drawn = (step) => (scale === "log" ? traces.positive(plain(step)) : plain(step));
    const { now } = frame, ghost = alongside.ghost(frame)?.now || null, room = stage.room(key), values = drawn(now);
    const marker = { size: traces.dot(room, traces.count(now, seen), stage.px(5)) };
    const points = { ...traces.line(values, now), customdata: groups.called(frame), marker };
    const around = groups.spread(frame, chart.metric, values, scale === "log" ? traces.positive : (all) => all);
    const shown = [points, ...around].flatMap((line) => traces.inside(seen, line));
    /** @type {Trace[]} */
    const lines = [traces.line(drawn(ghost), ghost), points];
    /** @type {Layout} */
    const layout = { xaxis: { ...across(chart, frame, seen), title: { text: frame.word } } };
    if (scale === "log") {
      const range = stage.widened(key, axes.logarithmic, shown);
      lines.push(traces.marked(frame, seen, traces.zeros(groups.least(now, chart.metric)), range, room));
      layout.yaxis = axes.decades(range, ticks(chart));
    } else if (!SET.has(scale)) {
      layout.yaxis = { range: stage.widened(key, axes.linear, shown) };
    }
    const others = alongside.lines(frame, frame.beside, ({ now: at }, name) => alongside.profile(drawn(at), name, at));
    stage.put(key, [...lines, ...others, ...around], layout);
    dom.text(`none-${key}`, plain(now).every((value) => value === null) ? chart.empty : "");
  }

  /**
   * A weight's gradient, from the backward pass to the step taken.
   * @param {Wire.Chart} chart
   * @param {Step} step
   */
  function ladder(chart, { frame, layer }) {
    const { key } = chart;
    const place = groups.place(frame.now, layer);
    const rungs = charts.tables().rungs.map((rung) => frame.now.metrics[rung.metric]?.[place] ?? null);
    const y = traces.positive(rungs);
    const group = groups.around(frame.now, layer);
    dom.text(`hint-${key}`, group ? `medians of ${groups.called(frame)[place]}` : chart.hint);
    const text = rungs.map((value) => (value === null ? "none yet" : formats.number(".3g", value)));
    stage.put(key, [{ y, text }], { yaxis: axes.decades(stage.widened(key, axes.logarithmic, y), ticks(chart)) });
  }

  /**
   * The region of a chart that a diagnosis speaks of.
   * @param {string} key
   */
  const shades = (key) => (stage.layout(key).shapes || []).filter(({ name }) => name === "mark");

  /**
   * Shade layers on a chart; none where there are none.
   * @param {string} key
   * @param {number[]} which
   */
  function shade(key, which) {
    const now = stage.layout(key).shapes || [];
    const region = {
      name: "mark", type: "rect", yref: "paper", y0: 0, y1: 1, layer: "below", line: { width: 0 },
      x0: Math.min(...which) - 0.5, x1: Math.max(...which) + 0.5, fillcolor: "rgba(128, 138, 150, 0.10)",
    };
    const next = [...now.filter(({ name }) => name !== "mark"), ...(which.length ? [region] : [])];
    if (JSON.stringify(next) !== JSON.stringify(now)) stage.put(key, [], { shapes: next });
  }

  /**
   * The line at the step in sight, on a chart of the whole run.
   * @param {string} key
   * @param {Wire.Frame} frame
   */
  function point(key, frame) {
    const now = stage.layout(key).shapes || [];
    const next = [...now.filter(({ name }) => name !== "cursor"), ...traces.cursor(frame)];
    if (JSON.stringify(next) !== JSON.stringify(now)) stage.put(key, [], { shapes: next });
  }

  /* ---- the run so far ---- */

  /**
   * Say that no step has been taken, as long as none has.
   * @param {Wire.Chart} chart
   * @param {{steps: number[]}} [history]
   */
  const unbegun = ({ key, empty }, history) => dom.text(`none-${key}`, history?.steps.length ? "" : empty);

  /**
   * @param {Wire.Chart} chart
   * @param {SoFar} run
   */
  function loss(chart, { frame, history: h }) {
    const { key } = chart;
    unbegun(chart, h);
    const ghost = frame.beside.findIndex((one) => one.ghost);
    const before = h.beside[ghost] || { steps: [], loss: [], accuracy: [] };
    const own = { x: h.steps, y: h.loss };
    const losses = alongside.lines(frame, h.beside, ({ steps: x, loss }, name) => alongside.run(x, loss, name));
    const accuracies = alongside.lines(frame, h.beside, ({ steps: x, accuracy: y }, name) =>
      alongside.run(x, y, name, "accuracy"));
    const told = traces.changes(h.events, frame);
    const ends = { own, first: LOSSES, end: /** @type {"right"} */ ("right"), size: stage.px(SMALL) };
    stage.put(key, [
      { x: before.steps, y: before.loss }, own, { x: h.steps, y: h.heldout },
      { x: before.steps, y: before.accuracy }, { x: h.steps, y: h.accuracy }, ...losses, ...accuracies,
    ], {
      xaxis: axes.history(h.steps, frame.steps),
      yaxis: axes.losses([h.loss, h.heldout, ...h.beside.map(({ loss: y }) => y)].flat()),
      ...told,
      annotations: [...alongside.names(key, frame, losses, ends), ...told.annotations],
    });
  }

  /**
   * @param {Wire.Chart} chart
   * @param {SoFar} run
   */
  function clipping(chart, { frame, history: h }) {
    const { key } = chart;
    const told = h.clipping;
    if (!told) return;
    const [before, after] = [traces.positive(told.before), traces.positive(told.after)];
    const line = told.threshold ? { x: [0, EVER], y: [told.threshold, told.threshold] } : { x: [], y: [] };
    const range = stage.widened(key, axes.logarithmic, [...before, ...after, told.threshold]);
    stage.put(key, [{ x: told.steps, y: before }, { x: told.steps, y: after }, line], {
      xaxis: axes.history(h.steps, frame.steps),
      yaxis: axes.decades(range, ticks(chart)),
      ...traces.changes(h.events, frame),
    });
    dom.text(`hint-${key}`, traces.clipped(told, h.events));
  }

  /**
   * @param {Wire.Chart} chart
   * @param {SoFar} run
   */
  function units({ key, empty }, { frame, history: h, layer }) {
    if (!h.lives) return;
    const { steps, dead } = h.lives;
    stage.put(key, [{ x: steps, y: axes.numbers(dead.length), z: dead }], {
      xaxis: axes.history(h.steps, frame.steps),
      yaxis: { range: [0.5, Math.max(2, dead.length) + 0.5] },
    });
    dom.text(`hint-${key}`, `${frame.word} ${layer}: ${traces.deaths(h.lives)}`);
    dom.text(`none-${key}`, dead.length ? "" : empty);
  }

  /**
   * The chosen layer's update ratio.
   * @param {Wire.Chart} chart
   * @param {SoFar} run
   */
  function updates(chart, { frame, history: h }) {
    const { key } = chart;
    const y = traces.positive(h.updates || []);
    stage.put(key, [{ x: h.steps, y }], {
      xaxis: axes.history(h.steps, frame.steps),
      yaxis: axes.decades(stage.widened(key, axes.logarithmic, y), ticks(chart)),
    });
    dom.text(`none-${key}`, y.every((value) => value === null) ? chart.empty : "");
  }

  const step = { layers, ladder };
  /** @typedef {"profile" | "network" | "histogram" | "members" | "told"} Elsewhere where others are drawn
   * @typedef {Elsewhere | keyof typeof step} Other and those of one step */
  /** @type {Record<Exclude<Wire.Kind, Other>, (chart: Wire.Chart, run: SoFar) => void>} */
  const history = { loss, heat: (chart, run) => heatmap.draw(chart, run), clipping, units, updates };

  return { across, ticks, unbegun, set, shades, shade, point, step, history };
})();
