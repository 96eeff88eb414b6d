"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { alongside } = require("./load.js").load("formats", "axes", "parts", "groups", "traces", "alongside");

const now = { step: 1 };
const chosen = (run) => ({ run, name: run, ghost: false, now });
const frame = (...runs) => ({
  name: "own", label: "own",
  beside: [{ run: "b", name: "before", ghost: true, now }, ...runs.map(chosen)],
});

test("a run keeps its line while it is compared, and leaves it to the next", () => {
  alongside.settle(frame("x", "y", "z"));
  assert.deepEqual(["x", "y", "z", "b"].map(alongside.place), [0, 1, 2, -1]);
  alongside.settle(frame("z", "y"));
  alongside.settle(frame("y", "w", "z"));
  assert.deepEqual(["w", "y", "z", "x"].map(alongside.place), [0, 1, 2, -1]);
});

test("each place has a line, empty where nothing stands in it", () => {
  const told = frame("p", "q");
  alongside.settle(told);
  const lines = alongside.lines(told, [[9], [1, 2], [3]], (values, name) => alongside.profile(values, name));
  assert.deepEqual(lines.map(({ x, y, customdata }) => [x, y, customdata]), [
    [[1, 2], [1, 2], ["p", "p"]], [[1], [3], ["q"]], [[], [], []], [[], [], []],
  ]);
  assert.equal(alongside.ghost(told).run, "b");
});
