// @ts-check
/* Runs beside the one in sight: the one before is dotted, each of those chosen has a line of its own. */
"use strict";

const alongside = (() => {
  const MOST = 4;
  const LONGEST = 36;        // letters of a name in a chart
  const GAP = 3;             // pixels between it and its line

  /** @type {(string | null)[]} the run in each place, which it keeps while it is chosen */
  const places = new Array(MOST).fill(null);

  /**
   * Give the chosen runs their places.
   * @param {Wire.Frame} frame
   */
  function settle({ beside: others }) {
    const chosen = others.filter(({ ghost }) => !ghost).map(({ run }) => run);
    places.forEach((run, i) => { if (run && !chosen.includes(run)) places[i] = null; });
    for (const run of chosen.filter((one) => !places.includes(one))) places[places.indexOf(null)] = run;
  }

  /**
   * Where a chosen run stands, −1 for another.
   * @param {string} run
   */
  const place = (run) => places.indexOf(run);

  /**
   * The run before, or a network before training that gave way to another.
   * @param {Wire.Frame} frame
   */
  const ghost = ({ beside: others }) => others.find((one) => one.ghost);

  /**
   * A line for each place, empty where nothing stands in it.
   * @template T
   * @param {Wire.Frame} frame
   * @param {T[]} of what is drawn of each run beside, in their order
   * @param {(what: T, name: string) => Trace} line
   * @returns {Trace[]}
   */
  function lines({ beside: others }, of, line) {
    return places.map((run) => {
      const i = others.findIndex((one) => one.run === run);
      return run === null || i < 0 || !of[i] ? { x: [], y: [], name: "", customdata: [] } : line(of[i], others[i].name);
    });
  }

  /**
   * A line of layers, its run's name at each.
   * @param {Numbers} values
   * @param {string} name
   * @param {Values} [of] the step that has them
   * @returns {Trace}
   */
  const profile = (values, name, of) => ({ ...traces.line(values, of), name, customdata: values.map(() => name) });

  /**
   * A line over steps.
   * @param {number[]} steps
   * @param {Numbers} values
   * @param {string} name
   * @param {string} [of] what its values are, where a chart has several
   * @returns {Trace}
   */
  const run = (steps, values, name, of) =>
    ({ x: steps, y: values, name: of ? `${name}: ${of}` : name, customdata: values.map(() => name) });

  /**
   * Names at the ends of lines, in the lines' colours; that of the run in sight is the last, which has its room first.
   * @param {string} key of a chart
   * @param {Wire.Frame} frame
   * @param {Trace[]} drawn the chart's lines of chosen runs
   * @param {{own: Trace, first: number, end: "left" | "right", size: number}} at `first`: of those lines in the figure
   * @returns {Annotation[]}
   */
  function names(key, frame, drawn, { own, first, end, size }) {
    if (places.every((run) => run === null)) return [];
    const { yaxis, template } = stage.layout(key);
    const [log, ink] = [yaxis.type === "log", template.layout.shapedefaults.line.color];
    /** @type {(line: Trace, text: string, color?: string) => Annotation[]} */
    const named = (line, text, color) => at(line, end).map(([x, y]) => ({
      x, y: log ? Math.log10(y) : y, text: short(text), font: { size, color },
      xanchor: end, yanchor: "bottom", yshift: GAP, showarrow: false,
    }));
    const others = frame.beside.filter(({ run }) => place(run) >= 0);
    return [
      ...others.flatMap(({ run, name }) =>
        named(drawn[place(run)], name, stage.trace(key, first + place(run)).line?.color)),
      ...named(own, frame.name || frame.label, ink),
    ];
  }

  /**
   * The first or last point of a line; none where it has none.
   * @param {Trace} line
   * @param {"left" | "right"} end
   * @returns {[number, number][]}
   */
  function at({ x = [], y = [] }, end) {
    const known = y.flatMap((value, i) => (value === null ? [] : [i]));
    return known.slice(...(end === "left" ? [0, 1] : [-1])).map((i) => [Number(x[i]), Number(y[i])]);
  }

  /** @type {(name: string) => string} */
  const short = (name) => (name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name);

  return { settle, place, ghost, lines, profile, run, names };
})();
