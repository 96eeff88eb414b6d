"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { axes } = require("./load.js").load("formats", "axes");

test("powers of ten are written as people write them", () => {
  assert.deepEqual([0, 1, 3, -7, 12, -10].map(axes.power), ["1", "10¹", "10³", "10⁻⁷", "10¹²", "10⁻¹⁰"]);
});

test("ticks are whole decades, no more than fit", () => {
  assert.deepEqual(axes.decades([-2, 1]), {
    range: [-2, 1], tickvals: [0.01, 0.1, 1, 10], ticktext: ["10⁻²", "10⁻¹", "1", "10¹"],
  });
  for (const most of [3, 6, 12]) {
    for (const low of [-45, -13, -8, 0]) {
      const { tickvals, ticktext } = axes.decades([low, 3], most);
      assert.ok(tickvals.length <= most + 1 && tickvals.length >= 1, `${most} ${low}`);
      assert.equal(ticktext.length, tickvals.length);
      assert.ok(tickvals.includes(1), "zero decades are always told");
    }
  }
});

test("a logarithmic axis stays while values are in its reach, and grows by whole decades", () => {
  const now = [-8, 1];
  assert.equal(axes.logarithmic(now, [1e-6, 0.5]), now);
  assert.deepEqual(axes.logarithmic(now, [1e-12, 0.5]), [-13, 1]);
  assert.deepEqual(axes.logarithmic(now, [1e-6, 2e4]), [-8, 5]);
});

test("a logarithmic axis shrinks only where most of it stands empty", () => {
  assert.deepEqual(axes.logarithmic([-20, 1], [2, 3]), [-3, 1]);
  assert.deepEqual(axes.logarithmic([-20, 1], [1e-12, 0.1]), [-20, 1]);
  assert.deepEqual(axes.logarithmic([-5, 1], [2, 3]), [-5, 1], "six decades are not too many");
});

test("a logarithmic axis has room for four decades and heeds no zeros or gaps", () => {
  const [low, high] = axes.logarithmic([5, 6], [0.1]);
  assert.ok(low <= -2 && high >= 6 && high - low >= 4);
  const now = [-3, 3];
  assert.equal(axes.logarithmic(now, [null, 0, null]), now);
});

test("a linear axis has zero and all values, and does not jump", () => {
  assert.deepEqual(axes.linear([0, 1], [3, 12]), [0, 20]);
  assert.deepEqual(axes.linear([0, 1], [-3, 12]), [-10, 20]);
  const now = [0, 20];
  assert.equal(axes.linear(now, [9, 11, null]), now);
  assert.deepEqual(axes.linear([0, 2000], [3, 12]), [0, 20]);
  assert.equal(axes.linear(now, [null]), now);
});

test("an axis of steps changes seldom and ends where the run ends", () => {
  assert.deepEqual(axes.history([], 300).range, [0, 50]);
  assert.deepEqual(axes.history([1, 51], 300).range, [0, 100]);
  assert.deepEqual(axes.history([1, 250], 300).range, [0, 300]);
  assert.deepEqual(axes.history([10000], 1e6).range, [0, 13000]);
});

test("losses that explode leave the others readable", () => {
  assert.deepEqual(axes.losses([2.3, null, 1e9]).range, [0, 3]);
  assert.deepEqual(axes.losses([4.1]).range, [0, 4.5]);
});
