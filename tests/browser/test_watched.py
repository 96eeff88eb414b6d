"""A model of one's own on the page, while it is trained in another process."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from diagnostics.dashboard import charts
from diagnostics.store.records import METRIC_INDEX, METRICS, SCALARS, StepBatch
from diagnostics.store.store import Store
from diagnostics.subject.watched import WatchedLayer, WatchedModel
from tests.browser.conftest import Lab
from tests.conftest import steps

pytestmark = pytest.mark.browser

TRAINING = """
import sys, time, torch
from torch import nn
from diagnostics import watch
torch.manual_seed(0)
pair = lambda: nn.Sequential(nn.Linear(16, 16), nn.Sigmoid())
block = lambda: nn.Sequential(pair(), pair(), pair())
model = nn.Sequential(*[{part}() for _ in range(12)])
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
with watch(model, optimizer, name="{name}", store=sys.argv[1], every=5) as w:
    while True:
        loss = model(torch.randn(64, 16)).square().sum()
        loss.backward(); optimizer.step(); optimizer.zero_grad(); w.step(loss=loss)
        time.sleep(0.003)
"""
AXIS = "JSON.stringify(painter.shown('lead').layout.xaxis)"
NEWEST = "lab.frame().newest"


@contextmanager
def _training(lab: Lab, name: str, part: str) -> Iterator[subprocess.Popen[bytes]]:
    url = f"sqlite:///{lab.data_dir / 'store.sqlite'}"
    script = TRAINING.format(name=name, part=part)
    process = subprocess.Popen([sys.executable, "-c", script, url])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def training(lab: Lab) -> Iterator[subprocess.Popen[bytes]]:
    with _training(lab, "my-model", "pair") as process:
        yield process


@pytest.fixture
def large(opened: Callable[..., Page], lab: Lab) -> Iterator[Page]:
    """The page of a model of 36 layers in 12 blocks."""
    with _training(lab, "large-model", "block"):
        yield _found(opened, "large-model")


def _found(opened: Callable[..., Page], name: str) -> Page:
    page = opened("?seed=0")
    page.click("#runs-open")
    page.locator("#runs-list button", has_text=name).first.click()
    expect(page.locator("#badge")).to_contain_text("of step time")
    return page


def _click(page: Page, chart: str, x: float, y: float) -> None:
    page.locator(f"#plot-{chart}").click(position={"x": x, "y": y})


def _ticks(page: Page) -> list[str]:
    names: list[str] = page.evaluate("painter.shown('lead').layout.xaxis.ticktext")
    return names


def test_it_is_found_shown_and_advised(
    opened: Callable[..., Page], training: subprocess.Popen[bytes]
) -> None:
    page = _found(opened, "my-model")
    expect(page.locator("#verdict-title")).to_have_text("Vanishing gradients")
    expect(page.locator("#verdict-text")).to_contain_text("layer 11 (10.0)")
    expect(page.locator("#remedies .advice").first).to_be_visible()
    expect(page.locator("#remedies button")).to_have_count(0)
    names = page.evaluate("painter.shown('lead').data[1].customdata")
    assert names[0] == "layer 1 0.0" and len(names) == 12
    assert _ticks(page)[0] == "0.0" and _ticks(page)[-1] == "11.0"
    expect(page.locator("#parts")).to_be_hidden()
    training.kill()
    expect(page.locator("#badge")).to_contain_text("lost")
    assert page.evaluate("painter.shown('lead').data[1].y.length") == 12


def test_a_click_on_a_block_looks_into_it_and_esc_looks_back(large: Page) -> None:
    name = large.evaluate("painter.shown('lead').notes.find(({ text }) => text === '4')")
    _click(large, "lead", (name["left"] + name["right"]) / 2, (name["top"] + name["bottom"]) / 2)
    expect(large).to_have_url(re.compile("part=4"))
    expect(large.locator("#part")).to_have_value("4")
    assert _ticks(large) == ["0.0", "1.0", "2.0"]
    rows = "painter.shown('heat').layout.yaxis.range"
    large.wait_for_function(f"{rows}.join() === '12.5,15.5'")
    axis, step = large.evaluate(AXIS), large.evaluate(NEWEST)
    large.wait_for_function(f"{NEWEST} > {step}")
    assert large.evaluate(AXIS) == axis
    large.reload()
    expect(large.locator("#part")).to_have_value("4")
    assert _ticks(large) == ["0.0", "1.0", "2.0"]
    large.keyboard.press("Escape")
    expect(large.locator("#whole")).to_be_hidden()
    assert "out" in _ticks(large) and "part=" not in large.url


def test_the_menu_of_parts_works_by_keyboard_and_the_heatmap_by_a_click(large: Page) -> None:
    menu = large.locator("#part")
    expect(menu.locator("option")).to_have_count(13)
    menu.focus()
    large.keyboard.press("ArrowDown")
    large.keyboard.press("t")  # no key of the page's while a menu has the focus
    expect(menu).to_have_value("0")
    large.locator("#whole").click()
    expect(menu).to_have_value("")
    inner = large.evaluate("painter.shown('heat').inner")
    _click(large, "heat", inner["left"] + 4, inner["top"] + 5)
    expect(menu).to_have_value("11")


@pytest.fixture
def deep(opened: Callable[..., Page], lab: Lab) -> Page:
    """The page of 1,201 layers in 300 blocks, of which layer 707 explodes."""
    store, random = Store(f"sqlite:///{lab.data_dir / 'store.sqlite'}"), np.random.default_rng(0)
    names = [f"h.{block}.{layer}" for block in range(300) for layer in ("q", "o", "up", "down")]
    layers = [WatchedLayer(name=name) for name in (*names, "head")]
    run = store.create_run(WatchedModel(model="Deep", layers=tuple(layers)))
    values = random.lognormal(-3, 0.3, (20, len(layers), len(METRICS))).astype(np.float32)
    values[:, 706, METRIC_INDEX["signal_grad_norm"]] = 1e9
    batch = StepBatch(np.arange(1, 21), values, random.uniform(0, 1, (20, len(SCALARS))))
    store.append(run, batch)
    store.set_state(run, "finished")
    store.close()
    page = opened(f"?run={run}")
    page.wait_for_function("lab.frame()?.history")
    return page


def test_a_click_on_a_group_opens_it_and_esc_closes_it(deep: Page) -> None:
    shown = "painter.shown('lead').data[1].x.length"
    assert deep.evaluate(shown) == 101
    far = deep.evaluate(
        "(({ x, y }) => ({ x: x[0], y: y[0] }))(painter.shown('lead').places.at(-1))"
    )
    _click(deep, "lead", far["x"], far["y"])
    expect(deep).to_have_url(re.compile("part=h.174"))
    deep.wait_for_function(f"{shown} === 13")
    rows = "painter.shown('heat').layout.yaxis.range"
    deep.wait_for_function(f"{rows}.join() === '696.5,708.5'")
    deep.locator("#card-lead").hover()
    deep.locator("#card-lead button.values").click()
    expect(deep.locator("#values-table th", has_text="layer 707 h.176.up")).to_have_count(1)
    deep.keyboard.press("Escape")
    deep.reload()
    expect(deep.locator("#part")).to_have_value("h.174–176")
    deep.keyboard.press("Escape")
    deep.wait_for_function(f"{shown} === 101")
    assert "part=" not in deep.url


@pytest.mark.parametrize("place", charts.SELDOM)
def test_charts_of_what_few_models_have_are_there_where_one_has_it(
    opened: Callable[..., Page], lab: Lab, place: str
) -> None:
    own = [chart.metric for chart in charts.placed(place)]
    batch = steps(1, 30)
    batch.values[..., [METRIC_INDEX[key] for key in charts.seldom()]] = np.nan
    batch.values[:, 1, [METRIC_INDEX[key] for key in own]] = 0.5
    store = Store(f"sqlite:///{lab.data_dir / 'store.sqlite'}")
    layers = tuple(WatchedLayer(name=f"body.{n}") for n in range(4))
    run = store.create_run(WatchedModel(model="net", layers=layers))
    store.append(run, batch)
    store.close()
    page = opened(f"?run={run}")
    for chart in (chart for other in charts.SELDOM for chart in charts.placed(other)):
        expect(page.locator(f"#plot-{chart.key}")).to_be_visible(visible=chart.place == place)
    for key in (chart.key for chart in charts.placed(place)):
        shown = page.evaluate(f"painter.shown('{key}').data[1].y")
        assert shown == [None, 0.5, None, None]
