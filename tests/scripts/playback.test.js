"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { playback } = require("./load.js").load("playback");

const all = [3, 7, 7, 20].map((step) => ({ step, words: `at ${step}` }));

test("one jumps to what happened before or next, and stays where nothing did", () => {
  assert.equal(playback.beyond(all, 7, -1).step, 3);
  assert.equal(playback.beyond(all, 7, 1).step, 20);
  assert.equal(playback.beyond(all, 3, -1), undefined);
  assert.equal(playback.beyond(all, 20, 1), undefined);
  assert.equal(playback.beyond([], 1, 1), undefined);
});

test("a short run is played step by step, a long one in some seconds", () => {
  assert.equal(playback.pace(2), 1);
  assert.equal(playback.pace(100), 1);
  assert.equal(playback.pace(10000), 50);
});
