"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { pen } = require("./pen.js");
const { area, backdrop, formats, heat, hover, lines, marks, notes, paper, scale } = require("./load.js").load(
  "axes", "formats", "paper", "scale", "area", "lines", "marks", "heat", "notes", "backdrop", "hover",
);

global.document = { createElement: () => ({ getContext: () => pen() }) };

const font = { size: 10, family: "sans", color: "grey" };
const figure = (data, more = {}) => ({
  data,
  layout: {
    xaxis: { range: [0, 10] }, yaxis: { range: [0, 1] }, margin: { l: 50, r: 10, t: 10, b: 20 }, font,
    paper_bgcolor: "white", template: { layout: { shapedefaults: { line: { color: "black" } } } }, ...more,
  },
});
const on = (shown) => area.of(shown, 260, 130);

test("a logarithm's place is in decades, and what has none is nowhere", () => {
  const { at, spot } = scale.of({ type: "log", range: [-2, 2] }, 100, 0, []);
  assert.deepEqual([0.01, 1, 100].map(at), [100, 50, 0]);
  assert.ok([0, -1, null].every((value) => Number.isNaN(at(value))));
  assert.equal(spot(1), 25);
});

test("names have places in their order", () => {
  const { at } = scale.of({ type: "category", range: [-0.5, 1.5] }, 0, 100, ["a", "b"]);
  assert.deepEqual([at("a"), at("b")], [25, 75]);
});

