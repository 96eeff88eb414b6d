// @ts-check
/* Draws charts on canvases: figures in the few words of Plotly's that `figures.py` and `charts/` use. */
"use strict";

const painter = (() => {
  const MOVE = 500;          // milliseconds that a line takes from one network to the next

  /** @type {Map<string, Sheet>} */
  const known = new Map();
  /** @type {Set<Sheet>} */
  const waiting = new Set();
  /** @type {ResizeObserver | null} */
  let observer = null;

  /**
   * @param {ResizeObserverEntry[]} seen
   */
  const resized = (seen) => seen.forEach(({ target }) => {
    for (const one of known.values()) if (one.plot === target) measure(one);
  });

  /**
   * @param {string} key
   * @returns {Sheet}
   */
  function sheet(key) {
    const plot = dom.$(`plot-${key}`);
    const found = known.get(key);
    if (found && found.plot === plot) return found;
    const made = sheets.of(key, plot);
    known.set(key, made);
    observer ||= new ResizeObserver(resized);
    observer.observe(plot);
    hover.follow(made);
    saving.offer(made);
    measure(made);
    return made;
  }

  /**
   * @param {Sheet} one
   */
  function measure(one) {
    const { clientWidth, clientHeight } = one.plot;
    if (one.width === clientWidth && one.height === clientHeight) return;
    Object.assign(one, { width: clientWidth, height: clientHeight });
    sheets.paint(one); // at once, lest the old picture be seen in the new room
  }

  /**
   * Everything that a task draws on a chart is painted once, when it has ended.
   * @type {Hand["draw"]}
   */
  function draw(key, figure, { morph, pulse: trace } = {}) {
    const one = sheet(key);
    if (morph !== undefined) begin(one, morph, figure);
    else if (one.move && !same(one.move.to, figure.data[one.move.trace].y || [])) one.move = null;
    one.figure = figure;
    if (!waiting.size) queueMicrotask(flush);
    waiting.add(one);
    if (trace !== undefined) pulse.run(one, trace);
  }

  function flush() {
    const all = [...waiting];
    waiting.clear();
    all.forEach(sheets.paint);
  }

  /** @type {(one: Numbers, other: Numbers) => boolean} */
  const same = (one, other) => one.length === other.length && one.every((value, i) => value === other[i]);

  /**
   * Let a line go from where it was painted last to where it is now, unless motion is unwelcome.
   * @param {Sheet} one
   * @param {number} trace
   * @param {Figure} figure
   */
  function begin(one, trace, figure) {
    const from = one.values[trace];
    if (!from || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const move = { trace, from, to: figure.data[trace].y || [], share: 0 };
    one.move = move;
    const began = performance.now();
    requestAnimationFrame(function go(now) {
      if (one.move !== move) return; // another frame has come meanwhile
      const time = Math.max(0, Math.min(1, (now - began) / MOVE));
      move.share = 1 - (1 - time) ** 3;
      if (time === 1) one.move = null;
      else requestAnimationFrame(go);
      sheets.paint(one);
    });
  }

  /** @type {Hand["fit"]} */
  const fit = (key) => measure(sheet(key));
  /** @type {Hand["size"]} */
  const size = (key) => sheet(key);

  /**
   * Be told the values of a point or cell that is clicked.
   * @param {string} key
   * @param {(x: number, y: number) => void} act
   */
  function onPoint(key, act) { sheet(key).onPoint = act; }

  /**
   * Be told the name of an annotation that is clicked.
   * @param {string} key
   * @param {(name: string) => void} act
   */
  function onName(key, act) { sheet(key).onName = act; }

  /**
   * What a chart shows: its figure with all numbers, and where on the chart it is, in pixels.
   * @param {string} key
   */
  function shown(key) {
    const { figure: { data, layout }, area: within, places, notes: names } = sheet(key);
    return { data, layout, inner: within && within.inner, ticks: within && within.ticks, places, notes: names };
  }

  return { draw, fit, size, onPoint, onName, shown };
})();
