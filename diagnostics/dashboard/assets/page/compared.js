// @ts-check
/* The runs compared with the one in sight, which are looked at and left from their table. */
"use strict";

const compared = (() => {
  /** @type {Choosing} */
  const choosing = {
    kept: (run) => lab.session().pins.includes(run),
    look: (run) => { wishes.make("run", run); },
    leave: (run) => { wishes.make("pin", run); },
  };

  /** @type {(frame: Wire.Frame) => void} */
  const show = (frame) => comparison.show(frame, choosing);
  const clear = () => { dom.$("compared").hidden = true; };

  return { show, clear };
})();
