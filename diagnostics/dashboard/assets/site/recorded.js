// @ts-check
/* Recorded runs in the place of a server: they answer what it would. */
"use strict";

const recorded = (() => {
  /** @type {Heard} */
  let told;
  /** @type {Wire.Watch} */
  let watch = {
    run: null, pins: [], before: null, view: "", at: null, query: "", panel: "", part: "", layer: 1,
    visible: true, role: "alone",
  };
  let sequence = 0, painted = true, due = false;
  let asked = "";

  /**
   * Begin with a link, told before the page writes its own into the address.
   * @param {string} search
   */
  function from(search) {
    asked = search;
    return { connect, send, wish };
  }

  /* ---- what is sent ---- */

  /**
   * @param {Heard} heard
   */
  function connect(heard) {
    told = heard;
    told.opened();
    if (asked) wishes.make("link", asked, false);
    else deeds.grant(lab.session(), "lesson", null).then(news, () => {}); // whoever presses Play is told
    requestAnimationFrame(tick);
  }

  function tick() {
    if (player.tick(wishes.pace())) due = true;
    if (due && painted) push();
    requestAnimationFrame(tick);
  }

  const news = () => { due = true; };

  /**
   * @param {Wire.Watch | Wire.Ack} message
   */
  function send(message) {
    if ("ack" in message) {
      painted = message.ack === sequence;
      return;
    }
    watch = message;
    painted = due = true;
  }

  function push() {
    due = false;
    const title = watch.run ? shelf.title(watch.run) : shelf.find(lab.session().lesson, watch.query);
    const film = title && shelf.get(title.id);
    if (!film) return;
    painted = false;
    sequence += 1;
    const message = { sequence, led: null, ...(watch.run ? shots.running(film, watch) : shots.before(film, watch)) };
    if (charts.of("histogram").length) look(title.id, message.learned);
    learned.receive(message);
    told.received(message);
  }

  /**
   * Into the chosen layer, once that has come.
   * @param {string} id
   * @param {Wire.Learned} picture
   */
  function look(id, picture) {
    picture.inside = shelf.inside(id, watch.layer, picture.step || 0);
    if (picture.inside) return;
    shelf.open(`${id}-inside`).then(() => { due ||= shelf.inside(id, watch.layer, 0) !== null; }, () => {});
  }

  /* ---- what is wished ---- */

  /**
   * @param {Wire.Asked} wanted
   * @returns {Promise<Wire.Answer>}
   */
  async function wish({ session, wish: { kind, value } }) {
    try {
      const next = await deeds.grant(session, kind, value);
      return answer(...next);
    } catch (refusal) {
      return answer(session, /** @type {Error} */ (refusal).message);
    }
  }

  /**
   * @param {Wire.Session} session
   * @param {string} [notice]
   * @returns {Wire.Answer}
   */
  function answer(session, notice = "") {
    due = true;
    return { session: { ...session, link: shelf.link(session), yours: true }, values: {}, notice };
  }

  return { from };
})();
