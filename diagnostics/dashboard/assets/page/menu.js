// @ts-check
/* The menu of parts, for models that have several. */
"use strict";

const menu = (() => {
  const LARGE = 60;          // layers of a model whose heatmap comes first

  /**
   * @param {Wire.Frame} frame
   * @param {Part} seen
   */
  function show({ names, layers, now }, seen) {
    const all = groups.folded(now) ? offered(now) : parts.tree(names);
    dom.$("parts").hidden = !all.length;
    document.body.classList.toggle("large", all.length > 0 && layers > LARGE);
    dom.fill("part", all.length ? [{ part: "", from: 1, to: layers }, ...all] : [], (one) => option(one, all, layers));
    dom.$("part", HTMLSelectElement).value = (all.find((one) => parts.same(one, seen)) || { part: "" }).part;
    dom.$("whole").hidden = !seen.part;
    const large = groups.all(now).filter(({ from, to }) => from < to);
    dom.$("parts-hint").hidden = !(large.length || parts.blocks(names, seen).length);
  }

  /**
   * What of a large model can be opened, and what is open.
   * @param {Wire.Folded} now
   * @returns {Part[]}
   */
  function offered(now) {
    const open = now.part ? [groups.seen(now)] : [];
    return [...open, ...groups.all(now).filter(({ from, to }) => from < to)];
  }

  /**
   * A part, as far to the right as it lies deep.
   * @param {Part} one
   * @param {Part[]} all
   * @param {number} layers
   */
  function option(one, all, layers) {
    const depth = all.filter(({ from, to }) => from <= one.from && one.to <= to).length - 1;
    return new Option(one.part ? "\u2003".repeat(depth) + one.part : `all ${layers} layers`, one.part);
  }

  return { show };
})();
