"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { groups, network, parts } = require("./load.js").load(
  "formats", "axes", "parts", "groups", "traces", "network");

const now = {
  part: "", names: ["net.wte", "net.h.0–1", "net.h.2–3", "head"], first: [1, 2, 12, 22], last: [1, 11, 21, 22],
  lost: [0, 0, 1, 0], anchor: 10, metrics: { signal: [1, 10, 100, 5] },
  spread: { signal: { low: [null, 5, 50, null], high: [null, 20, 200, null], least: [null, 0, null, null],
    most: [null, null, 9e9, null] } },
};
const frame = { names: [], layers: 22, word: "layer", now };
const opened = { ...now, part: "net.h.0–1", names: ["net.h.0.a", "net.h.1.a", "head"], first: [2, 3, 22],
  last: [2, 3, 22] };
const positive = (values) => values.map((value) => (value > 0 ? value : null));

test("layers of a small model stand by themselves", () => {
  const small = { metrics: {}, marks: [] };
  assert.deepEqual(groups.at(small, 3), [1, 2, 3]);
  assert.deepEqual([groups.all(small), groups.around(small, 2), groups.place(small, 2)], [[], undefined, 1]);
});

test("a group stands in the middle of its layers, and holds them", () => {
  assert.deepEqual(groups.at(now, 4), [1, 6.5, 16.5, 22]);
  assert.deepEqual(groups.seen(now), { part: "", from: 1, to: 22 });
  assert.deepEqual([1, 2, 11, 12, 22].map((layer) => groups.place(now, layer)), [0, 1, 1, 2, 3]);
  assert.deepEqual([1, 6.5, 21].map((at) => groups.around(now, at)?.part), [undefined, "net.h.0–1", "net.h.2–3"]);
  assert.deepEqual(groups.called(frame)[1], "layers 2–11 net.h.0–1");
  assert.equal(groups.named(frame).get(22), "layer 22 head");
});

test("what is open is in sight, the output beyond it is not", () => {
  assert.deepEqual(groups.seen(opened), { part: "net.h.0–1", from: 2, to: 3 });
  assert.deepEqual(groups.all(opened).map(({ text }) => text), ["0.a", "1.a"]);
});

test("a band is drawn, and what lies far from its group; zeros are marked", () => {
  const [low, high, far] = groups.spread(frame, "signal", now.metrics.signal, positive);
  assert.deepEqual([low.y, high.y], [[null, 5, 50, null], [null, 20, 200, null]]);
  assert.deepEqual([far.x, far.y, far.customdata], [[16.5], [9e9], ["one of layers 12–21 net.h.2–3"]]);
  assert.deepEqual(groups.least(now, "signal"), [1, 0, 100, 5]);
});

test("names above and beside charts are the groups'", () => {
  const room = { width: 2000, height: 400, font: 11 };
  const told = parts.above([], groups.seen(now), room, groups.all(now)).labels;
  assert.deepEqual(told.map(({ part, text }) => [part, text]).slice(1, 3),
    [["net.h.0–1", "h.0–1"], ["net.h.2–3", "h.2–3"]]);
});

test("a box is no number where one of its group is none", () => {
  assert.deepEqual(network.decades(now.metrics.signal, now), [-1, 0, null, 0]);
});
