"""The network as it is drawn, and the light that runs through it, in a real Chromium."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
DRAWN = "painter.shown('network').data[0].x.length > 0"
NET = "painter.shown('network').data[0].meta.net"
BRIGHTEST = """(milliseconds) => new Promise((done) => {
  const found = [0, 0], began = performance.now();
  const look = () => {
    const { data, layout } = painter.shown('network');
    painter.draw('network', { data, layout }, { pulse: 0 });
    const canvas = document.querySelector('#plot-network .light');
    const { width: wide, height: high } = canvas;
    const ctx = new OffscreenCanvas(wide, high).getContext('2d', { willReadFrequently: true });
    ctx.drawImage(canvas, 0, 0);
    [0.15, 0.8].forEach((at, i) => {
      const { data } = ctx.getImageData(wide * at, 0, wide * 0.1, high);
      for (let k = 3; k < data.length; k += 4) found[i] = Math.max(found[i], data[k]);
    });
    if (performance.now() - began > milliseconds || Math.min(...found) > 60) done(found);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""
"""The brightest that light is near the input and near the loss, 0 … 255, while it goes round."""


def _drawn(opened: Open, link: str, **options: object) -> Page:
    page = opened(link, **options)
    page.wait_for_function(f"lab.frame()?.now && {DRAWN}")
    return page


@pytest.mark.slow
def test_light_dies_on_its_way_through_sigmoids_and_arrives_through_relu(opened: Open) -> None:
    dim = _drawn(opened, "?activation=sigmoid&depth=20").evaluate(BRIGHTEST, 8000)
    lit = _drawn(opened, "?activation=relu&init=he_normal&depth=20").evaluate(BRIGHTEST, 60000)
    assert dim[1] > 60 and lit[1] > 60, "light begins at the loss"
    assert dim[0] == 0 and lit[0] > 60


def test_a_box_has_its_point_s_colour_and_place(opened: Open) -> None:
    page = _drawn(opened, "?activation=sigmoid&depth=20")
    colours = page.evaluate("painter.shown('network').data[0].z[0]")
    assert colours == pytest.approx(page.evaluate("painter.shown('lead').data[1].marker.color"))
    boxes = page.evaluate("(({ inner }) => [inner.left, inner.right])(painter.shown('network'))")
    points = page.evaluate("(({ inner }) => [inner.left, inner.right])(painter.shown('lead'))")
    assert boxes == pytest.approx(points, abs=12)
    page.get_by_text("activation std").click()
    page.wait_for_function("lab.frame().view === 'activation'")
    assert page.evaluate("painter.shown('network').data[0].z[0]") == pytest.approx(colours)


def test_a_click_and_arrow_keys_choose_a_layer_everywhere(opened: Open) -> None:
    page = _drawn(opened, "?activation=sigmoid&depth=10")
    plot = page.locator("#plot-network")
    at = page.evaluate("painter.shown('network')")["inner"]
    plot.click(position={"x": (at["left"] + at["right"]) / 2, "y": 30})
    expect(page).to_have_url(re.compile("layer=6"))
    expect(plot).to_have_attribute("aria-valuenow", "6")
    plot.focus()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("layer=7"))
    expect(plot).to_have_attribute("aria-valuetext", re.compile("^layer 7: .*gradient"))
    page.keyboard.press("End")
    expect(page).to_have_url(re.compile("layer=11"))
    page.keyboard.press("Home")
    page.wait_for_function(f"{NET}.chosen === 0")


def test_scrubbing_shows_the_network_of_that_step(opened: Open) -> None:
    page = _drawn(opened, "?activation=relu&init=he_normal&depth=5&width=16&steps=60")
    page.click("#train")
    expect(page.locator("#badge")).to_contain_text("finished")
    page.locator("#scrub").fill("3")
    page.wait_for_function("lab.frame().now.step === 3")
    assert page.evaluate("painter.shown('network').data[0].z[0]") == pytest.approx(
        page.evaluate("painter.shown('lead').data[1].marker.color"),
        abs=1e-6,  # decades of numbers that go over the wire with float32's seven digits
    )
    assert all(wire is not None for wire in page.evaluate(f"{NET}.wires"))


def test_time_steps_of_an_rnn_are_boxes(opened: Open) -> None:
    page = _drawn(opened, "?architecture=rnn&activation=tanh")
    count = page.evaluate("lab.frame().layers")
    assert count > 4 and page.evaluate("painter.shown('network').data[0].x.length") == count
    expect(page.locator("#plot-network")).to_have_attribute(
        "aria-valuetext", re.compile("^time step 1")
    )


def test_light_stands_still_where_motion_is_unwelcome(opened: Open) -> None:
    page = _drawn(opened, "?activation=sigmoid&depth=10", reduced_motion="reduce")
    page.wait_for_timeout(300)
    assert page.locator("#plot-network .light").count() == 0


def test_on_a_phone_boxes_stay_apart(opened: Open) -> None:
    page = _drawn(opened, "?activation=relu&depth=100&width=4")
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    page.wait_for_function(f"lab.frame()?.now && {DRAWN}")
    boxes, inner = page.evaluate(
        "(({ data, inner }) => [data[0].x.length, inner.right - inner.left])"
        "(painter.shown('network'))"
    )
    assert 20 < boxes < 101 and inner / boxes >= 5


def test_the_network_is_seen_before_any_script_ran(opened: Open, chromium: Browser) -> None:
    page = _drawn(opened, "?seed=0")
    assert page.locator("svg.first").count() == 0, "painted over"
    still = chromium.new_page(java_script_enabled=False)
    still.goto(page.url)
    expect(still.locator("#plot-network rect")).to_have_count(21)
    expect(still.locator("#plot-lead circle")).to_have_count(21)
    expect(still.locator("#plot-lead circle").first).to_be_visible()
    expect(still.locator("#verdict-title")).to_have_text("Vanishing gradients")
    still.close()
