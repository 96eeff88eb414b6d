// @ts-check
/* Figures: skeletons that the server sends along, with numbers put into them, and the room that they have. */
"use strict";

const stage = (() => {
  const TYPE = { usual: 13, lecture: 18 };
  const PIXELS = new Set(["size", "width", "thickness", "l", "r", "t", "b"]);
  const SYSTEM = /\b(CanvasText|Canvas|GrayText|Highlight)\b/g;
  const FONTS = new Set(["font", "tickfont", "textfont"]);

  /** @type {Hand | null} who draws instead of the painter */
  let other = null;
  /** @type {Record<string, Figure>} */
  let figures = {};
  let type = TYPE.usual;
  /** @type {Record<string, {of: string, room: Room}>} by the size of the chart */
  let rooms = {};
  /** @type {Record<string, Reach>} how far axes reach that data made longer */
  let ranges = {};

  const hand = () => other || painter;
  /** @type {(given: Hand) => void} */
  const through = (given) => { other = given; };

  /** @type {(key: string) => HTMLElement} */
  const plot = (key) => dom.$(`plot-${key}`);
  /** @type {(key: string) => Figure["layout"]} */
  const layout = (key) => figures[key].layout;
  /** @type {(key: string, i: number) => Trace} */
  const trace = (key, i) => figures[key].data[i];
  /** @type {(key: string) => number} how many traces a figure has */
  const count = (key) => figures[key].data.length;
  const forced = () => !other && matchMedia("(forced-colors: active)").matches;
  const scheme = () => (forced() ? "forced"
    : document.documentElement.getAttribute("data-mantine-color-scheme") === "dark" ? "dark" : "light");
  /**
   * Pixels as they are with the usual type, in the type that there is.
   * @param {number} usual
   */
  const px = (usual) => (usual * type) / TYPE.usual;

  /**
   * A colour of the system's by its name in CSS, as scales of colours take it.
   * @param {string} name
   */
  function system(name) {
    const probe = dom.element("i");
    probe.style.color = name;
    document.body.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  }

  /**
   * A size of letters: in a lecture none is smaller than its type.
   * @param {number} usual
   */
  const letters = (usual) => (type === TYPE.usual ? usual : Math.max(type, px(usual)));

  /** Take new skeletons, in the page's colours and type. */
  function clear() {
    figures = dom.data("skeletons")[scheme()];
    if (forced()) figures = JSON.parse(JSON.stringify(figures).replace(SYSTEM, system));
    rooms = {};
    type = document.body.classList.contains("lecture") ? TYPE.lecture : TYPE.usual;
    enlarge(figures);
  }

  /**
   * Everything that is told in pixels grows with the type.
   * @param {Record<string, any>} part of figures
   * @param {(usual: number) => number} [grown]
   */
  function enlarge(part, grown = px) {
    for (const [key, value] of Object.entries(part)) {
      if (typeof value === "number" && PIXELS.has(key)) part[key] = grown(value);
      else if (value && typeof value === "object") enlarge(value, FONTS.has(key) ? letters : px);
    }
  }

  /**
   * Draw a skeleton.
   * @param {string} key
   * @param {Layout} axes
   */
  const set = (key, axes) => put(key, [], axes);

  /**
   * Put numbers into a figure and draw it.
   * @param {string} key
   * @param {Trace[]} traces
   * @param {Layout} more
   * @param {How} [how]
   */
  function put(key, traces, more = {}, how) {
    traces.forEach((trace, i) => merge(figures[key].data[i], trace));
    merge(layout(key), more);
    hand().draw(key, figures[key], how);
  }

  /**
   * @param {Record<string, any>} target
   * @param {Record<string, any>} source
   */
  function merge(target, source) {
    for (const [key, value] of Object.entries(source)) {
      const nested = value && typeof value === "object" && !Array.isArray(value) && target[key];
      if (nested) merge(target[key], value);
      else target[key] = value;
    }
  }

  /**
   * The room between a chart's axes, as it was when the chart was set or given another size.
   * @param {string} key
   * @returns {Room}
   */
  function room(key) {
    const { width, height } = hand().size(key);
    const of = `${width} × ${height}`;
    if (rooms[key]?.of !== of) rooms[key] = { of, room: between(layout(key), width, height) };
    return rooms[key].room;
  }

  /**
   * @param {Figure["layout"]} layout
   * @param {number} width
   * @param {number} height
   * @returns {Room}
   */
  const between = ({ margin: { l, r, t, b }, font }, width, height) =>
    ({ width: Math.max(80, width - l - r), height: Math.max(60, height - t - b), font: font.size });

  /**
   * How far a chart's axis of values reaches.
   * @param {string} key
   */
  const reach = (key) => ranges[key] || layout(key).yaxis.range;

  /**
   * How far it reaches with new values.
   * @param {string} key
   * @param {(now: Reach, values: Numbers) => Reach} widen
   * @param {Numbers} values
   */
  const widened = (key, widen, values) => (ranges[key] = widen(reach(key), values));

  const forget = () => { ranges = {}; };
  /** @type {(key: string) => void} */
  const fit = (key) => hand().fit(key);

  return {
    through, scheme, plot, layout, trace, count, px, letters, clear, set, put, room, reach, widened, forget, fit,
  };
})();
