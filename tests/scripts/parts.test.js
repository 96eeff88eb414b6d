"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { parts } = require("./load.js").load("formats", "axes", "parts");

const block = (name) => ["attn.q", "attn.k", "mlp.up"].map((layer) => `${name}.${layer}`);
const names = ["embed", ...Array.from({ length: 10 }, (_, i) => block(`blocks.${i}`)).flat(), "head"];
const model = { names, layers: names.length };
const all = parts.span(model, "");
const room = { width: 1000, height: 300, font: 13 };

test("a span is a part's layers, or all where there is no such part", () => {
  assert.deepEqual(all, { part: "", from: 1, to: 32 });
  assert.deepEqual(parts.span(model, "blocks.1"), { part: "blocks.1", from: 5, to: 7 });
  assert.deepEqual(parts.span(model, "blocks"), { part: "blocks", from: 2, to: 31 });
  assert.deepEqual(parts.span(model, "blocks.77"), all);
  assert.deepEqual(parts.span({ names: [], layers: 4 }, "blocks"), { part: "", from: 1, to: 4 });
});

test("a name that begins with another's is not within it", () => {
  const told = { names: ["layer1.0", "layer10.0", "layer1.1"], layers: 3 };
  assert.deepEqual(parts.span(told, "layer1"), { part: "layer1", from: 1, to: 3 });
  assert.deepEqual(parts.span(told, "layer10"), { part: "layer10", from: 2, to: 2 });
});

test("a tree has every part of a large model, outer before inner", () => {
  const tree = parts.tree(names).map(({ part }) => part);
  assert.deepEqual(tree.slice(0, 3), ["blocks", "blocks.0", "blocks.0.attn"]);
  assert.equal(tree.length, 1 + 10 + 10);
});

test("a small model, a chain, and parts called by turns have none", () => {
  assert.deepEqual(parts.tree(names.slice(0, 20)), []);
  assert.deepEqual(parts.tree(Array.from({ length: 30 }, (_, i) => `${i}`)), []);
  assert.deepEqual(parts.tree(Array.from({ length: 30 }, (_, i) => `${"ab"[i % 2]}.${i}`)), []);
});

test("blocks are as deep as tells few groups apart, and lie within what is in sight", () => {
  const found = parts.blocks(names, all);
  assert.deepEqual(found.map(({ part }) => part).slice(0, 4), [
    "embed", "blocks.0.attn", "blocks.0.mlp", "blocks.1.attn",
  ]);
  assert.deepEqual(parts.blocks(names, parts.span(model, "blocks.3")), [
    { part: "blocks.3.attn", from: 11, to: 12 }, { part: "blocks.3.mlp", from: 13, to: 13 },
  ]);
  assert.deepEqual(parts.blocks([], { part: "", from: 1, to: 5 }), []);
});

test("more than forty groups are told by what they share", () => {
  const many = Array.from({ length: 60 }, (_, i) => block(`blocks.${i}`)).flat();
  const found = parts.blocks(["embed", ...many], { part: "", from: 1, to: 181 });
  assert.deepEqual(found, [{ part: "embed", from: 1, to: 1 }, { part: "blocks", from: 2, to: 181 }]);
});

test("what is around a layer is a block, never a layer alone", () => {
  assert.deepEqual(parts.around(names, all, 3), { part: "blocks.0.attn", from: 2, to: 3 });
  assert.equal(parts.around(names, all, 1), undefined);
});

test("layers without names are numbered, the last called out, and no two ticks too near", () => {
  const axis = parts.across({ names: [], layers: 21 }, { part: "", from: 1, to: 21 }, { ...room, ticks: 12 });
  assert.deepEqual(axis.range, [0.4, 21.6]);
  assert.deepEqual(axis.ticktext.slice(0, 3), ["1", "3", "5"]);
  assert.equal(axis.ticktext.at(-1), "out");
  assert.equal(axis.ticktext[0], "1");
  assert.ok(axis.tickvals.length <= 13);
  assert.ok(axis.tickvals.slice(1).every((at, i) => at > axis.tickvals[i] + 1));
});

test("names stand where all fit, without what all share", () => {
  const seen = parts.span(model, "blocks.3");
  const axis = parts.across(model, seen, { ...room, ticks: 12 });
  assert.deepEqual(axis.ticktext, ["q", "k", "mlp.up"]);
  assert.deepEqual(axis.tickvals, [11, 12, 13]);
});

test("names that don't fit give way to numbers where blocks tell them", () => {
  const axis = parts.across(model, all, { ...room, width: 300, ticks: 12 });
  assert.ok(axis.ticktext.slice(0, -1).every((text) => /^\d+$/.test(text)));
});

test("labels above stay within the chart and don't overlap", () => {
  const { lines, labels } = parts.above(names, all, { width: 600, font: 11 });
  const letter = (0.6 * 11 * (32 + 0.2)) / 600;
  assert.equal(lines.length, parts.blocks(names, all).length - 1);
  assert.ok(labels.length > 2);
  labels.forEach(({ at, text }, i) => {
    const half = (text.length * letter) / 2;
    assert.ok(at - half >= 0.4 - 1e-9 && at + half <= 32.6 + 1e-9, text);
    if (i) assert.ok(at - half >= labels[i - 1].at + (labels[i - 1].text.length * letter) / 2, text);
  });
});

test("beside the heatmap long names end with what tells them apart", () => {
  const long = ["a.very.long.name.that.goes.on", "b"];
  const axis = parts.beside(long, { part: "", from: 1, to: 2 }, { width: 400, height: 300, font: 12 });
  assert.deepEqual(axis.ticktext, ["…g.name.that.goes.on", "b"]);
  assert.deepEqual(axis.tickvals, [1, 2]);
});

test("spans are the same, and hold their ends", () => {
  assert.ok(parts.same({ from: 1, to: 2 }, { part: "x", from: 1, to: 2 }));
  assert.ok(!parts.same({ from: 1, to: 2 }, { from: 1, to: 3 }));
  assert.deepEqual([0, 1, 2, 3].map((layer) => parts.holds({ from: 1, to: 2 }, layer)), [false, true, true, false]);
});
