// @ts-check
/* Plotly's side of the charts: plain elements that it draws into, from skeletons that the server sends along. */
"use strict";

const stage = (() => {
  const AT_ONCE = { mode: "immediate", transition: { duration: 0 }, frame: { duration: 0, redraw: false } };
  const OPTIONS = { displaylogo: false, responsive: true, modeBarButtons: [["toImage"]] };
  const TYPE = { usual: 13, projector: 18 };

  /** @type {Record<string, Figure>} */
  let figures = {};
  /** @type {Record<string, string>} what of each chart was last drawn, apart from its heights */
  let shapes = {};
  /** @type {Record<string, Room>} */
  let rooms = {};
  /** @type {Record<string, Reach>} how far axes reach that data made longer */
  let ranges = {};

  /** @type {(key: string) => Plot} */
  const plot = (key) => /** @type {Plot} */ (dom.$(`plot-${key}`));
  /** @type {(key: string) => Figure["layout"]} */
  const layout = (key) => figures[key].layout;
  const scheme = () =>
    (document.documentElement.getAttribute("data-mantine-color-scheme") === "dark" ? "dark" : "light");

  /** Take new skeletons, in the page's colours. */
  function clear() {
    figures = dom.data("skeletons")[scheme()];
    shapes = {};
    rooms = {};
    const size = document.body.classList.contains("projector") ? TYPE.projector : TYPE.usual;
    for (const { layout: own } of Object.values(figures)) own.font.size = size;
  }

  /**
   * Draw a skeleton.
   * @param {string} key
   * @param {Layout} axes
   */
  function set(key, axes) {
    merge(layout(key), axes);
    const options = { ...OPTIONS, toImageButtonOptions: { filename: `gradient-${key}`, scale: 2 } };
    Plotly.react(plot(key), figures[key].data, layout(key), options);
  }

  /**
   * Points that move are animated, which is cheapest; anything else on a chart redraws it.
   * @param {string} key
   * @param {Trace[]} traces
   * @param {Layout} more
   */
  function put(key, traces, more = {}) {
    const { data } = figures[key];
    const shape = JSON.stringify([more, data.map((_, i) => traces[i] && [traces[i].x, traces[i].text])]);
    const moved = shapes[key] === shape;
    shapes[key] = shape;
    traces.forEach((trace, i) => merge(data[i], trace));
    merge(layout(key), more);
    if (moved) {
      Plotly.animate(plot(key), { data: traces, traces: traces.map((_, i) => i) }, AT_ONCE);
    } else {
      layout(key).datarevision = (layout(key).datarevision || 0) + 1;
      Plotly.react(plot(key), data, layout(key));
    }
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
   * The room between a chart's axes, as it was when the chart was set.
   * @param {string} key
   */
  function room(key) {
    const { clientWidth, clientHeight } = plot(key);
    const { margin, font } = layout(key);
    rooms[key] ||= {
      width: Math.max(80, clientWidth - margin.l - margin.r),
      height: Math.max(60, clientHeight - margin.t - margin.b),
      font: font.size,
    };
    return rooms[key];
  }

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
  const fit = (key) => Plotly.Plots.resize(plot(key));

  return { plot, layout, clear, set, put, room, reach, widened, forget, fit };
})();
