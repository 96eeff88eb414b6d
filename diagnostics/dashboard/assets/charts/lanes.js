// @ts-check
/* Numbers that a watched loop told of its steps: a lane for each under the others, on an axis of its own. */
"use strict";

const lanes = (() => {
  const FOOT = 0.06;         // of a lane's height, under its line; above it stands its name
  const HEAD = 0.66;
  const SMALL = 12;          // the type of names
  const FEW = 40;            // numbers, each of which is a point

  /** @typedef {{ends: number[], at: (value: number | null) => number | null}} Lane */

  /**
   * From a lane's smallest number to its largest; what never changes lies in the middle.
   * @param {Numbers} values
   * @param {number} base the lane's foot
   * @returns {Lane}
   */
  function lane(values, base) {
    const known = values.filter((value) => value !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    /** @type {(value: number) => number} */
    const up = (value) => (high > low ? (value - low) / (high - low) : 0.5);
    const ends = known.length ? [...new Set([low, high])] : [];
    return { ends, at: (value) => (value === null ? null : base + FOOT + up(value) * (HEAD - FOOT)) };
  }

  /**
   * The ends of a lane's axis, or the one number on it.
   * @param {Lane} lane
   */
  const ticked = ({ ends, at }) =>
    ends.map((value) => ({ at: Number(at(value)), text: formats.number(".3g", value) }));

  /**
   * @param {Wire.Own} own
   * @param {Lane} lane
   * @returns {Trace}
   */
  const line = ({ name, steps, values }, { at }) => ({
    name, x: steps, y: values.map(at), customdata: values, mode: steps.length > FEW ? "lines" : "lines+markers",
    hovertemplate: `step %{x}: ${name} %{customdata:.4g}<extra></extra>`,
  });

  /**
   * A lane's name, and its newest number.
   * @param {Wire.Own} own
   * @param {number} base
   * @returns {Annotation}
   */
  function title({ name, values }, base) {
    const last = values.filter((value) => value !== null).pop();
    const text = last === undefined ? name : `${name}  ${formats.number(".4g", last)}`;
    return {
      text, x: 0, y: base + HEAD, xanchor: "left",
      yanchor: "bottom", font: { size: stage.letters(SMALL) }, showarrow: false,
    };
  }

  /**
   * @param {Wire.Chart} chart
   * @param {{frame: Wire.Frame, history: Wire.History}} run
   */
  function draw({ key }, { frame, history: { steps, own } }) {
    const plot = stage.plot(key);
    const row = /** @type {HTMLElement} */ (plot.closest(".row"));
    row.hidden = !own.length;
    if (!own.length) return;
    plot.style.setProperty("--lanes", String(own.length));
    const all = own.map((one, i) => ({ one, base: own.length - 1 - i, lane: lane(one.values, own.length - 1 - i) }));
    const ticks = all.flatMap(({ lane }) => ticked(lane)).reverse();
    const drawn = all.map(({ one, lane }) => line(one, lane));
    stage.put(key, axes.numbers(stage.count(key)).map((n) => drawn[n - 1] || { x: [], y: [] }), {
      xaxis: axes.history(steps, frame.steps),
      yaxis: { range: [0, own.length], tickvals: ticks.map(({ at }) => at), ticktext: ticks.map(({ text }) => text) },
      annotations: all.map(({ one, base }) => title(one, base)),
      shapes: traces.cursor(frame),
    });
  }

  return { draw, lane };
})();
