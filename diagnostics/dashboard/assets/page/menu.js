// @ts-check
/* The menu of parts, for models that have several. */
"use strict";

const menu = (() => {
  const LARGE = 60;          // layers of a model whose heatmap comes first

  /**
   * @param {Wire.Frame} frame
   * @param {Part} seen
   */
  function show({ names, layers }, seen) {
    const all = parts.tree(names);
    dom.$("parts").hidden = !all.length;
    document.body.classList.toggle("large", all.length > 0 && layers > LARGE);
    dom.fill("part", all.length ? [{ part: "", from: 1, to: layers }, ...all] : [], (one) => option(one, all, layers));
    dom.$("part", HTMLSelectElement).value = (all.find((one) => parts.same(one, seen)) || { part: "" }).part;
    dom.$("whole").hidden = !seen.part;
    dom.$("parts-hint").hidden = !parts.blocks(names, seen).length;
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
