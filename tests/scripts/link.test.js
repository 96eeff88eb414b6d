"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { link } = require("./load.js").load("link");

const usual = { at: null, panel: "run", layer: 1, part: "" };

test("what is usual is not spelt", () => {
  assert.equal(link.query("", usual, usual), "");
  assert.equal(link.query("seed=0&run=ab", usual, usual), "seed=0&run=ab");
});

test("what is in sight replaces what the server's link said of it", () => {
  const sight = { at: 10, panel: "units", layer: 2, part: "blocks.1/2" };
  assert.equal(
    link.query("seed=0&panel=clipping&at=3", sight, usual),
    "seed=0&at=10&panel=units&layer=2&part=blocks.1%2F2",
  );
  assert.equal(link.query("panel=clipping&seed=0", usual, usual), "seed=0");
});

test("a key that merely begins like one of the page's is kept", () => {
  assert.equal(link.query("layer_norm=1&parts=2", usual, usual), "layer_norm=1&parts=2");
});
