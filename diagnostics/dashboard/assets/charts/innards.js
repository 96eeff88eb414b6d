// @ts-check
/* A layer inside: what its activations, its signal and its weights are, and what its units do. */
"use strict";

const innards = (() => {
  const FEW = 5;             // ticks on an axis of decades
  const ROOM = 1.05;         // above the highest bin

  /** @type {(share: number) => string} */
  const percent = (share) => `${share < 0.001 && share > 0 ? "<0.1" : (100 * share).toFixed(share < 0.1 ? 1 : 0)}%`;

  /**
   * A histogram's outline: each bin is flat between its edges.
   * @param {Wire.Histogram} found
   * @param {Numbers} heights
   */
  function outline({ low, width }, heights) {
    const x = heights.flatMap((_, i) => [low + i * width, low + (i + 1) * width]);
    return { x, y: heights.flatMap((height) => [height, height]) };
  }

  /**
   * Where the bins are that hold something, with all of the prediction that can be seen.
   * @param {Wire.Histogram} found
   */
  function reach({ low, width, counts, predicted }) {
    const held = counts.flatMap((count, i) => (count || (predicted?.[i] || 0) > 1e-3 ? [i] : []));
    return held.length ? [low + held[0] * width, low + (held[held.length - 1] + 1) * width] : [];
  }

  /** @type {(found: Wire.Histogram) => number} */
  const total = ({ counts, zeros, nonfinite }) => counts.reduce((sum, count) => sum + count, zeros + nonfinite);

  /**
   * What is in no bin, and what the dashed line is.
   * @param {Wire.Histogram} found
   */
  function apart(found) {
    const all = total(found) || 1;
    return [
      found.zeros ? `${percent(found.zeros / all)} exactly 0` : "",
      found.nonfinite ? `${percent(found.nonfinite / all)} no number` : "",
      found.predicted ? "- - predicted at initialization" : "",
    ].filter(Boolean).join(" · ");
  }

  /**
   * Only the shape is shown: the highest bin fills the chart.
   * @param {Wire.Chart} chart
   * @param {Wire.Inside | null} layer
   */
  function histogram({ key, quantity, empty }, layer) {
    const found = layer?.histograms[quantity];
    dom.text(`none-${key}`, found ? "" : empty);
    if (!found) {
      stage.put(key, [{ x: [], y: [] }, { x: [], y: [] }]);
      dom.text(`hint-${key}`, "");
      return;
    }
    const all = total(found) || 1;
    const shares = found.counts.map((count) => count / all);
    const logarithmic = quantity === "signal";
    /** @type {(line: {x: number[], y: Numbers}) => {x: number[], y: Numbers}} */
    const placed = ({ x, y }) => ({ x: logarithmic ? x.map((at) => 10 ** at) : x, y });
    const customdata = shares.flatMap((share) => [percent(share), percent(share)]);
    stage.put(key, [
      { ...placed(outline(found, shares)), customdata },
      placed(outline(found, found.predicted || [])),
    ], {
      xaxis: logarithmic ? decades(key, found) : { range: stage.widened(key, axes.linear, reach(found)) },
      yaxis: { range: [0, ROOM * Math.max(...shares, ...(found.predicted || []).map(Number)) || 1] },
    });
    dom.text(`hint-${key}`, apart(found));
  }

  /**
   * @param {string} key
   * @param {Wire.Histogram} found
   */
  function decades(key, found) {
    const now = stage.widened(key, axes.logarithmic, reach(found).map((at) => 10 ** at));
    return axes.decades(now, FEW);
  }

  /**
   * Each unit's mean, the more amber the more saturated; a cross where it is dead.
   * @param {Wire.Chart} chart
   * @param {Wire.Inside | null} layer
   */
  function members({ key, empty }, layer) {
    const { mean, saturated, dead } = layer || { mean: [], saturated: [], dead: [] };
    const x = axes.numbers(mean.length);
    const lost = x.filter((unit) => dead[unit - 1]);
    const ends = saturated.map((share) => (share === null ? "" : `, ${percent(share)} saturated`));
    stage.put(key, [
      { x, y: mean, customdata: ends, marker: { color: saturated.map(Number) } },
      {
        x: lost, y: lost.map((unit) => mean[unit - 1]), text: lost.map(() => ""),
        hovertext: lost.map((unit) => `unit ${unit} is dead`), marker: { symbol: lost.map(() => "x-thin-open") },
      },
    ], {
      xaxis: { range: [0.5, Math.max(2, mean.length) + 0.5] },
      yaxis: { range: stage.widened(key, axes.linear, mean) },
    });
    dom.text(`none-${key}`, layer ? "" : empty);
    dom.text(`hint-${key}`, layer ? said(layer) : "");
  }

  /**
   * How many of its units are lost, and to what.
   * @param {Wire.Inside} layer
   */
  function said({ mean, saturated, dead }) {
    const few = (/** @type {number} */ count, /** @type {string} */ word) => (count ? `${count} ${word}` : "");
    return [
      `of ${mean.length}`,
      few(dead.filter(Boolean).length, "dead (×)"),
      few(saturated.filter((share) => (share || 0) > 0.5).length, "mostly saturated (amber)"),
      few(mean.filter((value) => value === null).length, "no number"),
    ].filter(Boolean).join(" · ");
  }

  return { histogram, members, apart, outline, reach };
})();
