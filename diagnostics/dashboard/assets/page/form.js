// @ts-check
/* Dash's side of the page: the form of settings, which comes after the first picture. */
"use strict";

const form = (() => {
  let ready = false;
  let said = "";
  /** @type {Wire.Answer | null} what the form is to show once it is there */
  let answer = null;

  /** Bring Dash's scripts in, in their order. */
  function load() {
    document.addEventListener("click", more);
    const parts = dom.$("dash", HTMLTemplateElement).content.childNodes;
    document.body.append(...[...parts].map(awake));
  }

  /**
   * Scripts of a template sleep; a copy made by hand runs, and waits for those before it where it has an address.
   * @param {Node} part
   */
  function awake(part) {
    if (!(part instanceof HTMLScriptElement)) return part;
    const made = document.createElement("script");
    for (const { name, value } of part.attributes) made.setAttribute(name, value);
    made.nonce = dom.all("script[nonce]")[0].nonce;
    if (part.src || part.type.includes("json")) made.text = part.text;
    else made.src = URL.createObjectURL(new Blob([part.text], { type: "text/javascript" }));
    made.async = false;
    return made;
  }

  /**
   * Show what an answer says.
   * @param {Wire.Answer} next
   */
  function show(next) {
    answer = next;
    if (!ready) return;
    unfold(next.session);
    keep(next.session);
    dash_clientside.set_props("answer", { data: next });
  }

  /**
   * Settings that are folded away come in sight where they are not the usual ones.
   * @param {Wire.Session} session
   */
  function unfold({ query }) {
    const changed = [...new URLSearchParams(query).keys()].map((field) => dom.$(`wrap-${field}`));
    const folded = dom.$("advanced", HTMLDetailsElement);
    if (changed.some((field) => folded.contains(field))) folded.open = true;
  }

  /**
   * Every option of a group, or the common ones.
   * @param {MouseEvent} event
   */
  function more({ target }) {
    const button = target instanceof Element ? target.closest(".more") : null;
    if (!(button instanceof HTMLElement)) return;
    const open = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", String(open));
    button.dataset.rare ||= button.textContent || "";
    button.textContent = open ? "fewer" : button.dataset.rare;
  }

  /**
   * What a control's change starts from.
   * @param {Wire.Session} session
   */
  const keep = (session) => dash_clientside.set_props("session", { data: { session, pace: wishes.pace() } });

  /* ---- what Dash asks for ---- */

  /**
   * A control was changed, or refused; nothing, when the form has just come.
   * @param {{session: Wire.Linked | null, notice: string} | undefined} told
   */
  function changed(told) {
    if (told) {
      if (told.session && !classroom.follows()) lab.change(told.session);
      if (told.notice !== said) dom.text("notice", said = told.notice); // what others said stays
    } else if (answer) {
      ready = true;
      setTimeout(show, 0, answer);
    }
    return "";
  }

  /**
   * Each control's value, in the order of the form's fields.
   * @param {Wire.Answer} told
   */
  const values = ({ values: shown }) => Object.values(shown);

  return { load, show, keep, changed, values };
})();
