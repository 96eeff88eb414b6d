// @ts-check
/* Where layers stand on their axis: each by itself, or in the groups that a large model is shown in. */
"use strict";

/** @typedef {Wire.Layers | Wire.Folded | null} Values a step's, of a run */

const groups = (() => {
  /** @type {(step: Values) => step is Wire.Folded} */
  const folded = (step) => step !== null && "part" in step;

  /**
   * Where a step's values stand: in the middle of their layers.
   * @param {Values} step
   * @param {number} count of values
   */
  const at = (step, count) => (folded(step) ? step.first.map((first, i) => (first + step.last[i]) / 2)
    : axes.numbers(count)).slice(0, count);

  /**
   * The groups in sight, none of a model that is shown layer by layer. The output is sent whatever is open.
   * @param {Values} step
   * @returns {Part[]}
   */
  function all(step) {
    if (!folded(step)) return [];
    const { part, names, first, last } = step, stem = common(names);
    const told = names.map((name, i) =>
      ({ part: name, from: first[i], to: last[i], text: parts.beyond(stem, name) }));
    return part ? told.slice(0, -1) : told;
  }

  /**
   * All layers in sight.
   * @param {Wire.Folded} step
   * @returns {Part}
   */
  function seen(step) {
    const known = all(step);
    return { part: step.part, from: known[0].from, to: known[known.length - 1].to };
  }

  /**
   * The group that a layer is in; undefined where it is not in sight, or stands by itself.
   * @param {Values} step
   * @param {number} layer
   */
  const around = (step, layer) => all(step).find((one) => one.from < one.to && parts.holds(one, layer));

  /**
   * Which of a step's values is of a layer, from 0; −1 for none.
   * @param {Values} step
   * @param {number} layer
   */
  const place = (step, layer) => (folded(step)
    ? step.first.findIndex((first, i) => first <= layer && layer <= step.last[i]) : layer - 1);

  /**
   * What each value is of.
   * @param {{names: string[], layers: number, now: Values}} frame
   * @param {string} [word] what a layer is called
   */
  function called({ names, layers, now }, word = "layer") {
    if (!folded(now)) return axes.numbers(layers).map((l) => `${word} ${l}${names[l - 1] ? ` ${names[l - 1]}` : ""}`);
    return now.names.map((name, i) => `${word}${numbers({ from: now.first[i], to: now.last[i] })} ${name}`);
  }

  /**
   * What a large model's groups are called, by where they stand.
   * @param {{names: string[], layers: number, now: Values} | null} frame
   * @returns {Map<number, string>}
   */
  function named(frame) {
    if (!frame || !folded(frame.now)) return new Map();
    const names = called(frame);
    return new Map(at(frame.now, names.length).map((x, i) => [x, names[i]]));
  }

  /** @type {(span: Span) => string} */
  const numbers = ({ from, to }) => (from === to ? ` ${from}` : `s ${from}–${to}`);

  /**
   * What lies around the medians: most of each group as a band, and points for what is far beyond.
   * @param {Shown} frame
   * @param {string} metric
   * @param {Numbers} drawn of its values, those that are
   * @param {(values: Numbers) => Numbers} shown what an axis can show of them
   * @returns {Trace[]}
   */
  function spread(frame, metric, drawn, shown) {
    const { now } = frame, found = folded(now) && now.spread[metric];
    if (!found) return [{ x: [], y: [] }, { x: [], y: [] }, { x: [], y: [], customdata: [] }];
    const x = at(now, drawn.length), names = called(frame);
    const far = [found.least, found.most].flatMap((values) => shown(values.slice(0, x.length)).flatMap((value, i) =>
      (value === null ? [] : [{ x: x[i], y: value, name: names[i] }])));
    return [
      ...[found.low, found.high].map((values) => ({ x, y: shown(values.slice(0, x.length)) })),
      { x: far.map((one) => one.x), y: far.map((one) => one.y), customdata: far.map(({ name }) => `one of ${name}`) },
    ];
  }

  /**
   * Values, 0 where a group has one that is.
   * @param {Wire.Layers} now
   * @param {string} metric
   * @returns {Numbers}
   */
  function least(now, metric) {
    const values = now.metrics[metric] || [];
    const around = folded(now) ? now.spread[metric]?.least : null;
    return around ? values.map((value, i) => (around[i] === 0 ? 0 : value)) : values;
  }

  /**
   * What most names begin with: that says nothing beside others.
   * @param {string[]} names
   */
  function common(names) {
    const first = names[Math.floor(names.length / 2)].split(".").slice(0, -1);
    const alike = first.map((_, i) => first.slice(0, i + 1).join(".")).filter((part) =>
      2 * names.filter((name) => name.startsWith(`${part}.`)).length > names.length);
    return alike.pop() || "";
  }

  return { folded, at, place, all, seen, around, called, named, spread, least };
})();
