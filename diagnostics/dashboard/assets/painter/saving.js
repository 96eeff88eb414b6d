// @ts-check
/* A chart as a picture to keep, with its title. */
"use strict";

const saving = (() => {
  const SHARP = 2;           // pixels of the picture to one of the page
  const EDGE = 12;           // pixels around
  const TITLE = 1.2;         // of the usual type's size

  /**
   * A button on the chart's card.
   * @param {Sheet} sheet
   */
  function offer(sheet) {
    const card = sheet.plot.closest(".card");
    if (!card) return;
    const button = dom.button("Save picture", () => save(sheet));
    button.className = "save";
    card.append(button);
  }

  /**
   * @param {Sheet} sheet
   */
  function save(sheet) {
    picture(sheet).toBlob((blob) => {
      if (!blob) return;
      const link = dom.element("a");
      link.href = URL.createObjectURL(blob);
      link.download = `gradient-${sheet.key}.png`;
      link.click();
      URL.revokeObjectURL(link.href);
    });
  }

  /**
   * @param {Sheet} sheet
   */
  function picture(sheet) {
    const { figure: { layout }, width, height } = sheet;
    const { size, family, color } = layout.font;
    const head = EDGE + 2 * TITLE * size;
    const canvas = dom.element("canvas");
    paper.resize(canvas, width + 2 * EDGE, height + head + EDGE, SHARP);
    const ctx = paper.clear(canvas, SHARP);
    ctx.fillStyle = layout.paper_bgcolor;
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    const { color: ink } = layout.template.layout.shapedefaults.line;
    let x = EDGE;
    for (const text of words(sheet.plot)) {
      ctx.font = x === EDGE ? `600 ${paper.font(TITLE * size, family)}` : paper.font(size, family);
      ctx.fillStyle = x === EDGE ? ink : color;
      paper.write(ctx, text, x, head / 2, { align: "left" });
      x += ctx.measureText(text).width + 2 * EDGE;
    }
    for (const part of sheets.layers(sheet, SHARP)) ctx.drawImage(part, EDGE, head, width, height);
    return canvas;
  }

  /**
   * What stands over a chart, its title first.
   * @param {HTMLElement} plot
   */
  const words = (plot) =>
    Array.from(plot.closest(".card")?.querySelectorAll("h3, .hint, .legend") || [], (one) => one.textContent)
      .filter((text) => text !== null && text !== "").map(String);

  return { offer };
})();
