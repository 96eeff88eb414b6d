"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { plane, digits, innards } = require("./load.js").load("plane", "digits", "innards");

test("the surer a network, the deeper the colour; what is no number has none", () => {
  assert.equal(plane.depth(null), null);
  assert.equal(plane.depth(0.5), 0);
  assert.ok(plane.depth(0.7) < plane.depth(0.9) && plane.depth(0.9) < plane.depth(1));
});

test("the plane's corners are the picture's, upside up", () => {
  assert.deepEqual(plane.place([-2, 2], 2, 100), { x: 0, y: 0 });
  assert.deepEqual(plane.place([2, -2], 2, 100), { x: 100, y: 100 });
  assert.deepEqual(plane.place([0, 1], 2, 100), { x: 50, y: 25 });
});

test("a guess is told by a sign as well", () => {
  assert.deepEqual(digits.told(3, 3, 0.914), { kind: "right", sign: "✓", words: "91%" });
  assert.deepEqual(digits.told(3, 8, 0.4), { kind: "wrong", sign: "✗", words: "40%" });
  assert.deepEqual(digits.told(3, 3, null), { kind: "none", sign: "–", words: "no number" });
});

const found = { low: -1, width: 0.5, counts: [0, 3, 0, 1], zeros: 4, nonfinite: 0, predicted: null };

test("each bin is flat between its edges", () => {
  assert.deepEqual(innards.outline(found, [0, 1]), { x: [-1, -0.5, -0.5, 0], y: [0, 0, 1, 1] });
});

test("a histogram reaches as far as there is something, predicted or found", () => {
  assert.deepEqual(innards.reach(found), [-0.5, 1]);
  assert.deepEqual(innards.reach({ ...found, predicted: [0.1, 0, 0, 0] }), [-1, 1]);
  assert.deepEqual(innards.reach({ ...found, counts: [0, 0, 0, 0] }), []);
});

test("what is in no bin is told apart", () => {
  assert.equal(innards.apart(found), "50% exactly 0");
  assert.equal(innards.apart({ ...found, zeros: 0, nonfinite: 12, predicted: [] }),
    "75% no number · - - predicted at initialization");
  assert.equal(innards.apart({ ...found, counts: [], zeros: 0 }), "");
});
