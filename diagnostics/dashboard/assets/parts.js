/* What layers are called, and the parts of a model that they make up: neighbours whose paths begin alike. */
"use strict";

window.parts = (() => {
  const MOST = 40;           // blocks told apart at once
  const FEW = 20;            // layers that need no parts
  const LETTER = 0.6;        // of the font's size
  const LONGEST = 20;        // letters of a name beside a heatmap, and
  const SHARE = 0.03;        // of its width, a letter

  const range = (from, to) => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
  const size = ({ from, to }) => to - from + 1;
  const same = (one, other) => one.from === other.from && one.to === other.to;
  const within = (part, name) => name.startsWith(`${part}.`);
  const beyond = (part, name) => (part && within(part, name) ? name.slice(part.length + 1) : name);

  /* The layers in sight: a part's, from its first to its last, or all. */
  function span({ names, layers }, part) {
    const inside = part ? range(1, layers).filter((l) => within(part, (names || [])[l - 1] || "")) : [];
    return inside.length ? { part, from: inside[0], to: inside[inside.length - 1] } : { part: "", from: 1, to: layers };
  }

  /* Every part of a large model whose layers are called one after the other, outer before inner. */
  function tree(names) {
    const found = new Map();
    names.forEach((name, i) => {
      const words = name.split(".").slice(0, -1);
      words.forEach((_, depth) => {
        const part = words.slice(0, depth + 1).join(".");
        const { from, layers } = found.get(part) || { from: i + 1, layers: 0 };
        found.set(part, { part, from, to: i + 1, layers: layers + 1 });
      });
    });
    const parts = [...found.values()].filter((p) => p.layers > 1 && p.layers < names.length && p.layers === size(p));
    const told = parts.filter((p, i) => !(parts[i + 1] && same(p, parts[i + 1])));
    return names.length > FEW && told.length > 1 ? told : [];
  }

  /* The blocks in sight: as long a beginning of paths as tells few groups apart. */
  function blocks(names, { part, from, to }) {
    if (!names.length) return [];
    const first = part ? part.split(".").length + 1 : 1;
    const deepest = Math.max(...range(from, to).map((l) => (names[l - 1] || "").split(".").length));
    const found = range(first, deepest).map((depth) => grouped(names, from, to, depth));
    return found.filter((groups) => groups.length > 1 && groups.length <= MOST && groups.some((group) => size(group) > 1)).pop() || [];
  }

  function grouped(names, from, to, depth) {
    const groups = [];
    for (const l of range(from, to)) {
      const part = names[l - 1].split(".").slice(0, depth).join(".");
      const last = groups[groups.length - 1];
      if (last && last.part === part) last.to = l;
      else groups.push({ part, from: l, to: l });
    }
    return groups;
  }

  /* Labels that fit beside each other, the first ones first. */
  function thinned(labels, extent) {
    let end = -Infinity;
    return labels.filter((label) => {
      const half = extent(label) / 2;
      if (label.at - half < end) return false;
      end = label.at + half;
      return true;
    });
  }

  const axis = (seen, labels) => ({ range: [seen.from - 0.6, seen.to + 0.6], tickvals: labels.map(({ at }) => at), ticktext: labels.map(({ text }) => text) });

  /* The axis of layers: names where they fit, else numbers. */
  function across({ names, layers }, seen, { width, font, ticks }) {
    const letters = (count) => ((count + 1) * LETTER * font * (size(seen) + 0.2)) / width;
    const most = Math.min(ticks, width / (5 * LETTER * font));
    if (!names || !names.length) return numbered(seen, layers, most);
    const groups = blocks(names, seen);
    const block = (l) => groups.find(({ from, to }) => from <= l && l <= to && from < to);
    const labels = range(seen.from, seen.to).map((l) => ({ at: l, text: beyond((block(l) || seen).part, names[l - 1]) }));
    const fit = thinned(labels, ({ text }) => letters(text.length));
    return groups.length && fit.length < labels.length ? numbered(seen, layers, most) : axis(seen, fit);
  }

  function numbered(seen, layers, ticks) {
    const { from, to } = seen;
    const every = Math.ceil(size(seen) / ticks);
    const far = 0.6 * every;
    const numbers = range(from, to - 1).filter((l) => l === from || (l % every === 0 && l - from > far && to - l > far));
    return axis(seen, [...numbers, to].map((l) => ({ at: l, text: l === layers ? "out" : String(l) })));
  }

  /* Above the chart of layers: the blocks' names, and lines between blocks. */
  function above(names, seen, { width, font }) {
    const groups = blocks(names, seen);
    const letters = (text) => (text.length * LETTER * font * (size(seen) + 0.2)) / width;
    const [left, right] = [seen.from - 0.6, seen.to + 0.6];
    const labels = groups.map((group) => {
      const text = beyond(seen.part, group.part), half = letters(text) / 2;
      return { ...group, text, at: Math.max(left + half, Math.min(right - half, (group.from + group.to) / 2)) };
    });
    return { lines: groups.slice(1).map(({ from }) => from - 0.5), labels: thinned(labels, ({ text }) => letters(text) + letters("  ")) };
  }

  /* Beside the heatmap: names of blocks, or of layers where there are no blocks. */
  function beside(names, seen, { width, height, font }) {
    const most = Math.min(LONGEST, Math.floor((SHARE * width) / LETTER));
    const groups = blocks(names, seen);
    const items = groups.length ? groups : range(seen.from, seen.to).map((l) => ({ part: names[l - 1], from: l, to: l }));
    const labels = items.map(({ part, from, to }) => ({ at: (from + to) / 2, text: shortened(beyond(seen.part, part), most) }));
    return axis(seen, thinned(labels, () => (1.3 * font * size(seen)) / height));
  }

  const shortened = (text, most) => (text.length > most ? `…${text.slice(1 - most)}` : text);

  /* The innermost block of a layer that can be looked into. */
  const around = (names, seen, layer) => blocks(names, seen).find(({ from, to }) => from <= layer && layer <= to && from < to);

  return { span, tree, blocks, above, across, beside, around, same };
})();
