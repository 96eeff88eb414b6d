// @ts-check
/* The presenter's wall: where students come in, and all their runs in small. */
"use strict";

const wall = (() => {
  const EVERY = 1500;        // milliseconds between looks
  const SVG = "http://www.w3.org/2000/svg";

  /** @type {Map<string, {box: HTMLButtonElement, said: string}>} by run */
  const known = new Map();

  const dialog = () => dom.$("class", HTMLDialogElement);

  async function look() {
    if (!dialog().open || document.hidden) return;
    const answer = await fetch("/wall").catch(() => null);
    if (answer?.ok) show(await answer.json());
  }

  /**
   * @param {Wire.Wall} found
   */
  function show({ tiles, following, more }) {
    const told = [count(following, "page follows", "pages follow"), count(tiles.length + more, "run", "runs")];
    dom.text("class-count", told.join(" · ") + (more ? `, the newest ${tiles.length} of them here` : ""));
    dialog().classList.toggle("busy", tiles.length > 0);
    dom.$("class-none").hidden = tiles.length > 0;
    hang(tiles);
  }

  /**
   * Each keeps its place, and what has the focus keeps it; what changed is painted anew.
   * @param {Wire.Tile[]} tiles
   */
  function hang(tiles) {
    const ids = new Set(tiles.map(({ run }) => run));
    for (const [run, { box }] of known) if (!ids.has(run)) { box.remove(); known.delete(run); }
    for (const tile of tiles) {
      const one = known.get(tile.run) || { box: hook(tile.run), said: "" };
      const said = JSON.stringify([stage.scheme(), tile]);
      if (one.said !== said) paint(one.box, tile);
      known.set(tile.run, { ...one, said });
    }
  }

  /**
   * @param {string} run
   */
  function hook(run) {
    const box = dom.button("", () => { dialog().close(); wishes.make("run", run); });
    box.type = "button";
    dom.$("class-wall").append(box);
    return box;
  }

  /** @type {(number: number, one: string, many: string) => string} */
  const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;

  /**
   * @param {HTMLElement} box
   * @param {Wire.Tile} tile
   */
  function paint(box, { number, title, state, step, tone, verdict, decades, loss }) {
    box.dataset.kind = tone || "";
    const now = words.STATES[state];
    const told = [`#${number} ${title}`, step ? `${now}, step ${step}` : ""].map((line) => dom.element("small", line));
    box.replaceChildren(strip(decades), spark.of(loss), dom.element("b", verdict || now), ...told);
  }

  /**
   * Its layers, from the input, in the network's colours.
   * @param {Numbers} decades
   */
  function strip(decades) {
    const { colorscale = [], zmin = 0, zmax = 1 } = stage.trace("network", 0);
    const colours = paper.scaled(colorscale);
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", "layers");
    svg.setAttribute("viewBox", `0 0 ${Math.max(1, decades.length)} 1`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    decades.forEach((value, i) => {
      const fill = value === null ? "var(--edge)" : colours[paper.step(value, zmin, zmax)];
      const box = document.createElementNS(SVG, "rect");
      const places = { x: i + 0.1, y: 0, width: 0.8, height: 1, fill };
      for (const [key, place] of Object.entries(places)) box.setAttribute(key, String(place));
      svg.append(box);
    });
    return svg;
  }

  function open() {
    dialog().showModal();
    look();
  }

  /**
   * @param {(on: boolean) => void} present told whether students follow this page
   */
  function connect(present) {
    dialogs.leavable("class");
    dom.$("class-open").addEventListener("click", open);
    dom.$("class-leads", HTMLInputElement).addEventListener("change", ({ target }) =>
      present(/** @type {HTMLInputElement} */ (target).checked));
    setInterval(look, EVERY);
    if (!location.search) open();
  }

  return { connect };
})();
