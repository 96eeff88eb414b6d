/* What is wrong with a page as it stands in its window, in sentences; none where all is well.
   Words on canvases count as words of the page: `ink.js` has noted where they were painted. */
"use strict";

const room = (() => {
  const SLIGHT = 2;          // pixels that nobody sees
  const SEEN = { checkOpacity: true, checkVisibilityCSS: true, contentVisibilityAuto: true };
  const TARGETS = "a[href], button, input, select, textarea, summary, [role=slider], [role=switch]";

  const all = (selector) => [...document.querySelectorAll(selector)];
  const seen = (element) => element.checkVisibility(SEEN) && !element.closest(".unseen, ._dash-loading");
  const short = (text) => `“${text.trim().replace(/\s+/g, " ").slice(0, 40)}”`;
  const wide = ({ left, right }) => right - left;
  const tall = ({ top, bottom }) => bottom - top;
  const shared = (a, b) => ({
    left: Math.max(a.left, b.left), right: Math.min(a.right, b.right),
    top: Math.max(a.top, b.top), bottom: Math.min(a.bottom, b.bottom),
  });
  const open = ({ overflowX: x, overflowY: y }) => ({ x: x === "visible", y: y === "visible" });
  const above = (element) => {
    const found = [];
    for (let one = element; one && one !== document.body; one = one.parentElement) found.push(one);
    return found;
  };

  /** Words with their boxes: of text, and of what is painted. */
  function words() {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const owner = node.parentElement;
      if (!node.data.trim() || /^(SCRIPT|STYLE|TEMPLATE|OPTION)$/.test(owner.tagName) || !seen(owner)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const size = parseFloat(getComputedStyle(owner).fontSize);
      const boxes = [...range.getClientRects()].filter(({ width }) => width > 0);
      if (boxes.length) found.push({ text: node.data, owner, size, boxes });
    }
    return [...found, ...painted()];
  }

  function painted() {
    return all(".plot canvas").filter(seen).flatMap((canvas) => {
      const { left, top, width } = canvas.getBoundingClientRect();
      const ratio = canvas.width / width;
      return (window.inks.get(canvas) || []).map(({ text, box, size }) => ({
        text, owner: canvas, size: size / ratio, boxes: [{
          left: left + box.left / ratio, right: left + box.right / ratio,
          top: top + box.top / ratio, bottom: top + box.bottom / ratio,
        }],
      }));
    });
  }

  /** What of a box is not cut off by what is around it; null where something that scrolls hides it. */
  function cut(box, owner) {
    let left = box;
    for (const one of above(owner)) {
      const style = getComputedStyle(one);
      const free = open(style);
      if (free.x && free.y) continue;
      const around = one.getBoundingClientRect();
      left = shared(left, around);
      const scrolls = /auto|scroll/.test(style.overflowX + style.overflowY);
      if (scrolls) return wide(left) > 0 && tall(left) > 0 ? box : null;
    }
    return left;
  }

  function clipped({ text, owner, boxes }) {
    const lost = boxes.some((box) => {
      const left = cut(box, owner);
      return left && (wide(box) - wide(left) > SLIGHT || tall(box) - tall(left) > 0.3 * tall(box));
    });
    return lost ? [`${short(text)} is cut off`] : [];
  }

  /** Of a button's words, what lies beyond its edge. */
  function spilt({ text, owner, boxes }) {
    const button = owner.closest("button");
    const edge = button && button.getBoundingClientRect();
    const out = edge && boxes.some((box) => cut(box, owner) && tall(shared(box, edge)) < tall(box) - SLIGHT);
    return out ? [`${short(text)} sticks out of its button`] : [];
  }

  /** What stays where it is while the page scrolls lies over what scrolls, as is meant. */
  const layer = (owner) => above(owner).find((one) =>
    /sticky|fixed/.test(getComputedStyle(one).position) || one.matches("dialog")) || null;

  function overlaps(found) {
    const boxes = found.flatMap(({ text, owner, boxes: own }) => {
      const on = layer(owner);
      return own.map((box) => ({ text, owner, on, box })).filter(({ box }) => cut(box, owner));
    });
    boxes.sort((a, b) => a.box.top - b.box.top);
    return boxes.flatMap((one, i) => {
      const said = [];
      for (let k = i + 1; k < boxes.length && boxes[k].box.top < one.box.bottom; k++) {
        const other = boxes[k];
        const both = shared(one.box, other.box);
        const meet = wide(both) > SLIGHT && tall(both) > Math.max(SLIGHT, 0.25 * tall(one.box));
        if (meet && one.on === other.on) said.push(`${short(one.text)} and ${short(other.text)} overlap`);
      }
      return said;
    });
  }

  function sideways() {
    const { scrollWidth, clientWidth } = document.documentElement;
    const out = all("body *").filter((one) => seen(one) && one.getBoundingClientRect().right > clientWidth + 1);
    const where = out.slice(0, 3).map(({ id, className, tagName }) => id || className || tagName).join(", ");
    return scrollWidth > clientWidth ? [`the page is ${scrollWidth - clientWidth} px too wide: ${where}`] : [];
  }

  function scrolls() {
    const { scrollHeight, clientHeight } = document.documentElement;
    return scrollHeight > clientHeight ? [`the page is ${scrollHeight - clientHeight} px too tall`] : [];
  }

  /** The largest of a control's labels: each may be pressed. */
  const tallest = (control) => [...(control.labels || []), control].filter(seen)
    .sort((a, b) => b.offsetWidth * b.offsetHeight - a.offsetWidth * a.offsetHeight)[0] || control;

  /** What is pressed to reach a control: a hidden radio's label, a slider's whole track. */
  const pressed = (control) => (control.matches("input[type=radio], input[type=checkbox], [role=switch]")
    ? tallest(control) : control.matches("[role=slider]:not(input)")
      ? control.closest(".mantine-Slider-trackContainer") || control : control);
  const inline = (one) => one.matches("a, p button") && getComputedStyle(one).display === "inline";

  function targets(least) {
    const found = new Set(all(TARGETS).map(pressed).filter((one) => seen(one) && !inline(one)));
    return [...found].flatMap((one) => {
      const box = one.getBoundingClientRect();
      const small = [box.width, box.height].some((side) => side > 1 && side < least - 0.5);
      const name = one.getAttribute("aria-label") || one.textContent || one.id;
      return small ? [`${short(name)} is ${Math.round(box.width)} × ${Math.round(box.height)} px to press`] : [];
    });
  }

  const smaller = (found, least, where) => found.filter(({ size }) => size < least - 0.05)
    .map(({ text, size }) => `${short(text)} is ${size.toFixed(1)} px ${where}`);

  /**
   * @param {{type: number, lesson: number, target: number, scroll: boolean}} rules least sizes in pixels
   */
  function findings({ type, lesson, target, scroll }) {
    const found = words();
    const taught = found.filter(({ owner }) => owner.closest("#lesson-title, #lesson-text"));
    return [...new Set([
      ...sideways(), ...(scroll ? [] : scrolls()), ...found.flatMap(clipped), ...found.flatMap(spilt),
      ...overlaps(found),
      ...smaller(found, type, "small"), ...smaller(taught, lesson, "small for a lesson"), ...targets(target),
    ])];
  }

  return { findings };
})();

globalThis.room = room;
