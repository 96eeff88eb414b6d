// @ts-check
/* What the mouse and the keys do, apart from Dash's controls. */
"use strict";

/**
 * @typedef {object} Deeds
 * @property {() => void} watch
 * @property {() => void} redraw in other colours
 * @property {() => void} refit
 * @property {(layer: number) => void} pickLayer
 * @property {(step: number | null) => void} scrubTo
 * @property {(part: string) => void} lookAt
 * @property {(layer: number) => void} lookAround
 */

const desk = (() => {
  /** @type {Record<string, string>} */
  const KEYS = {
    t: "#train", " ": "#pause", ".": "#step", p: "#pin", r: "#reset", escape: "#whole",
    b: "#turns button:first-child", n: "#turns button:last-child",
  };
  const TYPING = "input:not([type=range], [type=radio], [type=checkbox]), textarea, select, [role=combobox]";
  const COPIED = 1500;       // milliseconds that the button says so

  /**
   * The key's button, whatever has the focus; none while somebody types.
   * @param {KeyboardEvent} event
   */
  function buttonOf(event) {
    const target = /** @type {Element} */ (event.target);
    const key = KEYS[event.key.toLowerCase()];
    if (!key || target.closest(TYPING) || event.ctrlKey || event.metaKey || event.altKey) return null;
    return /** @type {HTMLElement | null} */ (document.querySelector(key));
  }

  /**
   * @param {KeyboardEvent} event
   */
  function onKey(event) {
    const button = buttonOf(event);
    if (!button) return;
    event.preventDefault();
    button.click();
  }

  /**
   * Some browsers press what has the focus when space is let go.
   * @param {KeyboardEvent} event
   */
  function onKeyUp(event) {
    if (event.key === " " && buttonOf(event)) event.preventDefault();
  }

  async function share() {
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      prompt("The link to this state:", location.href);
      return;
    }
    dash_clientside.set_props("share", { children: "Copied" });
    setTimeout(() => dash_clientside.set_props("share", { children: "Share" }), COPIED);
  }

  /**
   * Larger type for a lecture hall, kept for the next visit.
   * @param {() => void} refit
   */
  function projector(refit) {
    const on = document.body.classList.toggle("projector");
    localStorage.setItem("projector", on ? "1" : "");
    refit();
  }

  /**
   * @param {string} id
   * @param {string} event
   * @param {(value: string) => void} act told the element's value
   */
  const hear = (id, event, act) => dom.$(id).addEventListener(event, () => act(dom.$(id, HTMLInputElement).value));

  /**
   * @param {Deeds} deeds
   */
  function connect(deeds) {
    document.addEventListener("visibilitychange", deeds.watch);
    document.addEventListener("keydown", onKey);
    document.addEventListener("keyup", onKeyUp);
    hear("share", "click", share);
    hear("projector", "click", () => projector(deeds.refit));
    hear("scrub", "input", (step) => deeds.scrubTo(Number(step)));
    hear("latest", "click", () => deeds.scrubTo(null));
    hear("layer", "input", (layer) => deeds.pickLayer(Number(layer)));
    hear("part", "change", deeds.lookAt);
    hear("whole", "click", () => deeds.lookAt(""));
    onCharts(deeds);
    const scheme = { attributeFilter: ["data-mantine-color-scheme"] };
    new MutationObserver(deeds.redraw).observe(document.documentElement, scheme);
  }

  /**
   * @param {Deeds} deeds
   */
  function onCharts({ pickLayer, lookAt, lookAround }) {
    for (const { key } of charts.layered()) painter.onPoint(key, pickLayer);
    for (const { key } of charts.of("heat")) painter.onPoint(key, (_, layer) => lookAround(layer));
    for (const { key } of charts.of("profile")) painter.onName(key, lookAt);
  }

  /** Begin once Dash has rendered the page. */
  function ready() {
    if (!document.querySelector(".plot")) {
      setTimeout(ready, 30);
      return;
    }
    dom.$("more", HTMLDetailsElement).open = window.innerWidth > 800;
    document.body.classList.toggle("projector", !!localStorage.getItem("projector"));
    lab.open();
  }

  document.addEventListener("DOMContentLoaded", ready);
  return { connect };
})();
