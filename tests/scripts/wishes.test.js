"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { wishes, reach } = require("./load.js").load("reach", "wishes");

/** A server that answers when it is told to, or is away. */
let [asked, away] = [[], false];
const answers = [];
const server = {
  wish: ({ wish }) => new Promise((answer, reject) => {
    if (away) { reject(new Error("away")); return; }
    asked.push(wish);
    answers.push(() => answer({ granted: wish }));
  }),
};
const settled = () => new Promise((done) => setImmediate(done));
const answer = async () => { answers.shift()(); await settled(); };
const left = [];
const place = { textContent: "Train", toggleAttribute: () => {} };
Object.assign(globalThis, {
  document: { activeElement: place, body: {} },
  source: { way: () => server },
  lab: { state: () => ({}), adopt: () => {} },
  classroom: { leave: () => left.push(1) },
  dom: { $: () => ({ value: "0" }), text: () => {} },
  HTMLSelectElement: class {},
});

async function all() {
  while (answers.length) await answer();
  const found = asked.map(({ kind, value }) => (value === null ? kind : `${kind} ${value}`));
  asked = [];
  return found;
}

test("of what waits the newest counts, and who wished before hears of it as well", async () => {
  const heard = [];
  for (const key of ["he", "lie", "rnn"]) wishes.make("lesson", key).then(({ granted }) => heard.push(granted.value));
  assert.deepEqual(await all(), ["lesson he", "lesson rnn"]);
  assert.deepEqual(heard, ["he", "rnn", "rnn"]);
});

for (const kind of ["play", "step", "pin", "stop", "delete"]) {
  test(`each ${kind} counts, however quickly they come`, async () => {
    for (let i = 0; i < 5; i++) wishes.make(kind);
    assert.equal(wishes.wait(), true);
    assert.deepEqual(await all(), Array(5).fill(kind));
    assert.equal(wishes.wait(), false);
  });
}

test("who looks after other runs goes on following, who plays does not", async () => {
  left.length = 0;
  wishes.make("pin");
  await all();
  assert.equal(left.length, 0);
  wishes.make("play");
  await all();
  assert.equal(left.length, 1);
});

test("who presses again while the server is away starts one run, and none that is paused at once", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  away = true;
  const heard = [];
  wishes.make("play").then(() => heard.push(1));
  await settled();
  assert.equal(reach.away(), true);
  for (let i = 0; i < 3; i++) wishes.make("play").then(() => heard.push(1));
  away = false;
  t.mock.timers.tick(1000);
  await settled();
  assert.deepEqual(await all(), ["play"]);
  assert.equal(heard.length, 4);
  assert.equal(reach.away(), false);
});
