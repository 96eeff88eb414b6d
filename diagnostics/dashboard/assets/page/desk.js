// @ts-check
/* What the mouse and the keys do, apart from Dash's controls. */
"use strict";

/**
 * @typedef {object} Deeds
 * @property {() => void} watch
 * @property {() => void} redraw in other colours
 * @property {() => void} refit
 * @property {(more: Partial<Sight>) => void} look
 * @property {(layer: number) => void} pickLayer
 * @property {(part: string) => void} lookAt
 * @property {(layer: number) => void} lookAround
 */

const desk = (() => {
  /** @type {Record<string, {words: string, press: string}>} each key with the button that it presses */
  const KEYS = {
    " ": { words: "train, pause, go on", press: "#train" },
    ".": { words: "one step", press: "#step" },
    t: { words: "start a new run with these settings", press: "#again" },
    p: { words: "pin this run, to compare others with it", press: "#pin" },
    r: { words: "end the run and clear the charts", press: "#reset" },
    v: { words: "play the steps back", press: "#playback" },
    "[": { words: "to what happened before", press: "#earlier" },
    "]": { words: "to what happened next", press: "#later" },
    n: { words: "next lesson", press: "#turns button:last-child" },
    b: { words: "lesson before", press: "#turns button:first-child" },
    c: { words: "class room, where there is one", press: "#class-open" },
    l: { words: "lecture: one picture, large type", press: "#lecture" },
    escape: { words: "all layers of a large model", press: "#whole" },
    "?": { words: "these keys", press: "#help-open" },
  };
  /** @type {Record<string, string>} what a clicker sends in a lecture, and the key that it stands for */
  const TURNS = { pagedown: "n", arrowright: "n", pageup: "b", arrowleft: "b" };
  const TYPING = "input:not([type=range], [type=radio], [type=checkbox], [readonly]), textarea";
  const MOVING = "input, select, [role=slider]"; // arrows mean something there
  const OPEN = "dialog[open], [aria-haspopup=listbox][aria-expanded=true]";
  const COPIED = 1500;       // milliseconds that the button says so

  /**
   * The key's button, whatever has the focus; none while somebody types.
   * @param {KeyboardEvent} event
   */
  function buttonOf(event) {
    const target = /** @type {Element} */ (event.target);
    const pressed = event.key.toLowerCase();
    const turns = document.body.classList.contains("lecture") && !target.closest(MOVING);
    const key = KEYS[(turns && TURNS[pressed]) || pressed]?.press;
    if (!key || target.closest(TYPING) || document.querySelector(OPEN)) return null;
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    return /** @type {HTMLElement | null} */ (document.querySelector(key));
  }

  /**
   * Before whatever has the focus hears of it: a menu would open, a box be ticked. Enter does that instead.
   * A key that is held goes on as fast as it is answered; space, which would go to and fro, is heard once.
   * @param {KeyboardEvent} event
   */
  function onKey(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.key === "Enter" && target.matches("[type=checkbox]")) target.click();
    const button = buttonOf(event);
    if (!button) return;
    event.preventDefault();
    event.stopPropagation();
    const held = event.repeat && (event.key === " " || wishes.wait());
    if (!held) button.click();
  }

  /**
   * Some browsers press what has the focus when space is let go.
   * @param {KeyboardEvent} event
   */
  function onKeyUp(event) {
    if (event.key !== " " || !buttonOf(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  async function share() {
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      prompt("The link to this state:", location.href);
      return;
    }
    dom.text("share", "Copied");
    setTimeout(dom.text, COPIED, "share", "Share");
  }

  /**
   * One picture in large type for a lecture hall, kept for the next visit.
   * @param {() => void} refit
   */
  function lecture(refit) {
    localStorage.setItem("lecture", document.body.classList.toggle("lecture") ? "1" : "");
    pressed();
    refit();
  }

  const pressed = () =>
    dom.$("lecture").setAttribute("aria-pressed", String(document.body.classList.contains("lecture")));

  /** Light or dark, kept where Dash's components look for it. */
  function scheme() {
    const page = document.documentElement;
    const next = page.getAttribute("data-mantine-color-scheme") === "dark" ? "light" : "dark";
    page.setAttribute("data-mantine-color-scheme", next);
    localStorage.setItem("mantine-color-scheme-value", next);
  }

  /** The settings of a phone come up as a sheet. */
  function settings() {
    const open = dom.$("lab-form").classList.toggle("unfolded");
    dom.$("settings-open").setAttribute("aria-expanded", String(open));
  }

  /**
   * @param {string} id
   * @param {string} event
   * @param {(value: string) => void} act told the value of what was changed
   */
  const hear = (id, event, act) => dom.$(id).addEventListener(event, ({ target }) =>
    act(/** @type {HTMLInputElement} */ (target).value));

  /**
   * Controls show what is in sight.
   * @param {Sight} sight
   */
  function show({ view, panel, layer }) {
    for (const [name, value] of Object.entries({ view, panel })) {
      const radio = dom.$(name).querySelector(`[value="${value}"]`);
      if (radio instanceof HTMLInputElement) radio.checked = true;
    }
    if (document.activeElement !== dom.$("layer")) dom.$("layer", HTMLInputElement).value = String(layer);
  }

  /**
   * @param {Deeds} deeds
   */
  function connect(deeds) {
    document.addEventListener("visibilitychange", deeds.watch);
    document.addEventListener("keydown", onKey, true);
    document.addEventListener("keyup", onKeyUp, true);
    window.addEventListener("popstate", () => wishes.make("link", location.search, false));
    onButtons(deeds);
    onCharts(deeds);
    dialogs.connect();
    asking.connect();
    playback.connect();
    learned.connect();
    const scheme = { attributeFilter: ["data-mantine-color-scheme"] };
    new MutationObserver(deeds.redraw).observe(document.documentElement, scheme);
    matchMedia("(forced-colors: active)").addEventListener("change", deeds.redraw);
  }

  /**
   * @param {Deeds} deeds
   */
  function onButtons({ refit, look, pickLayer, lookAt }) {
    for (const button of dom.all("[data-deed]")) {
      const { deed, value } = button.dataset;
      button.addEventListener("click", () => wishes.make(/** @type {Wire.Deed} */ (deed), value));
    }
    hear("lesson-leave", "click", () => dialogs.close("lessons"));
    hear("pace", "change", () => wishes.make("pace"));
    hear("share", "click", share);
    hear("lecture", "click", () => lecture(refit));
    hear("scheme", "click", scheme);
    hear("settings-open", "click", settings);
    hear("view", "change", (view) => look({ view }));
    hear("panel", "change", (panel) => look({ panel }));
    hear("scrub", "input", (step) => look({ at: Number(step) }));
    hear("latest", "click", () => look({ at: null }));
    hear("layer", "input", (layer) => pickLayer(Number(layer)));
    hear("part", "change", lookAt);
    hear("whole", "click", () => lookAt(""));
  }

  /**
   * @param {Deeds} deeds
   */
  function onCharts({ pickLayer, lookAt, lookAround }) {
    /** @type {(at: number) => void} a click on a group opens it, on a layer chooses it */
    const reach = (at) => (groups.around(lab.frame()?.now || null, at) ? lookAround(at) : pickLayer(at));
    const { charts: all } = charts.tables(); // those of other panels, too
    for (const { key, kind } of all) {
      if (kind === "profile" || kind === "layers") painter.onPoint(key, reach);
      if (kind === "network") network.connect(key, { pickLayer, reach, lookAround });
      if (kind === "heat") painter.onPoint(key, (_, layer) => lookAround(layer));
      if (kind === "profile") painter.onName(key, lookAt);
    }
  }

  /** Begin with the first picture; the form comes after it. */
  function begin() {
    reach.open();
    dom.$("lab-form").classList.toggle("unfolded", window.innerWidth > 900);
    pressed();
    classroom.open();
    lab.open();
    if (source.live()) runs.connect();
    requestAnimationFrame(() => setTimeout(form.load));
  }

  document.addEventListener("DOMContentLoaded", begin);
  return { KEYS, connect, show };
})();
