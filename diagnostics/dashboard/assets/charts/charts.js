// @ts-check
/* The charts in sight: which there are, and what of a model and of a run they show. */
"use strict";

const charts = (() => {
  const ALL = "all";         // panels, in a report
  const NOTHING = { layers: 21, names: [], now: null }; // instead of a frame, before the first

  let panel = "";
  let part = "";             // what of the model is in sight, everything for none
  /** @type {Wire.Learned | null} the newest picture */
  let pictured = null;

  /** @type {Wire.Tables | undefined} */
  let read;
  /** @type {() => Wire.Tables} */
  const tables = () => (read ||= dom.data("charts"));

  /** @type {(chart: Wire.Chart) => boolean} */
  const shows = ({ place }) => panel === ALL || panel === place || !tables().panels.some(({ key }) => key === place);
  const inSight = () => tables().charts.filter((chart) => shows(chart) && stage.plot(chart.key));

  /**
   * The charts in sight that are drawn in one of these ways.
   * @param {...Wire.Kind} among
   */
  const of = (...among) => inSight().filter(({ kind }) => among.includes(kind));
  const layered = () => of("profile", "layers");
  /** @type {(frame: {view: string}) => Wire.View} */
  const viewed = ({ view }) => tables().views.find(({ key }) => key === view) || tables().views[0];
  /** @type {(frame: {names: string[], layers: number, now: Values}) => Part} */
  const seen = (frame) => (groups.folded(frame.now) ? groups.seen(frame.now) : parts.span(frame, part));

  /**
   * The innermost block, or group, of a layer that can be looked into.
   * @param {Wire.Frame} frame
   * @param {number} layer
   */
  const around = (frame, layer) =>
    groups.around(frame.now, layer) || parts.around(frame.names, seen(frame), layer);

  /**
   * Skeletons for a frame to come, or for one that is drawn anew in other colours.
   * @param {Wire.Frame | null} frame
   */
  function start(frame) {
    stage.clear();
    for (const chart of inSight()) {
      stage.fit(chart.key);
      kinds.set(chart, frame || NOTHING, seen(frame || NOTHING));
    }
  }

  /**
   * Bring a panel in sight.
   * @param {string} next
   */
  function turnTo(next) {
    const { panels } = tables();
    panel = (panels.find(({ key }) => key === next) || panels[0]).key;
    for (const { key } of panels) dom.$(`panel-${key}`).hidden = key !== panel;
    dom.$("layer-label").hidden = !of("ladder", "units").some(({ place }) => place === panel);
  }

  /**
   * Look at a part of the model, or at all of it.
   * @param {string} next
   */
  function narrow(next) {
    if (next === part) return;
    part = next;
    stage.forget();
  }

  /**
   * Whether a chart's row is there: one that is seldom is where any chart of it has numbers.
   * @param {Wire.Chart} chart
   * @param {Shown} frame
   */
  function offered({ key, place }, { now }) {
    const { charts: all, seldom } = tables();
    if (!seldom.includes(place)) return true;
    const row = /** @type {HTMLElement} */ (stage.plot(key).closest(".row"));
    row.hidden = !all.some((chart) => chart.place === place && chart.metric in now.metrics);
    return !row.hidden;
  }

  /**
   * A step's charts.
   * @param {Shown} frame
   * @param {number} layer
   */
  function step(frame, layer) {
    const told = { frame, seen: seen(frame), view: viewed(frame), layer };
    of("profile").forEach((chart) => lead.profile(chart, told));
    of("layers").filter((chart) => offered(chart, frame)).forEach((chart) => kinds.step.layers(chart, told));
    pick(frame, layer);
  }

  /**
   * What hangs on the layer that is chosen.
   * @param {Shown} frame
   * @param {number} layer
   */
  function pick(frame, layer) {
    const told = { frame, seen: seen(frame), view: viewed(frame), layer };
    of("network").forEach((chart) => network.draw(chart, told));
    of("ladder").forEach((chart) => kinds.step.ladder(chart, told));
    inside();
  }

  /** What is in the chosen layer. */
  function inside() {
    if (!pictured) return;
    const { inside: layer } = pictured;
    of("histogram").forEach((chart) => innards.histogram(chart, layer));
    of("members").forEach((chart) => innards.members(chart, layer));
  }

  /**
   * A network is pictured.
   * @param {Wire.Learned} next
   */
  function picture(next) {
    pictured = next;
    inside();
  }

  /**
   * The charts of a whole run.
   * @param {Wire.Frame} frame
   * @param {number} layer
   */
  function history(frame, layer) {
    if (!frame.history) return;
    const told = { frame, history: frame.history, seen: seen(frame), layer };
    const draws = Object.entries(kinds.history);
    for (const [kind, draw] of draws) of(/** @type {Wire.Kind} */ (kind)).forEach((chart) => draw(chart, told));
    of("told").forEach((chart) => lanes.draw(chart, told));
  }

  /**
   * Another step of a run whose history is drawn: its line goes there.
   * @param {Wire.Frame} frame
   */
  const point = (frame) => of("loss", "heat", "clipping", "told").forEach(({ key }) => kinds.point(key, frame));

  /**
   * All of a run that is over, at once.
   * @param {Shown} frame
   */
  function report(frame) {
    panel = ALL;
    alongside.settle(frame);
    start(frame);
    step(frame, 1);
    history(frame, 1);
    legend.show(frame, traces.predicted(frame, viewed(frame))[2].length > 0);
    comparison.show(frame);
  }

  /**
   * Shade the layers that a diagnosis speaks of, on the chart that shows it.
   * @param {string} chart
   * @param {number[]} which
   */
  const mark = (chart, which) => layered().forEach(({ key }) => kinds.shade(key, key === chart ? which : []));

  const fit = () => inSight().forEach(({ key }) => stage.fit(key));

  return {
    tables, picture, start, report, turnTo, narrow, fit, step,
    pick, around, history, point, mark, of, layered, viewed, seen,
  };
})();
