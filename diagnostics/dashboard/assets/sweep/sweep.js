// @ts-check
/* The page of sweeps: what is asked, how far it is, and its picture. */
"use strict";

const sweep = (() => {
  const EVERY = 1000;       // milliseconds between looks at one that goes on
  const PAUSE = 300;        // after the last key, before the server is asked
  const SCHEME = "mantine-color-scheme-value";
  const NARROW = 1100;      // pixels up to which the picture goes before what is asked
  const LOOKS = ["columns", "rows", "show"];

  let version = "", tone = "", timer = 0;
  /** @type {Wire.Swept | null} */
  let known = null;

  const { $, all } = dom;
  const field = (/** @type {string} */ id) => /** @type {HTMLInputElement & HTMLSelectElement} */ ($(id));

  function dress() {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const kept = localStorage.getItem(SCHEME) || "";
    const scheme = ["light", "dark"].includes(kept) ? kept : dark ? "dark" : "light";
    document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
    return scheme;
  }

  function turn() {
    localStorage.setItem(SCHEME, dress() === "dark" ? "light" : "dark");
    dress();
  }

  /** What the form says, as a link's query; with how it is looked at. */
  function query() {
    const asked = new URLSearchParams();
    for (const { which, values } of lines()) if (which.value && values.value.trim()) {
      asked.append(which.value, values.value.trim());
    }
    for (const word of field("same").value.split(/\s+/).filter(Boolean)) {
      const [key, ...value] = word.split("=");
      asked.append(key, value.join("="));
    }
    for (const id of LOOKS) if (field(id).dataset.chosen) asked.append(id, field(id).value);
    return asked.toString();
  }

  const lines = () => all("#varied .line").map((line) => ({
    line,
    which: /** @type {HTMLSelectElement} */ (line.querySelector(".which")),
    values: /** @type {HTMLInputElement} */ (line.querySelector(".values")),
    keys: /** @type {HTMLElement} */ (line.querySelector(".keys")),
  }));

  /** Options of a field that has some, to be pressed; what has the focus keeps it. */
  function offer() {
    const choices = dom.data("choices");
    for (const { which, values, keys } of lines()) {
      if (keys.dataset.of !== which.value) {
        keys.dataset.of = which.value;
        keys.replaceChildren(...(choices[which.value] || []).map(
          (/** @type {string} */ key) => option(key, values)));
      }
      const chosen = listed(values);
      for (const button of keys.querySelectorAll("button")) {
        button.setAttribute("aria-pressed", String(chosen.includes(button.textContent || "")));
      }
    }
  }

  const listed = (/** @type {HTMLInputElement} */ values) => (
    values.value.split(",").map((one) => one.trim()).filter(Boolean));

  /**
   * @param {string} key
   * @param {HTMLInputElement} values
   */
  function option(key, values) {
    const made = dom.button(key, () => {
      const chosen = listed(values);
      values.value = (chosen.includes(key) ? chosen.filter((one) => one !== key) : [...chosen, key]).join(",");
      changed();
    });
    return Object.assign(made, { type: "button" });
  }

  /** Something else is asked: the link says so, and the server what it comes to. */
  function changed() {
    offer();
    history.replaceState(null, "", `/sweep?${query()}`);
    version = "";
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  }

  async function look() {
    clearTimeout(timer);
    const asked = query();
    const answer = await fetch(`/sweep/now?${asked}&seen=${encodeURIComponent(version)}`).catch(() => null);
    if (answer?.ok && asked === query()) show(await answer.json());
    else if (!answer) say("The server is away: this page goes on when it is back.");
    if (!answer || known?.state === "going") timer = setTimeout(look, EVERY);
  }

  /**
   * @param {"start" | "stop"} kind
   */
  async function wish(kind) {
    const body = JSON.stringify({ query: query(), kind });
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch("/sweep", { method: "POST", headers, body }).catch(() => null);
    if (!answer) { say("The server is away: press again when it is back."); return; }
    const told = await answer.json();
    if (answer.ok) show(told); else say(told.notice);
    clearTimeout(timer);
    timer = setTimeout(look, EVERY);
  }

  const say = (/** @type {string} */ words) => { $("notice").textContent = words; };

  /**
   * @param {Wire.Swept} now
   */
  function show(now) {
    known = now;
    say(now.notice);
    for (const { which, values } of lines()) {
      values.setAttribute("aria-invalid", String(Boolean(now.field) && which.value === now.field));
    }
    const going = now.state === "going", whole = now.done === now.count;
    $("told").textContent = now.count ? `${now.done} of ${now.count} networks · ${now.told}` : "";
    /** @type {HTMLProgressElement} */ (document.querySelector("#progress")).value = now.done / (now.count || 1);
    field("start").disabled = going || whole || !now.count;
    $("stop").hidden = !going || !now.yours;
    if (now.count) lay(now);
    version = now.version;
    if (now.html !== null) $("matrix").innerHTML = now.html;
    mark();
  }

  /**
   * How it is laid out: what may be chosen, and what is.
   * @param {Wire.Swept} now
   */
  function lay(now) {
    for (const id of ["columns", "rows"]) {
      field(id).replaceChildren(...now.varied.map((key) => new Option(key, key)));
    }
    for (const id of LOOKS) field(id).value = /** @type {any} */ (now)[id];
    for (const link of all("[data-save]")) link.setAttribute("href", `/sweep.${link.dataset.save}?${query()}`);
  }

  /** The diagnoses that there are, to be picked out; and all cells as a table. */
  function mark() {
    const cells = all("#matrix tbody td");
    /** @type {Map<string, {tone: string, count: number}>} */
    const said = new Map();
    for (const cell of cells) if (cell.dataset.said) {
      const one = said.get(cell.dataset.said) || { tone: cell.dataset.tone || "", count: 0 };
      said.set(cell.dataset.said, { ...one, count: one.count + 1 });
    }
    if (!said.has(tone)) tone = "";
    $("legend").replaceChildren(...[...said].map(([words, one]) => {
      const made = dom.button(`${words} ${one.count}`, () => { tone = tone === words ? "" : words; mark(); });
      made.dataset.tone = one.tone;
      made.setAttribute("aria-pressed", String(tone === words));
      return made;
    }));
    for (const cell of cells) cell.classList.toggle("dim", Boolean(tone) && cell.dataset.said !== tone);
    rowed.fill(tone);
  }

  function begin() {
    dress();
    $("scheme").onclick = turn;
    $("asked").oninput = changed;
    $("asked").onsubmit = (event) => { event.preventDefault(); wish("start"); };
    $("stop").onclick = () => wish("stop");
    for (const id of LOOKS) field(id).onchange = () => { field(id).dataset.chosen = "yes"; changed(); };
    field("theory").onchange = () => $("main").classList.toggle("theory-shown", field("theory").checked);
    $("main").classList.add("theory-shown");
    $("fields").toggleAttribute("open", innerWidth > NARROW);
    const now = dom.data("now");
    for (const id of LOOKS) if (new URLSearchParams(location.search).has(id)) field(id).dataset.chosen = "yes";
    offer();
    show(now);
    if (now.state === "going") timer = setTimeout(look, EVERY);
  }

  dress();
  document.addEventListener("DOMContentLoaded", begin);
  return { query };
})();
