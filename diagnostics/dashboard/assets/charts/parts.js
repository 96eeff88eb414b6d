// @ts-check
/* What layers are called, and the parts of a model that they make up: neighbours whose paths begin alike. */
"use strict";

/**
 * @typedef {{from: number, to: number}} Span layers, both ends among them
 * @typedef {Span & {part: string, text?: string}} Part the layers whose paths begin with a part's; all for ""
 * @typedef {{at: number, text: string}} Label
 */

const parts = (() => {
  const MOST = 40;           // blocks told apart at once
  const FEW = 20;            // layers that need no parts
  const LETTER = 0.6;        // of the font's size
  const LONGEST = 20;        // letters of a name beside a heatmap, and
  const SHARE = 0.03;        // of its width, a letter

  /** @type {(from: number, to: number) => number[]} */
  const range = (from, to) => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
  /** @type {(span: Span) => number} */
  const size = ({ from, to }) => to - from + 1;
  /** @type {(one: Span, other: Span) => boolean} */
  const same = (one, other) => one.from === other.from && one.to === other.to;
  /** @type {(part: string, name: string) => boolean} */
  const within = (part, name) => name.startsWith(`${part}.`);
  /** @type {(part: string, name: string) => string} */
  const beyond = (part, name) => (part && within(part, name) ? name.slice(part.length + 1) : name);
  /** @type {(span: Span, layer: number) => boolean} */
  const holds = ({ from, to }, layer) => from <= layer && layer <= to;

  /**
   * The layers in sight: a part's, from its first to its last, or all.
   * @param {{names: string[], layers: number}} frame
   * @param {string} part
   * @returns {Part}
   */
  function span({ names, layers }, part) {
    const inside = part ? range(1, layers).filter((l) => within(part, names[l - 1] || "")) : [];
    if (!inside.length) return { part: "", from: 1, to: layers };
    return { part, from: inside[0], to: inside[inside.length - 1] };
  }

  /**
   * Every part of a large model whose layers are called one after the other, outer before inner.
   * @param {string[]} names
   * @returns {Part[]}
   */
  function tree(names) {
    const several = [...counted(names).values()].filter(({ layers }) => layers > 1 && layers < names.length);
    const whole = several.filter((p) => p.layers === size(p));
    const told = whole.filter((p, i) => !(whole[i + 1] && same(p, whole[i + 1])));
    return names.length > FEW && told.length > 1 ? told : [];
  }

  /**
   * Parts with how many layers they have: fewer than they span where others are called between.
   * @param {string[]} names
   */
  function counted(names) {
    /** @type {Map<string, Part & {layers: number}>} */
    const found = new Map();
    names.forEach((name, i) => {
      const words = name.split(".").slice(0, -1);
      words.forEach((_, depth) => {
        const part = words.slice(0, depth + 1).join(".");
        const { from, layers } = found.get(part) || { from: i + 1, layers: 0 };
        found.set(part, { part, from, to: i + 1, layers: layers + 1 });
      });
    });
    return found;
  }

  /**
   * The blocks in sight: as long a beginning of paths as tells few groups apart.
   * @param {string[]} names
   * @param {Part} seen
   * @returns {Part[]}
   */
  function blocks(names, { part, from, to }) {
    if (!names.length) return [];
    const first = part ? part.split(".").length + 1 : 1;
    const deepest = Math.max(...range(from, to).map((l) => (names[l - 1] || "").split(".").length));
    /** @type {(groups: Part[]) => boolean} */
    const few = (groups) => groups.length > 1 && groups.length <= MOST && groups.some((group) => size(group) > 1);
    return range(first, deepest).map((depth) => grouped(names, from, to, depth)).filter(few).pop() || [];
  }

  /**
   * Neighbours whose paths begin with the same words.
   * @param {string[]} names
   * @param {number} from
   * @param {number} to
   * @param {number} depth in words
   * @returns {Part[]}
   */
  function grouped(names, from, to, depth) {
    /** @type {Part[]} */
    const groups = [];
    for (const l of range(from, to)) {
      const part = names[l - 1].split(".").slice(0, depth).join(".");
      const last = groups[groups.length - 1];
      if (last && last.part === part) last.to = l;
      else groups.push({ part, from: l, to: l });
    }
    return groups;
  }

  /**
   * Labels that fit beside each other, the first ones first.
   * @template {Label} T
   * @param {T[]} labels
   * @param {(label: T) => number} extent in layers
   * @returns {T[]}
   */
  function thinned(labels, extent) {
    let end = -Infinity;
    return labels.filter((label) => {
      const half = extent(label) / 2;
      if (label.at - half < end) return false;
      end = label.at + half;
      return true;
    });
  }

  /**
   * @param {Span} seen
   * @param {Label[]} labels
   * @returns {{range: Reach, tickvals: number[], ticktext: string[]}}
   */
  const axis = ({ from, to }, labels) =>
    ({ range: [from - 0.6, to + 0.6], tickvals: labels.map(({ at }) => at), ticktext: labels.map(({ text }) => text) });

  /**
   * How many layers wide a text is.
   * @param {Span} seen
   * @param {{width: number, font: number}} room
   * @param {number} letters
   */
  const extent = (seen, { width, font }, letters) => (letters * LETTER * font * (size(seen) + 0.2)) / width;

  /**
   * The axis of layers: names where they fit, else numbers.
   * @param {{names: string[], layers: number}} frame
   * @param {Part} seen
   * @param {Room & {ticks: number}} room
   */
  function across({ names, layers }, seen, room) {
    const most = Math.min(room.ticks, room.width / (5 * LETTER * room.font));
    if (!names.length) return numbered(seen, layers, most);
    const groups = blocks(names, seen);
    /** @type {(l: number) => Part | undefined} */
    const block = (l) => groups.find((group) => holds(group, l) && size(group) > 1);
    /** @type {(l: number) => string} */
    const name = (l) => beyond((block(l) || seen).part, names[l - 1]);
    const labels = range(seen.from, seen.to).map((l) => ({ at: l, text: name(l) }));
    const fit = thinned(labels, ({ text }) => extent(seen, room, text.length + 1));
    return groups.length && fit.length < labels.length ? numbered(seen, layers, most) : axis(seen, fit);
  }

  /**
   * @param {Span} seen
   * @param {number} layers
   * @param {number} most ticks
   */
  function numbered(seen, layers, most) {
    const { from, to } = seen;
    const every = axes.round(Math.max(1, size(seen) / most));
    const far = 0.6 * every;
    const told = (/** @type {number} */ l) => (every === 2 ? l - from : l) % every === 0;
    const inner = range(from, to - 1).filter((l) => l === from || (told(l) && l - from > far && to - l > far));
    return axis(seen, [...inner, to].map((l) => ({ at: l, text: l === layers ? "out" : String(l) })));
  }

  /**
   * Above the chart of layers: the blocks' names, and lines between blocks.
   * @param {string[]} names
   * @param {Part} seen
   * @param {{width: number, font: number}} room
   * @param {Part[]} [large] the groups of a model that is shown in such
   */
  function above(names, seen, room, large = []) {
    const groups = large.length ? large : blocks(names, seen);
    const [left, right] = [seen.from - 0.6, seen.to + 0.6];
    const labels = groups.map((group) => {
      const text = named(group, seen), half = extent(seen, room, text.length) / 2;
      return { ...group, text, at: Math.max(left + half, Math.min(right - half, (group.from + group.to) / 2)) };
    });
    const fit = thinned(labels, ({ text }) => extent(seen, room, text.length + 2));
    return { lines: groups.length > MOST ? [] : groups.slice(1).map(({ from }) => from - 0.5), labels: fit };
  }

  /**
   * Beside the heatmap: names of blocks, or of layers where there are no blocks.
   * @param {string[]} names
   * @param {Part} seen
   * @param {Room} room
   * @param {Part[]} [large]
   */
  function beside(names, seen, { width, height, font }, large = []) {
    const most = Math.min(LONGEST, Math.floor((SHARE * width) / LETTER));
    const groups = large.length ? large.filter(({ from }) => holds(seen, from)) : blocks(names, seen);
    const layers = range(seen.from, seen.to).map((l) => ({ part: names[l - 1], from: l, to: l }));
    const labels = (groups.length ? groups : layers).map((one) =>
      ({ at: (one.from + one.to) / 2, text: shortened(named(one, seen), most) }));
    return axis(seen, thinned(labels, () => (1.3 * font * size(seen)) / height));
  }

  /** @type {(one: Part, seen: Part) => string} */
  const named = ({ part, text }, seen) => text ?? beyond(seen.part, part);
  /** @type {(text: string, most: number) => string} */
  const shortened = (text, most) => (text.length > most ? `…${text.slice(1 - most)}` : text);

  /**
   * The innermost block of a layer that can be looked into.
   * @param {string[]} names
   * @param {Part} seen
   * @param {number} layer
   */
  const around = (names, seen, layer) => blocks(names, seen).find((group) => holds(group, layer) && size(group) > 1);

  return { span, tree, blocks, beyond, above, across, beside, around, same, holds };
})();
