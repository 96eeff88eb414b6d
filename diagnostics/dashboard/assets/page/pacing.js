// @ts-check
/* How often is drawn what comes: as often as the screen is painted. */
"use strict";

const pacing = (() => {
  /**
   * Does at once what comes first since the screen was painted, and all else when it is painted next.
   * @template T
   * @param {(item: T) => void} act
   * @returns {(item: T) => void}
   */
  function of(act) {
    /** @type {T[]} */
    const waiting = [];
    let acted = false;

    function take() {
      acted = waiting.length > 0;
      if (acted) requestAnimationFrame(take);
      waiting.splice(0).forEach(act);
    }

    return (item) => {
      waiting.push(item);
      if (!acted) take();
    };
  }

  return { of };
})();
