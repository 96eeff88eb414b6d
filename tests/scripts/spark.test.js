"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { spark } = require("./load.js").load("spark");

test("a loss goes from its highest to its lowest over the whole width", () => {
  assert.equal(spark.path([2, 1, 0]), "M0.0 2.0L38.0 13.0L76.0 24.0");
});

test("where there is no number the line has a gap", () => {
  assert.equal(spark.path([1, null, 0]), "M0.0 2.0M76.0 24.0");
});

test("one value, alike ones and none can be drawn", () => {
  assert.equal(spark.path([]), "");
  for (const values of [[3], [3, 3], [null]]) assert.doesNotMatch(spark.path(values), /NaN|Infinity/);
});
