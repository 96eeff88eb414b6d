// @ts-check
/* Who answers: a server, or what was recorded of one. */
"use strict";

const source = (() => {
  /** @type {Source | null} */
  let other = null;

  /** @type {(given: Source) => void} */
  const through = (given) => { other = given; };
  const live = () => other === null;
  const way = () => other || socket;

  return { through, live, way };
})();
