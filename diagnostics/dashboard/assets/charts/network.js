// @ts-check
/* The network, drawn: a box a layer in its gradient's colour, and the light that runs from the loss to the input. */
"use strict";

const network = (() => {
  const FAR = 6;             // decades to either end of the scale of colours, and until no light is left
  const APART = 5;           // pixels from one box to the next, at least
  const [DIM, BRIGHT] = [-6, -1]; // decades of an update, of its weight
  const BOXES = 0;           // the trace
  /** @type {Record<string, (at: number, end: number) => number>} where keys lead, from box to box */
  const KEYS = { ArrowLeft: (at) => at - 1, ArrowRight: (at) => at + 1, Home: () => 0, End: (_, end) => end };

  /** @type {{of: string, boxes: Part[]}} */
  let kept = { of: "", boxes: [] };
  /** @type {{layer: number, step: string}} what was drawn last */
  let last = { layer: 1, step: "" };

  /**
   * What is drawn as one box: a layer, or a block where a model has more layers than there is room for.
   * @param {Shown} frame
   * @param {Part} seen
   * @param {Room} room
   */
  function boxes({ run, names, now }, seen, { width }) {
    const most = Math.floor(width / APART), large = groups.all(now);
    const of = [run, names.length, seen.part, seen.from, seen.to, most, large.length].join(" ");
    if (kept.of !== of) kept = { of, boxes: large.length ? fewer(large, most) : grouped(names, seen, most) };
    return kept.boxes;
  }

  /**
   * @param {string[]} names
   * @param {Part} seen
   * @param {number} most
   * @returns {Part[]}
   */
  function grouped(names, seen, most) {
    const count = seen.to - seen.from + 1;
    const blocks = count > most ? parts.blocks(names, seen) : [];
    if (blocks.length) return blocks;
    const each = Math.ceil(count / most);
    return axes.numbers(Math.ceil(count / each)).map((n) => {
      const from = seen.from + (n - 1) * each;
      return { part: "", from, to: Math.min(seen.to, from + each - 1) };
    });
  }

  /**
   * Neighbours of a large model's groups as one where there is no room for all.
   * @param {Part[]} all
   * @param {number} most
   * @returns {Part[]}
   */
  function fewer(all, most) {
    const each = Math.ceil(all.length / most);
    return all.flatMap((one, i) => (i % each ? [] : [{ ...one, to: all[Math.min(all.length, i + each) - 1].to }]));
  }

  /**
   * Each layer's gradient over the last hidden one's, in decades; null where it is no number, or a group has one that
   * is none. The output layer has the last hidden one's colour, as in the chart of layers.
   * @param {Numbers} signal
   * @param {Values} [of] the step that has them
   * @returns {Numbers}
   */
  function decades(signal, of = null) {
    const end = signal.length - 1, large = groups.folded(of) ? of : null;
    const anchor = large ? large.anchor : signal[Math.max(0, end - 1)];
    return signal.map((value, i) => {
      if (value === null || anchor === null || large?.lost[i]) return null;
      if (value === 0) return -FAR;
      return i === end ? 0 : Math.max(-FAR, Math.min(FAR, Math.log10(value / anchor)));
    });
  }

  /**
   * How much light is left: 1 at the last hidden layer, none six decades below, twice as much six above.
   * @param {number | null} decade
   */
  const light = (decade) => (decade === null ? 0 : 1 + decade / FAR);

  /**
   * How bright a wire is, 0 … 1; null before a step was measured.
   * @param {number | null} ratio of the update to the weight
   */
  const bright = (ratio) => (ratio === null ? null
    : Math.max(0, Math.min(1, (Math.log10(ratio || Number.MIN_VALUE) - DIM) / (BRIGHT - DIM))));

  /**
   * The mean over each box; null where nothing in it is a number, of a large model's groups where one is none.
   * @param {Numbers} values
   * @param {Span[]} boxes
   * @param {Values} of the step that has them
   * @returns {Numbers}
   */
  const means = (values, boxes, of) => boxes.map((box) => {
    const there = traces.inside(box, traces.line(values, of));
    const found = there.filter((value) => typeof value === "number").map(Number);
    if (groups.folded(of) && found.length < there.length) return null;
    return found.length ? found.reduce((sum, value) => sum + value) / found.length : null;
  });

  /**
   * @param {Wire.Chart} chart
   * @param {Step} step
   */
  function draw(chart, { frame, seen, layer }) {
    const { now } = frame, { metrics, step } = now, { shades } = charts.tables();
    const all = boxes(frame, seen, stage.room(chart.key));
    const colours = means(decades(metrics[chart.metric], now), all, now);
    const net = {
      light: colours.map(light),
      wires: means(metrics[shades.wires].map(bright), all, now),
      dark: means(metrics[shades.dark], all, now),
      pale: means(metrics[shades.pale], all, now),
      chosen: all.findIndex((box) => parts.holds(box, layer)),
      inputs: frame.inputs,
    };
    const words = all.map((box, i) => told(frame, box, { colour: colours[i], dark: net.dark[i], pale: net.pale[i] }));
    const of = [frame.run, frame.state === "preview" ? frame.query : "", step].join(" ");
    const [x, xaxis] = places(chart, frame, seen, all);
    stage.put(chart.key, [{ x, z: [colours], customdata: [words], meta: { net } }], { xaxis },
      of === last.step ? {} : { pulse: BOXES });
    last = { layer, step: of };
    say(chart.key, frame, colours[0], words[net.chosen]);
  }

  /**
   * Where boxes are, and their axis: layers above their points in the chart of layers, blocks side by side.
   * @param {Wire.Chart} chart
   * @param {Shown} frame
   * @param {Part} seen
   * @param {Part[]} all
   * @returns {[number[], Axis]}
   */
  function places(chart, frame, seen, all) {
    if (all.length === seen.to - seen.from + 1) return [all.map(({ from }) => from), kinds.across(chart, frame, seen)];
    const x = axes.numbers(all.length);
    const ticktext = all.map(({ part, text, from }) => text ?? (part ? parts.beyond(seen.part, part) : String(from)));
    return [x, { range: [0.4, all.length + 0.6], tickvals: x, ticktext }];
  }

  /**
   * A box in words.
   * @param {Shown} frame
   * @param {Part} box
   * @param {{colour: number | null, dark: number | null, pale: number | null}} of
   */
  function told({ word, names }, { part, from, to }, { colour, dark, pale }) {
    const name = from === to ? [word, from, names[from - 1]].filter(Boolean).join(" ")
      : `${part || `${word}s`} (${from}–${to})`;
    const share = colour === null ? "no number" : `${formats.size(10 ** colour)} of the last hidden layer's gradient`;
    const units = [[dark, "dead"], [pale, "saturated"]].filter(([value]) => value)
      .map(([value, what]) => `, ${formats.number(".0%", Number(value))} ${what}`);
    return `${name}: ${share}${units.join("")}`;
  }

  /**
   * The same for those who don't see it: the whole at its name, the chosen box as its value.
   * @param {string} key
   * @param {Shown} frame
   * @param {number | null} first the first box's decades
   * @param {string} [chosen]
   */
  function say(key, { layers, word, now }, first, chosen = "") {
    const opens = groups.folded(now) && !now.part ? " Enter opens its group." : "";
    const reaches = first === null ? "is no number" : `comes to ${formats.size(10 ** first)} of itself`;
    const told = {
      "aria-label": `The network. From the loss to the input the gradient ${reaches}. Arrows choose a ${word}.${opens}`,
      "aria-valuemax": String(layers), "aria-valuenow": String(last.layer), "aria-valuetext": chosen,
    };
    const plot = stage.plot(key);
    for (const [name, value] of Object.entries(told)) {
      if (plot.getAttribute(name) !== value) plot.setAttribute(name, value);
    }
  }

  /**
   * A click or an arrow key chooses a layer; Enter looks into a block, as a click into a large model's group.
   * @param {string} key
   * @param {Record<"pickLayer" | "reach" | "lookAround", (layer: number) => void>} deeds
   */
  function connect(key, { pickLayer: pick, reach, lookAround }) {
    const plot = stage.plot(key);
    plot.tabIndex = 0;
    plot.setAttribute("role", "slider");
    plot.setAttribute("aria-valuemin", "1");
    painter.onPoint(key, (x) => reach(at(x).from));
    plot.addEventListener("keydown", (event) => {
      const to = KEYS[event.key];
      if (event.key === "Enter") lookAround(last.layer);
      if (!to || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const now = kept.boxes.findIndex((box) => parts.holds(box, last.layer)), end = kept.boxes.length - 1;
      pick(kept.boxes[Math.max(0, Math.min(end, to(now, end)))].from);
    });
  }

  /**
   * The box at a place of the axis.
   * @param {number} x
   */
  function at(x) {
    const single = kept.boxes.every(({ from, to }) => from === to);
    return single ? { from: x } : kept.boxes[x - 1];
  }

  return { draw, connect, decades, light, bright, grouped };
})();
