"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { pen } = require("./pen.js");
const { network, pulse, net, area, glyphs } = require("./load.js").load(
  "axes", "formats", "parts", "groups", "traces", "network", "paper", "scale", "area", "glyphs", "net", "pulse",
);

global.document = { createElement: () => ({ getContext: () => pen() }) };
global.matchMedia = () => ({ matches: false });

test("a layer's colour is its gradient over the last hidden one's; the output has that one's", () => {
  const found = network.decades([1e-9, 1e-3, 1e-1, 7]);
  [-6, -2, 0, 0].forEach((decade, i) => assert.ok(Math.abs(found[i] - decade) < 1e-9));
});

test("what is zero is dark, what is no number has no colour, whatever stands beside", () => {
  assert.deepEqual(network.decades([0, null, 2, 5]), [-6, null, 0, 0]);
  assert.deepEqual(network.decades([1, 0, 5]), [6, -6, 0]);
  assert.deepEqual(network.decades([1, null, 5]), [null, null, null]);
  assert.deepEqual(network.decades([3]), [0]);
  assert.deepEqual(network.decades([]), []);
});

test("light goes out in six decades, doubles in as many, and is none where there is no number", () => {
  assert.deepEqual([-6, -3, 0, 6, null].map(network.light), [0, 0.5, 1, 2, 0]);
});

test("wires are as bright as updates, in decades; unknown is not zero", () => {
  assert.deepEqual([null, 0, 1e-6, 10].map(network.bright), [null, 0, 0, 1]);
  assert.ok(network.bright(1e-4) < network.bright(1e-3) && network.bright(1e-3) < network.bright(1e-2));
});

test("a layer is a box as long as there is room, then a block, then neighbours", () => {
  const all = { part: "", from: 1, to: 12 };
  const names = Array.from({ length: 12 }, (_, i) => `body.${Math.floor(i / 4)}.${i % 4}`);
  const spans = (found) => found.map(({ from, to }) => [from, to]);
  assert.equal(network.grouped(names, all, 12).length, 12);
  assert.deepEqual(spans(network.grouped(names, all, 6)), [[1, 4], [5, 8], [9, 12]]);
  assert.deepEqual(spans(network.grouped([], all, 5)), [[1, 3], [4, 6], [7, 9], [10, 12]]);
  for (const most of [1, 5, 7]) {
    const found = network.grouped([], { part: "", from: 3, to: 2002 }, most);
    assert.ok(found.length <= most && found[0].from === 3 && found[found.length - 1].to === 2002);
  }
});

const font = { size: 13, family: "sans", color: "grey" };
const figure = (found) => ({
  data: [{
    x: [1, 2, 3], y: [0], z: [[-6, 0, null]], zmin: -6, zmax: 6, meta: { net: found },
    colorscale: [[0, "#000000"], [1, "#ffffff"]], line: { color: "amber", width: 2 },
  }],
  layout: {
    xaxis: { range: [0.4, 3.6] }, yaxis: { range: [-0.5, 0.5], tickvals: [] }, font,
    margin: { l: 60, r: 40, t: 8, b: 24 }, paper_bgcolor: "plate",
    template: { layout: { shapedefaults: { line: { color: "white" } } } },
  },
});
const sound = { light: [0, 1, 0], wires: [null, 0, 1], dark: [0, 0.5, 0], pale: [0, 0, 0], chosen: 1, inputs: 64 };

function painted(found) {
  const ctx = pen(), shown = figure(found);
  net.paint(ctx, shown.data[0], area.of(shown, 400, 100), shown.layout);
  return ctx;
}

test("the ends are named, boxes have an edge each, the chosen one a ring, what is no number a cross", () => {
  const ctx = painted(sound);
  assert.deepEqual(ctx.did("fillText").map(([, text]) => text), ["input", "loss"]);
  assert.equal(ctx.did("roundRect").length, 2 * 3 + 1);
  assert.equal(painted({ ...sound, chosen: -1 }).did("roundRect").length, 2 * 3);
});

test("dead units leave a box dark from below", () => {
  const rects = (dark) => painted({ ...sound, dark }).did("fillRect").length;
  assert.equal(rects([0, 0.5, 0]) - rects([0, 0, 0]), 2);
});

test("boxes stand where the chart of layers has its points", () => {
  const shown = figure(sound), within = area.of(shown, 400, 100);
  const { centres, input, loss } = net.spots(shown.data[0], within, 13);
  assert.deepEqual(centres, [1, 2, 3].map(within.x.at));
  assert.ok(input < centres[0] && loss > centres[2] && loss < 400);
});

test("light between two boxes is between theirs, and a box shines less and less", () => {
  const at = { centres: [10, 20, 30] };
  assert.deepEqual([5, 10, 15, 25, 35].map((x) => pulse.left(at, [0, 1, 2], x)), [0, 0, 0.5, 1.5, 2]);
  assert.deepEqual([-1, 0].map(pulse.glow), [0, 1]);
  assert.ok(pulse.glow(100) < 1 && pulse.glow(100) > pulse.glow(300) && pulse.glow(1e4) === 0);
});

test("where motion is unwelcome light stands still around boxes that it reaches", () => {
  global.matchMedia = () => ({ matches: true });
  const ctx = painted(sound);
  global.matchMedia = () => ({ matches: false });
  assert.equal(ctx.did("roundRect").length, 2 * 3 + 1 + 1);
});

test("a sample is drawn as what it is", () => {
  const drawn = (inputs) => {
    const ctx = pen();
    glyphs.input(ctx, inputs, 0, 0, 10, "grey");
    return ["strokeRect", "arc", "fillRect"].map((what) => ctx.did(what).length);
  };
  const [plane, digit, numbers] = [2, 64, 0].map(drawn);
  assert.ok(plane[0] === 1 && plane[1] > 2 && digit[2] === 25 && numbers[2] < 25 && numbers[1] === 0);
});
