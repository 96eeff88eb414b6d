"use strict";

const { test } = require("node:test");
const assert = require("node:assert");
const { load } = require("./load");

const { lanes } = load("formats", "axes", "traces", "lanes");

/* A chart whose figure has room for eight lines, and what was put into it. */
function drawn(own) {
  const told = { row: { hidden: false }, style: {}, put: null };
  const setProperty = (name, value) => { told.style[name] = value; };
  globalThis.stage = {
    plot: () => ({ closest: () => told.row, style: { setProperty } }),
    count: () => 8, letters: (size) => size,
    put: (key, lines, layout) => { told.put = { lines, layout }; },
  };
  const frame = { steps: 100, newest: 3, now: { step: 2 } };
  lanes.draw({ key: "told" }, { frame, history: { steps: [1, 2, 3], own } });
  return told;
}

const own = (name, values) => ({ name, steps: values.map((_, i) => i + 1), values });

test("a run that told nothing has no such chart", () => {
  const { row, put } = drawn([]);
  assert.ok(row.hidden && put === null);
});

test("each number has a lane of its own, the first on top, from its least to its most", () => {
  const { row, put: { lines, layout }, style } = drawn([own("reward", [-200, 10, null]), own("kl", [0.1, 0.1, 0.1])]);
  assert.ok(!row.hidden && style["--lanes"] === "2");
  const [reward, kl] = lines;
  assert.ok(reward.y[0] > 1 && reward.y[0] < reward.y[1] && reward.y[1] < 2 && reward.y[2] === null);
  assert.ok(kl.y.every((y) => y === kl.y[0] && y > 0 && y < 1));
  assert.deepEqual(reward.customdata, [-200, 10, null]);
  assert.deepEqual(lines.slice(2), new Array(6).fill({ x: [], y: [] }));
  assert.deepEqual(layout.yaxis.ticktext, ["0.1", "10", "−200"]);
  assert.deepEqual(layout.annotations.map(({ text }) => text), ["reward  10", "kl  0.1"]);
  assert.equal(layout.shapes[0].x0, 2);
});

test("what is no number anywhere has its name and no line", () => {
  const { put: { lines, layout } } = drawn([own("reward", [null, null])]);
  assert.deepEqual(lines[0].y, [null, null]);
  assert.deepEqual(layout.annotations.map(({ text }) => text), ["reward"]);
});
