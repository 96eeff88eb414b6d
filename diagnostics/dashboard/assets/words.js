/* What the page says: the verdict with its remedies, and the lesson. */
"use strict";

window.words = (() => {
  const $ = (id) => document.getElementById(id);
  const SIGNS = { vanishing: "↘", exploding: "↗", healthy: "✓", lost: "◌" };

  /* The diagnosis chosen of several, else the gravest, and what helps. */
  function tell(verdict, chosen, choose) {
    const first = verdict.find((found) => found.rule === chosen) || verdict[0];
    if (!first) return;
    const since = first.since_step > 1 && first.rule !== "diverged" ? ` Since step ${first.since_step}.` : "";
    $("verdict").dataset.kind = first.tone;
    $("sign").textContent = SIGNS[first.tone];
    text("verdict-title", first.title);
    $("verdict-title").title = first.help || "";
    text("verdict-text", first.sentence + since);
    fill("also", verdict.filter((found) => found !== first), ({ rule, title }) => button(title, () => choose(rule)));
    fill("remedies", first.remedies, remedy);
    charts.mark(first.rule === "healthy" ? "" : first.chart, first.layers || []);
    document.querySelectorAll(".card").forEach((card) => card.classList.toggle("shown-by", first.rule !== "healthy" && card.id === `card-${first.chart}`));
    charts.keys().forEach((chart) => $(`plot-${chart}`).setAttribute("aria-description", first.sentence));
  }

  /* Children are renewed only where what they show has changed. */
  function fill(id, items, make) {
    const key = JSON.stringify(items);
    if ($(id).dataset.key === key) return;
    $(id).dataset.key = key;
    $(id).replaceChildren(...items.map(make));
  }

  function button(label, act, detail = "") {
    const element = document.createElement("button");
    element.append(label);
    if (detail) element.append(Object.assign(document.createElement("small"), { textContent: detail }));
    element.onclick = act;
    return element;
  }

  const wish = (data) => dash_clientside.set_props("wish", { data: { ...data, at: Date.now() } });
  const remedy = ({ label, changes, effect }) =>
    Object.keys(changes).length ? button(label, () => wish({ changes }), effect) : advice(label, effect);

  /* What to do about a model that is not ours to change. */
  function advice(label, words) {
    const element = Object.assign(document.createElement("div"), { className: "advice" });
    element.append(Object.assign(document.createElement("b"), { textContent: label }), words);
    return element;
  }

  /* ---- lessons ---- */

  /* The lesson that a session is in, if any. */
  function lesson(session) {
    const all = JSON.parse($("lessons").textContent);
    const place = all.findIndex(({ key }) => key === session.lesson);
    $("lesson-card").hidden = place < 0;
    if (place < 0) return;
    const { title, sentences, source, scenes } = all[place];
    text("lesson-title", `${place + 1}. ${title}`);
    text("lesson-text", sentences.join(" "));
    text("lesson-source", source);
    fill("scenes", scenes.map((scene) => ({ ...scene, on: scene.query === session.query })), ({ on, label, ...scene }) => {
      const made = button(label, () => wish(scene));
      made.setAttribute("aria-pressed", on);
      return made;
    });
    const go = (step) => () => wish({ lesson: all[place + step].key });
    fill("turns", [place], () => {
      const turns = [button("← Back", go(-1)), button("Next →", go(1))];
      turns.forEach((turn, i) => { turn.title = `key ${"BN"[i]}`; });
      turns[0].disabled = place === 0;
      turns[1].disabled = place === all.length - 1;
      const span = document.createElement("span");
      span.append(...turns);
      return span;
    });
  }

  function text(id, words) {
    if ($(id).textContent !== words) $(id).textContent = words;
  }

  return { text, fill, tell, lesson };
})();
