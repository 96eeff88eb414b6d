"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { pacing } = require("./load.js").load("pacing");

/** The screen: what waits for its being painted. */
const next = [];
globalThis.requestAnimationFrame = (act) => next.push(act);
const paint = () => next.splice(0).forEach((act) => act());

test("what comes first is done at once, all else once the screen is painted", () => {
  const done = [];
  const hear = pacing.of((item) => done.push(item));
  hear(1);
  assert.deepEqual(done, [1]);
  hear(2);
  hear(3);
  assert.deepEqual(done, [1]);
  paint();
  assert.deepEqual(done, [1, 2, 3]);
  hear(4);
  assert.deepEqual(done, [1, 2, 3]);
  paint();
  assert.deepEqual(done, [1, 2, 3, 4]);
});

test("where nothing comes nothing is asked of the screen", () => {
  const done = [];
  const hear = pacing.of((item) => done.push(item));
  hear(1);
  paint();
  assert.deepEqual(next, []);
  hear(2);
  assert.deepEqual(done, [1, 2]);
});

test("what fails spoils no later picture", () => {
  const done = [];
  const hear = pacing.of((item) => { if (item === 1) throw new Error("no"); done.push(item); });
  assert.throws(() => hear(1), /no/);
  hear(2);
  paint();
  assert.deepEqual(done, [2]);
});
