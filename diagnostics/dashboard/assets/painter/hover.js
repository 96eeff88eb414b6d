// @ts-check
/* What lies under the pointer or the finger, and the words about it. */
"use strict";

/** @typedef {{x: number, y: number, words: string, value: {x: number, y: number}}} Hit in pixels; with its values */

const hover = (() => {
  const REACH = 28;          // pixels to the nearest point
  const ALIKE = 8;           // pixels up or down that make no difference: then the first trace speaks
  const AWAY = 12;           // pixels from it to its words

  /**
   * @param {Trace} trace
   * @param {Record<string, unknown>} point
   */
  function words({ hoverinfo, hovertemplate }, point) {
    if (hoverinfo === "text") return String(point.hovertext ?? "");
    return hoverinfo !== "skip" && hovertemplate ? formats.filled(hovertemplate, point) : "";
  }

  /**
   * The nearest point or the cell at a place, null where there is none.
   * @param {Sheet} sheet
   * @param {number} px
   * @param {number} py
   * @returns {Hit | null}
   */
  function under({ figure, area: within, places }, px, py) {
    if (!within) return null;
    /** @type {Hit | null} */
    let best = null;
    let least = [REACH, REACH * 100];
    figure.data.forEach((trace, n) => {
      if (trace.z) best = cell(trace, within, px, py) || best;
      const { x, y } = places[n];
      for (let i = 0; i < y.length; i++) {
        const [dx, dy] = [Math.abs(x[i] - px), Math.round(Math.abs(y[i] - py) / ALIKE)];
        if (!(dx < least[0] || (dx === least[0] && dy < least[1]))) continue;
        const hit = point(trace, i, x[i], y[i]);
        if (hit) [best, least] = [hit, [dx, dy]];
      }
    });
    return best;
  }

  /**
   * @param {Trace} trace
   * @param {number} i
   * @param {number} px
   * @param {number} py
   * @returns {Hit | null}
   */
  function point(trace, i, px, py) {
    const { x = [], y = [], text = [], hovertext = [], customdata = [] } = trace;
    const value = { x: Number(x[i]), y: Number(y[i]) };
    const told = { ...value, x: x[i], text: text[i], hovertext: hovertext[i], customdata: customdata[i] ?? "" };
    const said = Number.isFinite(py) ? words(trace, told) : "";
    return said ? { x: px, y: py, words: said, value } : null;
  }

  /**
   * @param {Trace} trace
   * @param {Area} within
   * @param {number} px
   * @param {number} py
   * @returns {Hit | null}
   */
  function cell(trace, within, px, py) {
    const found = heat.under(trace, within, px, py);
    if (!found) return null;
    const { row, column } = found;
    const { x = [], y = [], z = [], customdata = [] } = trace;
    const z0 = z[row][column];
    const value = { x: Number(x[column]), y: Number(y[row]) };
    const told = { ...value, z: z0, customdata: /** @type {string[][]} */ (customdata)[row]?.[column] ?? "" };
    return z0 === null ? null : { x: px, y: py, words: words(trace, told), value };
  }

  /**
   * Show what is at a place, or nothing.
   * @param {Sheet} sheet
   */
  function show(sheet) {
    const { tip, at, width } = sheet;
    const hit = at && under(sheet, at.x, at.y);
    tip.hidden = !hit;
    if (!hit) return;
    if (tip.textContent !== hit.words) tip.textContent = hit.words;
    const left = hit.x + AWAY + tip.offsetWidth > width ? hit.x - AWAY - tip.offsetWidth : hit.x + AWAY;
    const top = Math.max(0, hit.y - AWAY - tip.offsetHeight);
    tip.style.transform = `translate(${Math.max(0, left)}px, ${top}px)`;
  }

  /**
   * Where the pointer is on a chart, null where it has left.
   * @param {Sheet} sheet
   * @param {MouseEvent | null} event
   */
  function move(sheet, event) {
    sheet.at = event && place(sheet, event);
    const { at } = sheet;
    const live = at && (notes.under(sheet.notes, at.x, at.y) || (sheet.onPoint && under(sheet, at.x, at.y)));
    sheet.plot.style.cursor = live ? "pointer" : "";
    show(sheet);
  }

  /**
   * A click on a name or on a point.
   * @param {Sheet} sheet
   * @param {MouseEvent} event
   */
  function press(sheet, event) {
    const { x, y } = place(sheet, event);
    const note = notes.under(sheet.notes, x, y);
    if (note && sheet.onName) sheet.onName(note.name);
    const hit = note ? null : under(sheet, x, y);
    if (hit && sheet.onPoint) sheet.onPoint(hit.value.x, hit.value.y);
  }

  /**
   * @param {Sheet} sheet
   * @param {MouseEvent} event
   */
  function place({ plot }, { clientX, clientY }) {
    const { left, top } = plot.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  /**
   * Follow mouse and fingers: a finger's words stay until another place is touched.
   * @param {Sheet} sheet
   */
  function follow(sheet) {
    const { plot } = sheet;
    plot.addEventListener("pointermove", (event) => move(sheet, event));
    plot.addEventListener("pointerdown", (event) => move(sheet, event));
    plot.addEventListener("pointerleave", ({ pointerType }) => { if (pointerType === "mouse") move(sheet, null); });
    plot.addEventListener("click", (event) => press(sheet, event));
    document.addEventListener("pointerdown", ({ target }) => {
      if (sheet.at && !plot.contains(/** @type {Node} */ (target))) move(sheet, null);
    });
  }

  return { follow, show, under };
})();
