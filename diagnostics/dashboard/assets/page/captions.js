// @ts-check
/* The words around the charts: what lines mean, and which step is in sight. */
"use strict";

const captions = (() => {
  /**
   * @param {Shown} next
   * @param {boolean} newest whether the newest step is followed
   */
  function show(next, newest) {
    const view = charts.viewed(next);
    legend.show(next, traces.predicted(next, view)[2].length > 0);
    const [told, exactly] = [words.slopes(next, view), words.decades(next, view)];
    for (const { key } of charts.of("profile")) hint(`${key}-hint`, told, exactly);
    for (const { key, kind } of charts.tables().charts) {
      if (kind === "profile") dom.text(`title-${key}`, view.title);
      if (kind === "heat") dom.text(`title-${key}`, view.course);
    }
    scrubber(next, newest);
    for (const { key, title, kind } of charts.tables().charts) {
      name(stage.plot(key), [title, ...(kind === "profile" ? [view.label] : []), words.step(next, newest)].join(", "));
    }
  }

  /**
   * What a chart is called by who can't see it.
   * @param {HTMLElement} plot
   * @param {string} said
   */
  function name(plot, said) {
    if (plot.getAttribute("aria-label") !== said) plot.setAttribute("aria-label", said);
  }

  /**
   * A sentence beside a chart, and all of it where there is no room, with its numbers.
   * @param {string} id
   * @param {string} said
   * @param {string} exactly
   */
  function hint(id, said, exactly) {
    dom.text(id, said);
    dom.$(id).title = exactly ? `${said} (${exactly})` : said;
  }

  /**
   * @param {Shown} next
   * @param {boolean} newest whether it is followed
   */
  function scrubber(next, newest) {
    const scrub = dom.$("scrub", HTMLInputElement);
    scrub.max = String(Math.max(1, next.newest));
    if (newest || document.activeElement !== scrub) scrub.value = newest ? scrub.max : String(next.now.step);
    const happened = newest ? "" : playback.told(next.now.step);
    dom.text("scrub-label", [words.step(next, newest), happened].filter(Boolean).join(" · "));
    dom.$("latest", HTMLButtonElement).disabled = newest;
  }

  return { show };
})();
