// @ts-check
/* The numbers behind a chart, as a table of the moment at which it is asked for. */
"use strict";

const values = (() => {
  const MOST = 24;           // columns of a heatmap, which may have hundreds
  const DIGITS = ".3g";
  const COPIED = 1500;       // milliseconds that the button says so

  /** @typedef {{head: string[], rows: string[][]}} Table its first column names the rows */

  /** @type {(value: unknown) => string} */
  const said = (value) => (typeof value === "number" ? formats.number(DIGITS, value) : String(value ?? ""));

  /**
   * What a figure shows, in rows.
   * @param {Trace[]} data
   * @param {Layout} layout
   * @param {string} title the chart's
   * @param {Map<number, string>} [names] of layers where they stand
   * @returns {Table}
   */
  function table(data, { xaxis, yaxis }, title, names = new Map()) {
    const grid = data.find(({ z }) => z);
    const down = yaxis?.title?.text || "layer";
    if (grid) return cells(grid, down, names);
    return columns(data.filter(({ y, hoverinfo }) => y?.length && (hoverinfo !== "skip" || y.some(Number))), title,
      /step|unit/.exec(xaxis?.title?.text || "")?.[0] || (xaxis?.type === "category" ? "rung" : "layer"), names);
  }

  /**
   * A heatmap's cells: every so manieth step.
   * @param {Trace} grid
   * @param {string} down what its rows are
   * @param {Map<number, string>} names
   * @returns {Table}
   */
  function cells({ x = [], y = [], z = [] }, down, names) {
    const every = Math.ceil(x.length / MOST) || 1;
    const kept = x.map((_, i) => i).filter((i) => i % every === 0);
    return {
      head: [down, ...kept.map((i) => `step ${x[i]}`)],
      rows: z.map((row, i) => [names.get(Number(y[i])) || String(y[i]), ...kept.map((k) => said(row[k]))]),
    };
  }

  /**
   * Lines side by side, a row for each place that any has a value at.
   * @param {Trace[]} data
   * @param {string} title what a line without a name shows
   * @param {string} across what the places are
   * @param {Map<number, string>} names
   * @returns {Table}
   */
  function columns(data, title, across, names) {
    const places = [...new Set(data.flatMap(({ x = [] }) => /** @type {(number | string)[]} */ (x)))];
    if (places.every(Number.isFinite)) places.sort((a, b) => Number(a) - Number(b));
    const at = data.map(({ x = [], y = [], hoverinfo, hovertext = [], customdata = [] }) => new Map(x.map((place, i) =>
      [place, hoverinfo === "text" ? hovertext[i] : said(typeof customdata[i] === "number" ? customdata[i] : y[i])])));
    return {
      head: [across, ...data.map(({ name, hoverinfo }) => name || (hoverinfo === "text" ? "remark" : title))],
      rows: places.map((place) =>
        [(across === "layer" && names.get(Number(place))) || said(place), ...at.map((line) => line.get(place) || "")]),
    };
  }

  /**
   * @param {Table} table
   * @param {string} caption
   */
  function drawn({ head, rows }, caption) {
    /** @type {(tag: "th" | "td", text: string, scope: string) => HTMLElement} */
    const cell = (tag, text, scope) => {
      const made = dom.element(tag, text);
      if (tag === "th") made.setAttribute("scope", scope);
      return made;
    };
    return dom.element("table", dom.element("caption", caption),
      dom.element("thead", dom.element("tr", ...head.map((text) => cell("th", text, "col")))),
      dom.element("tbody", ...rows.map(([first, ...rest]) =>
        dom.element("tr", cell("th", first, "row"), ...rest.map((text) => cell("td", text, ""))))));
  }

  /**
   * Show a chart's numbers.
   * @param {string} key
   */
  function open(key) {
    const { data, layout } = painter.shown(key);
    const title = dom.$(`card-${key}`).querySelector("h3")?.textContent || "";
    const told = table(data, layout, title, groups.named(lab.frame()));
    dom.$("values-table").replaceChildren(told.rows.length
      ? drawn(told, stage.plot(key).getAttribute("aria-label") || title) : "There are no numbers yet.");
    dom.$("values-copy").onclick = () => copy(told);
    dom.$("values", HTMLDialogElement).showModal();
  }

  /**
   * As spreadsheets take it.
   * @param {Table} table
   */
  async function copy({ head, rows }) {
    await navigator.clipboard.writeText([head, ...rows].map((row) => row.join("\t")).join("\n"));
    dom.text("values-copy", "Copied");
    setTimeout(dom.text, COPIED, "values-copy", "Copy");
  }

  /** A button on every chart's card. */
  function connect() {
    for (const { key } of charts.tables().charts) {
      const button = dom.button("Values", () => open(key));
      button.className = "save values";
      dom.$(`card-${key}`).append(button);
    }
  }

  return { connect, table };
})();