test("ticks are round numbers, no more than have room or are asked for", () => {
  const told = (axis, most) => scale.ticks(axis, most, []).map(({ text }) => text);
  assert.deepEqual(told({ range: [0, 1] }, 5), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
  assert.deepEqual(told({ range: [0, 30000] }, 3), ["0", "10k", "20k", "30k"]);
  assert.ok(told({ range: [0, 1], nticks: 4 }, 50).length <= 5);
  assert.deepEqual(told({ range: [0, 1.03], tickvals: [0, 0.5, 2], tickformat: ".0%" }, 9), ["0%", "50%"]);
});

test("templates are filled as d3 writes numbers, with powers of ten as people write them", () => {
  const point = { x: 3, y: 1.2345e-12, z: -0.25, customdata: " conv" };
  assert.equal(formats.filled("layer %{x}%{customdata}: %{y:.3g}<extra></extra>", point), "layer 3 conv: 1.23 × 10⁻¹²");
  assert.equal(formats.filled("10^%{z:.1f}", point), "10^−0.3");
  assert.deepEqual([1.2e26, 4.7e4, 3e-9].map(formats.size), ["10²⁶", "5 × 10⁴", "3 × 10⁻⁹"]);
  assert.equal(formats.number(".1%", 0.1234), "12.3%");
  assert.deepEqual([0.5, 123456, 0].map((value) => formats.number(".2g", value)), ["0.5", "120000", "0"]);
});

test("margins grow where labels would be cut off", () => {
  const wide = figure([], { yaxis: { range: [0, 1], tickvals: [1], ticktext: ["one hundred per cent"] } });
  assert.equal(on(figure([])).inner.left, 50);
  assert.ok(on(wide).inner.left > pen().measureText("one hundred per cent").width);
  assert.ok(on(figure([], { margin: { l: 50, r: 10, t: 0, b: 0 } })).inner.top >= 5);
});

test("a line has gaps where there are no numbers", () => {
  const ctx = pen();
  const trace = { mode: "lines", x: [1, 2, 3, 4, 5], y: [0, 1, null, 1, 0], line: { width: 2, color: "red" } };
  lines.paint(ctx, trace, area.places(trace, on(figure([trace]))), undefined, 0);
  assert.deepEqual(ctx.did("moveTo", "lineTo").map(([what]) => what), ["moveTo", "lineTo", "moveTo", "lineTo"]);
});

test("steps go sideways before they go up", () => {
  const ctx = pen();
  const trace = { mode: "lines", line: { width: 1, shape: "hv" } };
  lines.paint(ctx, trace, { x: [0, 10], y: [5, 7] }, undefined, 0);
  assert.deepEqual(ctx.did("lineTo"), [["lineTo", 10, 5], ["lineTo", 10, 7]]);
});

test("between two lines is filled where both are", () => {
  const ctx = pen();
  const upper = { x: [0, 1, 2], y: [1, 1, NaN] }, lower = { x: [0, 1, 2], y: [3, 3, 3] };
  lines.paint(ctx, { fill: "tonexty", line: { width: 0 } }, upper, lower, 0);
  assert.equal(ctx.did("fill").length, 1);
  assert.equal(ctx.did("lineTo").length, 4);
});

test("points beyond the axes are not drawn, words never leave the chart", () => {
  const ctx = pen();
  const text = ["a long word", "", "out"];
  const trace = { mode: "markers+text", x: [0, 5, 50], y: [1, 1, 1], text, marker: { size: 4 } };
  const within = on(figure([trace]));
  marks.paint(ctx, figure([trace]).layout, trace, area.places(trace, within), within);
  assert.equal(ctx.did("arc").length, 2);
  const [[, told, x]] = ctx.did("fillText");
  assert.equal(told, "a long word");
  assert.ok(x - ctx.measureText(told).width / 2 >= 0);
});

test("notes lie under each other, the newest above; what has no room is left out", () => {
  const note = (x, text) => ({ x, text, y: 1, yref: "paper", xanchor: "left", yanchor: "top", showarrow: false });
  const all = ["first", "second", "third", "fourth"].map((text, i) => note(2 + i / 10, text));
  const { layout } = figure([], { annotations: all });
  const placed = notes.placed(layout, on(figure([])));
  assert.deepEqual(placed.map(({ text }) => text), ["fourth", "third", "second"]);
  assert.ok(placed[0].bottom <= placed[1].top + 1 && placed[1].bottom <= placed[2].top + 1);
  const atEnd = figure([], { annotations: [note(10, "at the very end")] });
  const [last] = notes.placed(atEnd.layout, on(atEnd));
  assert.ok(last.right <= 260);
});

test("only names that lead somewhere can be clicked", () => {
  const [live, dead] = [true, false].map((captureevents, i) => (
    { text: "name", x: 2 + 5 * i, y: 1, yref: "paper", yanchor: "bottom", showarrow: false, captureevents }));
  const placed = notes.placed(figure([], { annotations: [live, dead] }).layout, on(figure([])));
  const under = ({ left, top }) => notes.under(placed, left + 1, top + 1);
  assert.deepEqual(placed.map(under).map(Boolean).sort(), [false, true]);
});

const map = {
  x: [1, 3, 5, 7, 9], y: [0.25, 0.75], z: [[0, 1, 2, null, 3], [4, 5, 6, 7, 9]], zmin: 0, zmax: 9,
  colorscale: [[0, "#000000"], [1, "#ffffff"]], hovertemplate: "%{x}, %{y}%{customdata}: %{z:d}",
};

test("a heatmap's cells reach half the way to their neighbours, and have no colour without a number", () => {
  const ctx = pen();
  const within = on(figure([map]));
  heat.paint(ctx, map, within, 1);
  const [[, { data, width, height }]] = ctx.did("putImageData");
  const pixel = (x, y) => [...data.slice(4 * (y * width + x), 4 * (y * width + x) + 4)];
  assert.deepEqual(pixel(width - 1, 0), [255, 255, 255, 255]);
  assert.deepEqual(pixel(0, height - 1), [0, 0, 0, 255]);
  assert.equal(pixel(Math.round(0.7 * width), height - 1)[3], 0);
});

test("what explodes is hatched", () => {
  const shades = (meta) => {
    const ctx = pen();
    heat.paint(ctx, { ...map, z: map.y.map(() => map.x.map(() => 6)), meta }, on(figure([map])), 1);
    return new Set(ctx.did("putImageData")[0][1].data.filter((_, i) => i % 4 === 0)).size;
  };
  assert.deepEqual([shades(undefined), shades({ hatched: 7 }), shades({ hatched: 5 })], [1, 1, 2]);
});

const sheetOf = (shown) => ({
  figure: shown, area: on(shown), places: shown.data.map((trace) => area.places(trace, on(shown))),
});

test("a cell says what its template does, one without a number nothing", () => {
  const sheet = sheetOf(figure([map]));
  const { inner } = sheet.area;
  assert.equal(hover.under(sheet, inner.left + 1, inner.top + 1).words, "1, 0.75: 4");
  assert.deepEqual(hover.under(sheet, inner.left + 1, inner.bottom - 1).value, { x: 1, y: 0.25 });
  assert.equal(hover.under(sheet, inner.left + 0.7 * (inner.right - inner.left), inner.bottom - 1), null);
});

test("the nearest point speaks that has something to say", () => {
  const mute = { x: [2], y: [0.5], hoverinfo: "skip", hovertemplate: "no" };
  const told = { x: [2, 4], y: [0.4, null], hovertemplate: "layer %{x}: %{y:.1g}" };
  const mark = { x: [8], y: [0.1], hoverinfo: "text", hovertext: ["NaN"] };
  const sheet = sheetOf(figure([mute, told, mark]));
  const at = (x) => sheet.area.x.at(x);
  assert.equal(hover.under(sheet, at(2.2), 60).words, "layer 2: 0.4");
  assert.equal(hover.under(sheet, at(8), 60).words, "NaN");
  assert.equal(hover.under(sheet, at(5), 60), null);
});

test("a scale of colours runs through its stops", () => {
  const told = paper.scaled([[0, "#000000"], [0.5, "#ff0000"], [1, "#ffffff"]]);
  assert.deepEqual([told[0], told[255], told.length], ["rgb(0, 0, 0)", "rgb(255, 255, 255)", 256]);
  assert.deepEqual(paper.channels(told[127]).slice(0, 1), [254]);
});

test("grid lines lie exactly on pixels of the screen", () => {
  for (const ratio of [1, 1.5, 2]) {
    const ctx = pen();
    backdrop.paint(ctx, figure([]), on(figure([])), ratio);
    const upright = ctx.did("fillRect").filter(([, , , width]) => width < 2);
    for (const length of upright.flatMap(([, x, , width]) => [x * ratio, width * ratio])) {
      assert.ok(Math.abs(length - Math.round(length)) < 1e-9);
    }
    assert.ok(upright.length > 2);
  }
});
