"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { groups, traces } = require("./load.js").load("formats", "axes", "parts", "groups", "traces");

const room = { width: 500, height: 200, font: 13 };
const signal = { metric: "signal", predicted: "decades" };
const frame = {
  names: ["a", "", "c"], layers: 3, word: "layer", away: false,
  now: { metrics: { signal: [1, 2, 4] } },
  theory: { decades: [-2, 0], spread: [0.5, 0], activation_std: [0.1, 0.2] },
};

test("only what has a logarithm is drawn on a logarithmic axis", () => {
  assert.deepEqual(traces.positive([1, 0, -1, null, Infinity, 1e-45]), [1, null, null, null, null, 1e-45]);
});

test("layers are counted from one", () => {
  assert.deepEqual(traces.line([7, null]), { x: [1, 2], y: [7, null] });
  assert.deepEqual(traces.inside({ from: 2, to: 3 }, traces.line([1, 2, 3, 4])), [2, 3]);
  assert.deepEqual(groups.called(frame), ["layer 1 a", "layer 2", "layer 3 c"]);
  assert.deepEqual(groups.called({ names: [], layers: 2, now: null }), ["layer 1", "layer 2"]);
});

test("dots shrink before they hide each other, and can always be seen", () => {
  assert.equal(traces.dot(room, 10, 9), 9);
  assert.equal(traces.dot(room, 90, 9), 5);
  assert.equal(traces.dot(room, 900, 9), 3);
});

test("the predicted line hangs at the last hidden layer, its band is two deviations wide", () => {
  const [low, high, line] = traces.predicted(frame, signal);
  assert.deepEqual(line, [0.02, 2]);
  assert.ok(Math.abs(low[0] - 0.002) < 1e-12 && Math.abs(high[0] - 0.2) < 1e-12);
  assert.equal(low[1], high[1]);
});

test("theory is silent where it has no say", () => {
  const none = [[], [], []];
  assert.deepEqual(traces.predicted(frame, { metric: "signal", predicted: null }), none);
  assert.deepEqual(traces.predicted({ ...frame, away: true }, signal), none);
  assert.deepEqual(traces.predicted({ ...frame, theory: { why_not: "no" } }, signal), none);
  for (const anchor of [0, null]) {
    assert.deepEqual(traces.predicted({ ...frame, now: { metrics: { signal: [1, anchor, 4] } } }, signal), none);
  }
});

test("a prediction of activations needs no anchor", () => {
  const view = { metric: "std", predicted: "activation_std" };
  assert.deepEqual(traces.predicted(frame, view), [[], [], [0.1, 0.2]]);
});

test("zeros lie at an axis' foot, what is no number at its head", () => {
  const found = traces.marked(frame, { from: 1, to: 3 }, [1, 0, 3], [-4, 0], room);
  assert.deepEqual(found.x, [1, 3]);
  assert.ok(found.y[0] > 1e-4 && found.y[0] < 1e-3 && found.y[1] < 1 && found.y[1] > 0.1);
  assert.deepEqual(found.text, ["0", "NaN / ∞"]);
  assert.deepEqual(found.hovertext, ["layer 1 a: 0", "layer 3 c: NaN / ∞"]);
  assert.deepEqual(found.textposition, ["top right", "bottom left"]);
  assert.deepEqual(found.marker.symbol, ["circle-open", "x-thin-open"]);
});

test("marks in a row say it once, and those out of sight not at all", () => {
  const found = traces.marked(frame, { from: 2, to: 3 }, [2, 2, 2], [-4, 0], room);
  assert.deepEqual([found.x, found.text], [[2, 3], ["below float range", ""]]);
  assert.deepEqual(traces.zeros([0, null, 1e-9]), [1, 0, 0]);
});

test("blocks are told above the chart, and those of several layers can be clicked", () => {
  const names = ["a.0", "a.1", "b.0"];
  const { shapes, annotations } = traces.blocks(names, { part: "", from: 1, to: 3 }, room, "grey");
  assert.deepEqual(shapes.map(({ x0, x1, line }) => [x0, x1, line.color]), [[2.5, 2.5, "grey"]]);
  assert.deepEqual(annotations.map(({ text, captureevents }) => [text, captureevents]), [["a", true], ["b", false]]);
});

test("changes while training are marked where they were made; the rest of the events is not", () => {
  const events = [
    { step: 3, kind: "set", data: { lr: 0.1, clip: "norm" } },
    { step: 5, kind: "paused", data: {} },
    { step: 9, kind: "stopped early", data: {} },
  ];
  const { shapes, annotations } = traces.changes(events, { now: { step: 12 }, newest: 12 });
  assert.deepEqual(shapes.map(({ x0 }) => x0), [3, 9]);
  assert.deepEqual(annotations.map(({ text }) => text), ["lr 0.1, clip norm", "stopped early"]);
});

test("a step that is not the newest is marked in the charts of the run", () => {
  assert.deepEqual(traces.cursor({ now: { step: 7 }, newest: 12 }).map(({ x0 }) => x0), [7]);
  assert.deepEqual(traces.cursor({ now: null, newest: 0 }), []);
  assert.deepEqual(traces.changes([], { now: { step: 7 }, newest: 12 }).shapes.length, 1);
});

test("clipping says how often and how far the gradient was turned", () => {
  const clipping = { method: "norm", share: 0.25, angle: null };
  assert.equal(traces.clipped(clipping, []), "25% of steps clipped");
  assert.match(traces.clipped({ ...clipping, angle: 12.34 }, []), /· turned by 12\.3°$/);
});

test("without clipping there is nothing to say, unless it was switched on meanwhile", () => {
  const off = { method: "none", share: 0, angle: null };
  assert.match(traces.clipped(off, []), /^off/);
  assert.match(traces.clipped(off, [{ kind: "set", data: { lr: 1 } }]), /^off/);
  assert.match(traces.clipped(off, [{ kind: "set", data: { clip: "norm" } }]), /0% of steps clipped/);
});

test("deaths are counted, and those who came back", () => {
  assert.equal(traces.deaths({ died: 0, revived: 0 }), "nobody has died");
  assert.equal(traces.deaths({ died: 3, revived: 0 }), "3 deaths");
  assert.equal(traces.deaths({ died: 3, revived: 2 }), "3 deaths, 2 came back");
});
