"""What our own painter draws, in a real Chromium."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
PREVIEW = "lab.frame()?.state === 'preview' && painter.shown('lead').data[1].y.length > 0"


def _previewed(page: Page) -> None:
    page.wait_for_function(PREVIEW)


def test_the_nearest_point_speaks_to_mouse_and_finger_and_a_click_chooses_its_layer(
    opened: Open,
) -> None:
    page = opened("?activation=sigmoid&depth=10", has_touch=True)
    _previewed(page)
    lead, tip = page.locator("#plot-lead"), page.locator("#plot-lead .tip")
    inner = page.evaluate("painter.shown('lead').inner")
    middle = (inner["left"] + inner["right"]) / 2
    lead.hover(position={"x": middle, "y": page.evaluate("painter.shown('lead').places[1].y[5]")})
    expect(tip).to_have_text(re.compile(r"layer 6: \d"))
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    page.touchscreen.tap(*_at(page, middle + (inner["right"] - inner["left"]) / 11))
    expect(tip).to_have_text(re.compile(r"layer 7: \d"))
    expect(page).to_have_url(re.compile("layer=7"))


def _at(page: Page, x: float) -> tuple[float, float]:
    box = page.locator("#plot-lead").bounding_box()
    assert box
    return box["x"] + x, box["y"] + 40


def test_a_chart_is_saved_with_its_title(opened: Open) -> None:
    page = opened("?activation=sigmoid&depth=10")
    _previewed(page)
    save = page.locator("#card-lead .save:not(.values)")
    with page.expect_download() as saved:
        save.focus()
        page.keyboard.press("Enter")
    assert saved.value.suggested_filename == "gradient-lead.png"
    assert saved.value.path().read_bytes().startswith(b"\x89PNG")


NOTE = """() => {
  window.places = new Set();
  const note = () => {
    window.places.add(Math.round(painter.shown('lead').places[1].y[0]));
    requestAnimationFrame(note);
  };
  note();
}"""
"""Where the first layer's point has been, in pixels."""


@pytest.mark.parametrize(
    "motion", ["no-preference", pytest.param("reduce", marks=pytest.mark.slow)]
)
def test_a_remedy_lifts_the_line_and_leaves_the_old_one_behind(opened: Open, motion: str) -> None:
    page = opened("?activation=sigmoid&depth=20", reduced_motion=motion)
    _previewed(page)
    before = page.evaluate("painter.shown('lead').data[1].y")
    page.evaluate(NOTE)
    page.get_by_text("ReLU", exact=True).click()
    page.wait_for_function("lab.frame().label.startsWith('relu')")
    page.wait_for_timeout(1200)
    assert page.evaluate("painter.shown('lead').data[0].y") == before
    notes = page.evaluate("painter.shown('lead').notes.map(({ text }) => text)")
    assert "before" in notes
    places = page.evaluate("window.places.size")
    assert places > 3 if motion == "no-preference" else places <= 3


def test_a_divergence_is_frozen_with_what_gradients_had_come_to(opened: Open) -> None:
    page = opened("?activation=relu&init=he_normal&depth=3&width=128&lr=1")
    page.click("#train")
    expect(page.locator("#badge")).to_contain_text("diverged")
    page.wait_for_function(
        "painter.shown('lead').notes.some(({ text }) => /10[⁰-⁹¹²³]*, then no number/.test(text))"
    )
    page.locator("#scrub").fill("1")
    page.wait_for_function("painter.shown('lead').notes.length === 0")


@pytest.mark.parametrize("width", [390, pytest.param(1024, marks=pytest.mark.slow), 1920])
def test_no_label_is_cut_off(opened: Open, width: int) -> None:
    page = opened("?activation=sigmoid&depth=20")
    _previewed(page)
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(300)
    for key in ("lead", "saturated", "loss", "heat"):
        assert page.evaluate(EDGES, key) == [0, 0, 0, 0], key
    page.keyboard.press("l")  # one picture in large type
    page.wait_for_timeout(300)
    assert page.evaluate(EDGES, "lead") == [0, 0, 0, 0]


EDGES = """(key) => {
  const { width, height } = document.querySelector(`#plot-${key} canvas`);
  const ctx = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  document.querySelectorAll(`#plot-${key} canvas`).forEach((one) => ctx.drawImage(one, 0, 0));
  const inked = (x, y, w, h) => ctx.getImageData(x, y, w, h).data.some((v, i) => i % 4 === 3 && v);
  return [inked(0, 0, width, 1), inked(0, height - 1, width, 1), inked(0, 0, 1, height),
    inked(width - 1, 0, 1, height)].map(Number);
}"""
"""Whether the outermost pixels of a chart are drawn on: above, below, left, right."""
