"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const vm = require("node:vm");
const { scripts } = require("./load.js");

for (const [name, text] of Object.entries(scripts)) {
  test(`${name} needs no other script while it is loaded, and declares its own name`, () => {
    const context = vm.createContext({ document: { addEventListener() {} } });
    vm.runInContext(text, context);
    assert.equal(vm.runInContext(`typeof ${name}`, context), "object");
  });
}
