// @ts-check
/* The heatmap: a row for each layer, or for each group of a large model, over the steps. */
"use strict";

const heatmap = (() => {
  const SMALL = 11;          // the type of blocks' names
  const FARTHEST = "each group's farthest layer";

  /**
   * @param {Wire.Chart} chart
   * @param {SoFar} run
   */
  function draw(chart, { frame, history: h, seen }) {
    const { key } = chart;
    kinds.unbegun(chart, h);
    const { layers: count, names, word, now } = frame;
    const shown = { ...seen, to: Math.min(seen.to, count - 1) };
    const font = stage.letters(SMALL + 1), tickfont = { size: stage.letters(SMALL) }, large = groups.all(now);
    const named = names.length || large.length ? parts.beside(names, shown, { ...stage.room(key), font }, large) : null;
    const longest = Math.max(0, ...(named ? named.ticktext : []).map((text) => text.length));
    const customdata = groups.called(frame).slice(0, -1).map((name) => h.heat.steps.map(() => name));
    dom.text(`hint-${key}`, large.length && !seen.part ? FARTHEST : chart.hint);
    stage.put(key, [{ x: h.heat.steps, y: groups.at(now, customdata.length), z: h.heat.decades, customdata }], {
      xaxis: axes.history(h.steps, frame.steps),
      shapes: traces.cursor(frame),
      margin: { l: stage.px(Math.max(46, 20 + 0.6 * SMALL * longest)) },
      yaxis: named
        ? { ...named, range: [shown.from - 0.5, shown.to + 0.5], tickfont, title: { text: "" } }
        : { range: [0.5, count - 0.5], tickvals: null, ticktext: null, tickfont: null, title: { text: word } },
    });
  }

  return { draw };
})();
