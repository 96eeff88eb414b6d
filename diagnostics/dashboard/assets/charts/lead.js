// @ts-check
/* The leading chart: one view of all layers, beside theory, another run, or the network before. */
"use strict";

const lead = (() => {
  const SMALL = 11;          // the type of blocks' names
  const NOTED = 12;          // that of words beside points
  const RUN = 1;             // the trace of what is measured
  const OTHERS = 6;          // and the first of those of runs compared
  const FAR = 6;             // decades to either end of the scale of colours

  /** @type {{of: string | null, view: string, values: Numbers, ghost: Numbers}} what was drawn last, null for a run */
  let last = { of: null, view: "", values: [], ghost: [] };

  /**
   * The leading chart: one view of all layers, beside theory and another run.
   * @param {Wire.Chart} chart
   * @param {Step} step
   */
  function profile(chart, { frame, seen, view }) {
    const { now, word } = frame;
    const pinned = alongside.ghost(frame)?.now;
    const { key } = chart;
    const room = stage.room(key);
    const values = traces.positive(now.metrics[view.metric]);
    const fresh = leave(frame, values);
    const old = pinned ? traces.positive(pinned.metrics[view.metric]) : last.ghost;
    const theory = traces.predicted(frame, view);
    const others = alongside.lines(frame, frame.beside, ({ now: at }, name) =>
      alongside.profile(traces.positive(at?.metrics[view.metric] || []), name, at));
    const before = traces.line(old, pinned), around = beyond(frame, view.metric, values);
    const lines = [traces.line(values, now), before, traces.line(theory[2]), ...others, ...around];
    const shown = lines.flatMap((line) => traces.inside(seen, line));
    const range = stage.widened(key, axes.logarithmic, shown);
    const marks = traces.marked(frame, seen, now.marks, range, room);
    const above = blocks(key, frame, seen);
    const words = [...(pinned ? [] : ghost(seen, font(key))), ...ending(frame, seen, values, font(key))];
    const own = coloured(values, frame, seen, room);
    const ends = { own, first: OTHERS, end: /** @type {"left"} */ ("left"), size: stage.px(NOTED) };
    const predicted = theory.map((line) => traces.line(line));
    stage.put(key, [before, own, marks, ...predicted, ...others, ...around], {
      ...above,
      xaxis: { ...kinds.across(chart, frame, seen), title: { text: `input  ←  ${word}  →  output` } },
      yaxis: { ...axes.decades(range, kinds.ticks(chart)), title: { text: view.label } },
      annotations: [...above.annotations, ...alongside.names(key, frame, others, ends), ...words],
    }, fresh ? { morph: RUN } : {});
  }

  /**
   * Whether another network has come in sight before training. The line of the one before stays behind.
   * @param {Shown} frame
   * @param {Numbers} values
   */
  function leave({ state, query, view }, values) {
    const of = state === "preview" ? query : null;
    const another = of !== last.of;
    const alike = of !== null && view === last.view;
    const ghost = another && last.of !== null ? last.values : another ? [] : last.ghost;
    last = { of, view, values, ghost: alike ? ghost : [] };
    return alike && another;
  }

  /** @type {(key: string) => {size: number, color: string}} */
  const font = (key) =>
    ({ size: stage.letters(NOTED), color: stage.layout(key).template.layout.shapedefaults.line.color });

  /**
   * What lies around the medians of groups, who is far from one in the colours of vanishing and exploding.
   * @param {Shown} frame
   * @param {string} metric
   * @param {Numbers} values
   */
  function beyond(frame, metric, values) {
    const [low, high, far] = groups.spread(frame, metric, values, traces.positive);
    const { x = [], y = [] } = far, { decades } = frame.now;
    const color = x.map((at, k) => {
      const i = groups.place(frame.now, Number(at));
      return Math.max(-FAR, Math.min(FAR, Number(decades[i]) + Math.log10(Number(y[k]) / Number(values[i]))));
    });
    return [low, high, { ...far, marker: { color } }];
  }

  /**
   * Points in the colours of vanishing and exploding.
   * @param {Numbers} values
   * @param {Shown} frame
   * @param {Span} seen
   * @param {Room} room
   * @returns {Trace}
   */
  function coloured(values, frame, seen, room) {
    const size = traces.dot(room, traces.count(frame.now, seen), stage.px(9));
    const dense = size < stage.px(6);
    const color = frame.now.decades.map((d) => Math.max(-FAR, Math.min(FAR, Number(d))));
    return {
      ...traces.line(values, frame.now),
      customdata: groups.called(frame),
      line: { width: stage.px(dense ? 1 : 2.5) },
      marker: { color, size, line: { width: dense ? 0 : stage.px(1) } },
    };
  }

  /**
   * The names of blocks above a chart, beside the region that a diagnosis speaks of.
   * @param {string} key
   * @param {Shown} frame
   * @param {Part} seen
   */
  function blocks(key, { names, now, last }, seen) {
    const { yaxis } = stage.layout(key);
    const room = { ...stage.room(key), font: stage.letters(SMALL) };
    const { shapes, annotations } = traces.blocks(names, seen, room, yaxis.gridcolor, now);
    const margin = { t: stage.px(annotations.length || last ? 24 : 8) };
    return { margin, shapes: [...kinds.shades(key), ...shapes], annotations };
  }

  /**
   * What gradients had come to when they left the range of numbers, at the highest of them.
   * @param {Shown} frame
   * @param {Span} seen
   * @param {Numbers} values positive ones
   * @param {{size: number, color: string}} font
   * @returns {Annotation[]}
   */
  function ending({ last, now }, seen, values, font) {
    const line = traces.line(values, now), highest = Math.max(...traces.inside(seen, line).map(Number));
    if (!last || !(highest > 0)) return [];
    return [beside(line, values.indexOf(highest), `${formats.size(highest)}, then no number`, font)];
  }

  /**
   * What the line of the network before is called.
   * @param {Span} seen
   * @param {{size: number, color: string}} font
   */
  function ghost(seen, font) {
    const i = last.ghost.findIndex((value, place) => parts.holds(seen, place + 1) && value);
    return i < 0 ? [] : [beside(traces.line(last.ghost), i, "before", font)];
  }

  /**
   * Words to the right of a line's point, on the side where the line does not go.
   * @param {{x: number[], y: Numbers}} line
   * @param {number} i
   * @param {string} text
   * @param {{size: number, color: string}} font
   * @returns {Annotation}
   */
  const beside = ({ x, y }, i, text, font) => ({
    x: x[i], y: Math.log10(Number(y[i])), text, font, xshift: font.size, showarrow: false, xanchor: "left",
    ...(Number(y[i + 1]) > Number(y[i]) ? { yanchor: "top" } : { yanchor: "bottom", yshift: font.size / 2 }),
  });

  return { profile };
})();
