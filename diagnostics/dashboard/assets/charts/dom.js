// @ts-check
/* Elements of the page: finding and filling them. */
"use strict";

const dom = (() => {
  /**
   * The element with an id, which the page is known to have.
   * @template {HTMLElement} T
   * @param {string} id
   * @param {new () => T} [kind] what it is, where more than an HTMLElement is asked of it
   * @returns {T}
   */
  const $ = (id, kind) => /** @type {T} */ (document.getElementById(id)); // eslint-disable-line no-unused-vars

  /**
   * The elements that a selector finds.
   * @param {string} selector
   */
  const all = (selector) => /** @type {HTMLElement[]} */ ([...document.querySelectorAll(selector)]);

  /**
   * What the server embedded in the page.
   * @param {string} id
   */
  const data = (id) => JSON.parse($(id).textContent || "");

  /**
   * @param {string} id
   * @param {string} words
   */
  function text(id, words) {
    if ($(id).textContent !== words) $(id).textContent = words;
  }

  /**
   * Children are renewed only where what they show has changed.
   * @template T
   * @param {string} id
   * @param {T[]} items
   * @param {(item: T) => Node} make
   */
  function fill(id, items, make) {
    const key = JSON.stringify(items);
    if ($(id).dataset.key === key) return;
    $(id).dataset.key = key;
    $(id).replaceChildren(...items.map(make));
  }

  /**
   * @param {string} label
   * @param {() => void} act
   */
  function button(label, act, detail = "") {
    const made = element("button", label);
    if (detail) made.append(element("small", detail));
    made.onclick = act;
    return made;
  }

  /**
   * @template {keyof HTMLElementTagNameMap} T
   * @param {T} tag
   * @param {...(string | Node)} children
   */
  function element(tag, ...children) {
    const made = document.createElement(tag);
    made.append(...children);
    return made;
  }

  return { $, all, data, text, fill, button, element };
})();
