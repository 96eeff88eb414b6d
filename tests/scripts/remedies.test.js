"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { load } = require("./load.js");

/** As much of an element as remedies ask for. */
class Box {
  constructor(tag = "div") {
    Object.assign(this, { tag, children: [], dataset: {}, textContent: "", heard: {}, hidden: false });
    this.style = { setProperty() {} };
  }
  get lastElementChild() { return this.children.at(-1); }
  replaceChildren() { this.children = []; }
  append(...more) { this.children.push(...more); }
  insertBefore(made, after) {
    made.parent = this;
    this.children.splice(after ? this.children.indexOf(after) : this.children.length, 0, made);
  }
  remove() { this.parent.children.splice(this.parent.children.indexOf(this), 1); }
  contains(other) { return this.children.includes(other); }
  addEventListener(event, act) { this.heard[event] = act; }
}

const box = new Box();
globalThis.document = { activeElement: null };
let now = 0, query = "";
globalThis.lab = { session: () => ({ run: null, query }) };
globalThis.performance = { now: () => now };
globalThis.dom = {
  $: () => box,
  element: (tag, ...children) => {
    const made = new Box(tag);
    for (const child of children) typeof child === "string" ? made.textContent = child : made.append(child);
    return made;
  },
};
const { remedies } = load("remedies");

const remedy = (label, place, trial = "untried", effect = "") =>
  ({ label, changes: { init: label }, trial, effect, place });
const labels = () => box.children.map((button) => button.children[0].textContent);
const pressed = [];
const show = (offered, rule = "vanishing") => remedies.show(rule, offered, (changes) => pressed.push(changes.init));

test("what came of a trial changes no button but its words", () => {
  show([remedy("he", 0), remedy("lsuv", 1)]);
  const before = [...box.children];
  assert.equal(before[0].lastElementChild.textContent, "not tried yet");
  show([remedy("he", 0, "helped", "1 → 2"), remedy("lsuv", 1, "trying")]);
  assert.deepEqual(box.children, before);
  assert.deepEqual(before.map((button) => button.lastElementChild.textContent), ["1 → 2", "being tried…"]);
  assert.deepEqual(before.map((button) => button.dataset.trial), ["helped", "trying"]);
});

test("no button is exchanged under the pointer, nor where the focus is", () => {
  box.heard.pointerenter();
  show([remedy("he", 0, "helped", "1 → 2"), remedy("norm", 1, "helped", "1 → 3")]);
  assert.deepEqual(labels(), ["he", "lsuv"]);
  document.activeElement = box.children[1];
  box.heard.pointerleave();
  assert.deepEqual(labels(), ["he", "lsuv"]);
  document.activeElement = null;
  box.heard.pointerleave();
  assert.deepEqual(labels(), ["he", "norm"]);
});

test("a press meant for the button before does not count for the one after", () => {
  now = 1000;
  show([remedy("glorot", 0), remedy("norm", 1)]);
  box.children[0].onclick();
  now = 1500;
  box.children[0].onclick();
  assert.deepEqual(pressed, ["glorot"]);
});

test("after a press the next remedies come at once, wherever the pointer is", () => {
  box.heard.pointerenter();
  box.children[0].onclick();
  show([]);
  assert.deepEqual(labels(), []);
  assert.equal(box.hidden, false);
  show([], "healthy");
  assert.equal(box.hidden, true);
});

test("buttons stand in the order of their places", () => {
  show([remedy("c", 2), remedy("b", 1)]);
  box.heard.pointerleave();
  show([remedy("a", 0), remedy("c", 2), remedy("b", 1)]);
  assert.deepEqual(labels(), ["a", "b", "c"]);
});

test("another network's remedies don't wait for the pointer to leave", () => {
  box.heard.pointerenter();
  show([remedy("d", 0)]);
  assert.deepEqual(labels(), ["a", "b", "c"]);
  query = "depth=3";
  show([remedy("d", 0)]);
  assert.deepEqual(labels(), ["d"]);
});
