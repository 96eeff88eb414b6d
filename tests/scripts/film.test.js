"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { film } = require("./load.js").load("film");

test("a change says only what is new", () => {
  const before = { step: 1, loss: [1], rows: [[1], [2]], said: [{ rule: "a", n: 1 }], none: null };
  const change = { step: 2, loss: { "+": [3] }, rows: { "|": [[3], [4]] }, said: { 0: { n: 5 } }, none: { "=": {} } };
  assert.deepEqual(film.grown(before, change),
    { step: 2, loss: [1, 3], rows: [[1, 3], [2, 4]], said: [{ rule: "a", n: 5 }], none: {} });
  assert.deepEqual(before.loss, [1], "what was stays as it was");
});

const packed = {
  steps: [1, 5], metrics: [{ a: [0] }, { a: [1] }, {}, {}],
  views: { signal: [{ view: "signal", now: { step: 0 } }, { now: { step: 1 } }, { now: { step: 5 } }, {}] },
  learned: [{ step: 0 }, { step: 4 }],
  lives: [{ steps: [0, 2, 4], dead: ["010", "110"] }],
};

test("a shot has the metrics that all views share", () => {
  const run = film.unwind(packed);
  assert.deepEqual(run.shot("signal", 2).now, { step: 5, metrics: { a: [1] } });
  assert.equal(run.shot("no such view", 0).view, "signal");
});

test("what is not yet is not shown", () => {
  const run = film.unwind(packed);
  assert.equal(run.learned(3).step, 0);
  assert.equal(run.learned(4).step, 4);
  assert.deepEqual(run.lives(1, 3), { steps: [0, 2], dead: [[0, 1], [1, 1]], died: 2, revived: 0 });
  assert.deepEqual(run.lives(1, 9), { steps: [0, 2, 4], dead: [[0, 1, 0], [1, 1, 0]], died: 2, revived: 2 });
  assert.deepEqual(run.lives(7, 9), { steps: [], dead: [], died: 0, revived: 0 });
});
