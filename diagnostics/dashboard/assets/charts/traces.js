// @ts-check
/* From numbers to what Plotly draws of them. */
"use strict";

const traces = (() => {
  const MARKS = [
    { symbol: "", words: "" },
    { symbol: "circle-open", words: "0" },
    { symbol: "triangle-down-open", words: "below float range" },
    { symbol: "x-thin-open", words: "NaN / ∞" },
  ];                         // by the wire's marks
  const ZERO = 1;
  const NONFINITE = 3;
  const INSET = 10;          // pixels from the end of an axis

  /**
   * What a logarithm can be taken of.
   * @param {Numbers} values
   * @returns {Numbers}
   */
  const positive = (values) => values.map((v) => (v !== null && v > 0 && isFinite(v) ? v : null));

  /**
   * A point for each layer, from the first, or for each group.
   * @param {Numbers} y
   * @param {Values} [of] the step that has them
   */
  const line = (y, of = null) => ({ x: groups.at(of, y.length), y });

  /**
   * The values of layers in sight.
   * @param {Span} seen
   * @param {Trace} line
   * @returns {Numbers}
   */
  const inside = (seen, { x = [], y = [] }) => y.filter((_, i) => parts.holds(seen, Number(x[i])));

  /**
   * Points that do not hide each other.
   * @param {Room} room
   * @param {number} count of them
   * @param {number} most pixels
   */
  const dot = ({ width }, count, most) => Math.max(3, Math.min(most, (0.9 * width) / count));

  /**
   * The band's edges and the line. Theory speaks of the profile at initialization; its line hangs at the last
   * hidden layer.
   * @param {Shown} frame
   * @param {Wire.View} view
   * @returns {Numbers[]}
   */
  function predicted({ theory, now, layers, away }, view) {
    if (view.predicted === "activation_std") return [[], [], theory.activation_std || []];
    const anchor = now.metrics[view.metric][layers - 2];
    const { decades, spread } = theory;
    if (view.predicted !== "decades" || away || !decades || !spread || !anchor || anchor < 0) return [[], [], []];
    /** @type {(sign: number) => Numbers} */
    const at = (sign) => decades.map((d, i) => anchor * 10 ** (Number(d) + sign * Number(spread[i])));
    return [at(-2), at(2), at(0)];
  }

  /**
   * Values that have no place on a logarithmic axis: zeros at its foot, NaN at its head.
   * @param {Shown} frame
   * @param {Span} seen
   * @param {number[]} kinds each layer's mark
   * @param {Reach} range
   * @param {Room} room
   * @returns {Trace}
   */
  function marked(frame, seen, kinds, [low, high], room) {
    const names = groups.called(frame, frame.word), at = groups.at(frame.now, kinds.length);
    const which = [...kinds.keys()].filter((i) => kinds[i] && parts.holds(seen, at[i]));
    /** @type {(i: number) => {symbol: string, words: string}} */
    const of = (i) => MARKS[kinds[i]];
    const inset = (high - low) * (INSET / room.height);
    return {
      x: which.map((i) => at[i]),
      y: which.map((i) => 10 ** (kinds[i] === NONFINITE ? high - inset : low + inset)),
      text: which.map((i, k) => (k === 0 || of(i) !== of(which[k - 1]) ? of(i).words : "")),
      textposition: which.map((i) =>
        `${kinds[i] === NONFINITE ? "bottom" : "top"} ${2 * at[i] < seen.from + seen.to ? "right" : "left"}`),
      hovertext: which.map((i) => `${names[i]}: ${of(i).words}`),
      marker: { symbol: which.map((i) => of(i).symbol), size: dot(room, count(frame.now, seen), 11) },
    };
  }

  /**
   * How many points are in sight.
   * @param {Values} step
   * @param {Span} seen
   */
  const count = (step, { from, to }) => groups.all(step).length || to - from + 1;

  /**
   * The marks of values whose true zeros are all that is amiss.
   * @param {Numbers} values
   */
  const zeros = (values) => values.map((value) => (value === 0 ? ZERO : 0));

  /**
   * Where a model goes from one block to the next: lines, and the blocks' names, which can be clicked.
   * @param {string[]} names
   * @param {Part} seen
   * @param {Room} room
   * @param {string} [color]
   * @param {Values} [step]
   */
  function blocks(names, seen, room, color, step = null) {
    const { lines, labels } = parts.above(names, seen, room, groups.all(step));
    const { font: size } = room;
    return {
      shapes: lines.map((x) => ({ ...upright(x), layer: "below", line: { width: 1, dash: "dot", color } })),
      annotations: labels.map(({ part: name, from, to, at, text }) => ({
        name, text, x: at, yref: "paper", y: 1, yanchor: "bottom", showarrow: false,
        font: { size }, captureevents: from < to,
      })),
    };
  }

  /**
   * @param {number} x
   */
  const upright = (x) => ({ type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1 });

  /**
   * The step in sight, where that is not the newest; its axes are those of a run's steps.
   * @param {{now: Wire.Layers | null, newest: number}} frame
   */
  function cursor({ now, newest }) {
    return now && now.step < newest ? [{ ...upright(now.step), name: "cursor", line: { width: 2 } }] : [];
  }

  /**
   * Lines at what was changed while training went on, and at the step in sight.
   * @param {Wire.Event[]} events
   * @param {{now: Wire.Layers | null, newest: number}} frame
   */
  function changes(events, frame) {
    const told = events.filter(({ kind }) => kind === "set" || kind === "stopped early");
    return {
      shapes: [
        ...told.map(({ step }) => ({ ...upright(step), line: { width: 1, dash: "dot" } })), ...cursor(frame),
      ],
      annotations: told.map((event) => ({
        x: event.step, yref: "paper", y: 1, text: change(event), showarrow: false, xanchor: "left", yanchor: "top",
      })),
    };
  }

  /**
   * @param {Wire.Event} event
   */
  function change({ kind, data }) {
    return kind === "set" ? Object.entries(data).map(([key, value]) => `${key} ${value}`).join(", ") : kind;
  }

  /**
   * @param {Wire.Clipping} clipping
   * @param {Wire.Event[]} events
   */
  function clipped({ method, share, angle }, events) {
    const ever = method !== "none" || events.some(({ kind, data }) => kind === "set" && data.clip);
    if (!ever) return "off: before and after are the same";
    const turned = angle === null ? "" : ` · turned by ${angle.toFixed(1)}°`;
    return `${(100 * share).toFixed(0)}% of steps clipped${turned}`;
  }

  /**
   * @param {Wire.Lives} lives
   */
  function deaths({ died, revived }) {
    const back = revived ? `, ${revived} came back` : "";
    return died ? `${died} deaths${back}` : "nobody has died";
  }

  return { positive, line, inside, dot, count, predicted, marked, zeros, blocks, cursor, changes, clipped, deaths };
})();
