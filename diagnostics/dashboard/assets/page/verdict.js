// @ts-check
/* The verdict with its remedies. */
"use strict";

const verdict = (() => {
  const IDLE = {
    title: "Measuring this network",
    sentence: "Each point will be one layer's gradient. Blue has vanished, red explodes, grey is healthy.",
  };

  /**
   * The diagnosis chosen of several, else the gravest, and what helps.
   * @param {Wire.Verdict[]} found
   * @param {string | null} chosen a rule
   * @param {(rule: string) => void} choose
   */
  function tell(found, chosen, choose) {
    const first = found.find(({ rule }) => rule === chosen) || found[0];
    if (!first) return;
    dom.$("verdict").dataset.kind = first.tone;
    dom.text("verdict-title", first.title);
    dom.text("spoken", first.title); // one sentence when the diagnosis changes, not at each of its numbers
    ask(first.rule);
    dom.text("verdict-text", words.sentence(first));
    dom.fill("also", found.filter((one) => one !== first), ({ rule, title }) => dom.button(title, () => choose(rule)));
    open(first);
    remedies.show(first.rule, first.remedies, (changes) => wishes.make("changes", changes));
    point(first);
  }

  /**
   * A button to the group of a large model that a diagnosis speaks of.
   * @param {Wire.Verdict | Wire.Placed} told
   */
  function open(told) {
    if ("part" in told && told.part) dom.$("also").append(dom.button(`Open ${told.part}`, () => lab.lookAt(told.part)));
  }

  /**
   * The ? that says when a rule speaks.
   * @param {string} rule
   */
  function ask(rule) {
    const button = dom.$("verdict-ask");
    button.dataset.help = `rule-${rule}`;
    button.hidden = !asking.knows(button.dataset.help);
  }

  /**
   * Show which chart a diagnosis speaks of.
   * @param {Wire.Verdict} told
   */
  function point({ tone, chart, layers, sentence }) {
    const shown = tone === "healthy" ? "" : chart;
    charts.mark(shown, layers);
    dom.$("region").hidden = shown !== "lead" || !layers.length;
    for (const { key } of charts.tables().charts) {
      dom.$(`card-${key}`).classList.toggle("shown-by", key === shown);
      stage.plot(key).setAttribute("aria-description", sentence);
    }
  }

  /** Nothing is known yet. */
  function clear() {
    dom.text("verdict-title", IDLE.title);
    dom.text("verdict-text", IDLE.sentence);
    delete dom.$("verdict").dataset.kind;
    dom.fill("also", [], (title) => dom.button(title, () => {}));
    remedies.show("", [], () => {});
    charts.mark("", []);
    dom.$("region").hidden = true;
    ask("");
  }

  return { tell, clear };
})();
