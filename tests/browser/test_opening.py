"""A page that opens: what the scripts show stands there before them, so nothing moves."""

import time
from collections.abc import Callable
from itertools import product, starmap
from typing import Any

import pytest
from _pytest.mark import ParameterSet
from playwright.sync_api import Page, Route, expect

from diagnostics import train
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from diagnostics.subject.watched import WatchedLayer, WatchedModel
from tests.browser.conftest import Lab
from tests.conftest import steps

pytestmark = pytest.mark.browser

Open = Callable[..., Page]

MOST = 0.01
"""Of a screen that may move, times how far: what nobody sees."""

NOTE = """window.shifts = [];
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput, sources } of list.getEntries()) {
    if (hadRecentInput) continue;
    const moved = sources.map(({ node }) => (node?.id || node?.className || node?.nodeName));
    window.shifts.push({ value, moved });
  }
}).observe({ type: "layout-shift", buffered: true });"""

LATE = 0.4
"""Seconds that the scripts come after the page, as over a network: it is painted by then."""

SIZES = [(1440, 900), (1024, 768), (390, 844)]

USUAL = {"bare": (390, 844)}
"""Openings that are looked at in every run of the tests, each at a size; all else is slow."""


def _bare(_: Open, lab: Lab) -> str:
    return ""


def _ours(opened: Open, lab: Lab) -> str:
    """A run of one's own that goes on."""
    page = opened("?depth=4&steps=100000")
    page.select_option("#pace", "20")
    page.click("#train")
    page.wait_for_function("lab.frame() && lab.frame().newest > 5")
    return "?" + page.url.partition("?")[2]


def _offered(opened: Open, lab: Lab) -> str:
    """Somebody else trains."""
    _ours(opened, lab)
    return ""


def _moons(opened: Open, _: Lab) -> str:
    """A network that was measured already."""
    link = "?dataset=moons&depth=50"
    opened(link).wait_for_function("lab.verdict().length > 0")
    return link


def _compared(_: Open, lab: Lab) -> str:
    store = Store(f"sqlite:///{lab.data_dir / 'store.sqlite'}")
    configs = [RunConfig(depth=3, steps=20, activation=one) for one in ("relu", "tanh")]
    runs = [train(config, store=store).id for config in configs]
    store.close()
    return f"?run={runs[0]}&pins={runs[1]}"


def _watched(_: Open, lab: Lab) -> str:
    store = Store(f"sqlite:///{lab.data_dir / 'store.sqlite'}")
    layers = tuple(WatchedLayer(name=f"body.{n}") for n in range(4))
    run = store.create_run(WatchedModel(model="net", layers=layers))
    store.append(run, steps(1, 30))
    store.set_state(run, "finished")
    store.close()
    return f"?run={run}"


STATES: dict[str, Callable[[Open, Lab], str]] = {
    "bare": _bare,
    "offered": _offered,
    "another's": _ours,
    "default": lambda *_: "?seed=0",
    "moons": _moons,
    "refused": lambda *_: "?depth=-1",
    "lesson": lambda *_: "?lesson=leaky",
    "units": lambda *_: "?panel=units",
    "compared": _compared,
    "watched": _watched,
}


def _moved(opened: Open, lab: Lab, state: str, *scripts: str, **options: Any) -> list[Any]:
    """What moved while a page opened: how much, and what."""
    link = STATES[state](opened, lab)
    page = opened(scripts=[NOTE, *scripts], **options)

    def late(route: Route) -> None:
        time.sleep(LATE)
        route.continue_()

    page.route("**/page-*.js", late)
    page.goto(lab.url + link)
    expect(page.locator("#field-depth")).to_be_attached()
    page.wait_for_function("lab.frame() !== null && lab.verdict().length > 0")
    page.wait_for_timeout(500)  # what comes late moves things, too
    found: list[Any] = page.evaluate("window.shifts")
    return found


def _opening(state: str, size: tuple[int, int]) -> ParameterSet:
    marks = () if USUAL.get(state) == size else (pytest.mark.slow,)
    return pytest.param(state, *size, id=f"{state}-{size[0]}", marks=marks)


@pytest.mark.parametrize(
    ("state", "width", "height"), list(starmap(_opening, product(STATES, SIZES)))
)
def test_nothing_moves_while_a_page_opens(
    opened: Open, lab: Lab, state: str, width: int, height: int
) -> None:
    moved = _moved(opened, lab, state, viewport={"width": width, "height": height})
    assert sum(one["value"] for one in moved) < MOST, moved


def test_a_lecture_opens_as_one(opened: Open, lab: Lab) -> None:
    moved = _moved(opened, lab, "default", "localStorage.setItem('lecture', '1')")
    assert sum(one["value"] for one in moved) < MOST, moved
