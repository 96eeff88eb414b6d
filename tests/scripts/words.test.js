"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { words } = require("./load.js").load("formats", "words");

const frame = {
  state: "running", watched: false, cost: "1.2% of step time", word: "layer", layers: 5, away: false, newest: 40,
  label: "relu", theory: { why_not: "", slope: -0.63 }, now: { step: 7, decades: [-1.5, 0] },
};
const signal = { hint: "" };

test("a state is told with its pace, and a watched run with its cost", () => {
  assert.equal(words.state(frame, 0), "training");
  assert.equal(words.state(frame, 99.6), "training · 100 steps/s");
  assert.equal(words.state({ ...frame, watched: true }, 3), "watching · 3 steps/s · 1.2% of step time");
  assert.equal(words.state({ ...frame, watched: true, state: "finished" }, 3), "finished · 1.2% of step time");
  assert.equal(words.state({ state: "unknown", run: "x", verdict: [] }, 0), "unknown run");
});

test("prediction stands beside measurement", () => {
  const later = "predicted 1/78 per 3 layers at initialization, measured 1/32 per 3 layers";
  assert.equal(words.slopes(frame, signal), later);
  const first = { ...frame, now: { ...frame.now, step: 1 } };
  assert.equal(words.slopes(first, signal), "predicted 1/78 per 3 layers, measured 1/32 per 3 layers");
  assert.equal(words.slopes({ ...frame, state: "preview" }, signal), words.slopes(first, signal));
});

test("what is no number is not measured as 0", () => {
  const unknown = { ...frame, now: { step: 7, decades: [null, 0] } };
  assert.match(words.slopes(unknown, signal), /at initialization, no number measured$/);
});

test("where there is no prediction its place says why", () => {
  assert.equal(words.slopes(frame, { hint: "over batch and units" }), "over batch and units");
  assert.equal(words.slopes({ ...frame, theory: { why_not: "no theory" } }, signal), "no theory");
  assert.match(words.slopes({ ...frame, away: true }, signal), /has left the initialization/);
  assert.match(words.slopes({ ...frame, layers: 2 }, signal), /one point a layer/);
});

test("a run in the list has a number, so that no two look alike", () => {
  const run = { number: 12, state: "finished", steps: 2000, best: 0.972, created: Date.now() / 1000 };
  assert.match(words.listed(run), /^#12 · finished · 2,000 steps · best 97\.2% · \d\d:\d\d$/);
  assert.match(words.listed({ ...run, best: null, created: 0 }), /^#12 · finished · 2,000 steps · 1 Jan \d\d:\d\d$/);
});

test("the scrubber says which step of how many", () => {
  assert.equal(words.step(frame, true), "step 7");
  assert.equal(words.step(frame, false), "step 7 of 40");
  assert.equal(words.step({ ...frame, state: "preview" }, true), "before training");
});

test("a diagnosis says since when, unless it began at once or tells its step itself", () => {
  const told = { rule: "vanishing", sentence: "It vanishes.", since_step: 12 };
  assert.equal(words.sentence(told), "It vanishes. Since step 12.");
  assert.equal(words.sentence({ ...told, since_step: 1 }), "It vanishes.");
  assert.equal(words.sentence({ ...told, since_step: null }), "It vanishes.");
  assert.equal(words.sentence({ ...told, rule: "diverged" }), "It vanishes.");
});

test("a slope is told by what a few layers leave, and in decades beside it", () => {
  /** @type {(slope: number, layers: number) => string} */
  const at = (slope, layers) =>
    words.slopes({ ...frame, layers, theory: { why_not: "", slope } }, signal).split(" at ")[0];
  assert.equal(at(-0.63, 21), "predicted 1/1400 per 5 layers");
  assert.equal(at(-2, 21), "predicted 1/100 a layer");
  assert.equal(at(-0.001, 21), "predicted × 0.98 per 10 layers");
  assert.equal(at(0.3, 21), "predicted × 32 per 5 layers");
  assert.equal(at(-0.63, 4), "predicted 1/18 per 2 layers");
  assert.equal(words.decades(frame, signal), "predicted −0.630 decades a layer, measured −0.500");
  assert.equal(words.decades({ ...frame, away: true }, signal), "");
});
