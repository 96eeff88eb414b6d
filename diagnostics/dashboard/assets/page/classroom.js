// @ts-check
/* A class room: students follow the presenter's page or go their own way; the presenter sees all their runs. */
"use strict";

const classroom = (() => {
  /** @type {Wire.Room | null} */
  let room = null;
  /** @type {Wire.Role} */
  let part = "alone";

  const role = () => part;
  const follows = () => part === "follows";

  /** Said to a student: whom the page follows, and how to do otherwise. */
  function tell() {
    dom.$("follows").hidden = !follows();
    dom.$("alone").hidden = follows();
  }

  /**
   * @param {Wire.Role} next
   */
  function become(next) {
    if (part === next) return;
    part = next;
    if (room?.role !== "presents") tell();
    lab.look({}); // which says so to the server
    const frame = lab.frame();
    if (frame) header.show(frame, company.stand(frame, lab.session()));
  }

  /** Whoever does something of one's own follows nobody. */
  function leave() {
    if (follows()) become("alone");
  }

  /**
   * The presenter went elsewhere: the same run and step, looked at as before.
   * @param {Wire.Answer} led
   */
  function adopt(led) {
    if (!follows()) return;
    const { view, panel, layer, part: own, run } = lab.state();
    const session = { ...led.session, view, panel, layer, part: run === led.session.run ? own : "" };
    lab.adopt({ ...led, session }, false);
  }

  function open() {
    room = dom.data("room");
    if (!room) return;
    part = room.role;
    if (part === "presents") wall.connect((on) => become(on ? "presents" : "alone"));
    else dom.$("follow").addEventListener("click", () => become("follows"));
  }

  return { open, role, follows, leave, adopt };
})();
