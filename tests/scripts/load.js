"use strict";

const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const ASSETS = path.join(__dirname, "../../diagnostics/dashboard/assets");
const FOLDERS = ["charts", "page", "painter", "report", "site"];

/** Every script's name, with its text. */
const scripts = Object.fromEntries(FOLDERS.flatMap((folder) =>
  fs.readdirSync(path.join(ASSETS, folder)).map((file) =>
    [path.basename(file, ".js"), fs.readFileSync(path.join(ASSETS, folder, file), "utf8")])));

/** Scripts as a page loads them, side by side: each is one name that the others see. */
function load(...names) {
  for (const name of names) vm.runInThisContext(scripts[name], { filename: `${name}.js` });
  return Object.fromEntries(names.map((name) => [name, vm.runInThisContext(name)]));
}

module.exports = { load, scripts };
