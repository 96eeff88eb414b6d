"""Every room: widths from 360 to 3840, tablets both ways, zoom; nothing overlaps or is cut off."""

from collections.abc import Callable
from itertools import product, starmap
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from _pytest.mark import ParameterSet
from playwright.sync_api import Page, expect

from diagnostics.subject.lessons import LESSONS

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
HERE = Path(__file__).parent
PHONE = 900
"""Pixels of width up to which the page is a phone's or an upright tablet's: targets are for a
finger."""

FINGER, MOUSE = 44, 24
LECTURE, LESSON = 18, 24
"""Least sizes in pixels: of what is pressed, of type."""

MICE = [(1024, 768), (1100, 800), (1280, 720), (1366, 768), (1440, 900), (1920, 1080)]
MICE += [(2560, 1440), (3840, 2160)]
FINGERS = [(360, 740), (390, 844), (414, 896), (600, 960), (844, 390)]
FINGERS += [(768, 1024), (1024, 768), (820, 1180), (1180, 820)]
ZOOMED = [(640, 360), (683, 384), (960, 540)]
"""What is left of 1280, 1366 and 1920 pixels at 200%."""

HALLS = [(1024, 768), (1280, 720), (1920, 1080)]
"""Where a lecture is held: all of it is in sight."""


class Hand(NamedTuple):
    """Browsers of a kind."""

    sizes: list[tuple[int, int]]
    options: dict[str, Any]


HANDS = {
    "mouse": Hand(MICE, {}),
    "finger": Hand(FINGERS, {"has_touch": True, "is_mobile": True}),
    "zoomed": Hand(ZOOMED, {"device_scale_factor": 2}),
}


def _train(page: Page) -> None:
    page.click("#train")
    page.wait_for_function("lab.frame()?.newest > 5")


def _tried(page: Page) -> None:
    """To the end, and until the first remedy's trial is told: its line is the longest there is."""
    _train(page)
    expect(page.locator("#remedies small").first).to_contain_text("→", timeout=60_000)


def _settings(page: Page) -> None:
    page.evaluate("document.querySelector('#lab-form').classList.add('unfolded')")


def _refuse(page: Page) -> None:
    _settings(page)
    page.fill("#field-lr", "-3")
    expect(page.locator("#wrap-lr")).to_contain_text("must be")


def _panel(name: str) -> Callable[[Page], None]:
    return lambda page: page.locator("#panel").get_by_text(name, exact=True).click()


def _door(name: str) -> Callable[[Page], None]:
    return lambda page: page.click(f"#{name}-open")


class State(NamedTuple):
    """What is looked at: a link, what is done there, and whether as a lecture."""

    link: str = "?seed=0"
    deed: Callable[[Page], None] = lambda _: None
    lecture: bool = False


STATES = {
    "bare": State(),
    "settings": State(deed=_settings),
    "refusal": State(deed=_refuse),
    "training": State("?activation=relu&init=he_normal&depth=5&steps=100000", _train),
    "diverged": State("?activation=relu&init=he_normal&depth=3&width=128&lr=1", _train),
    "moons": State("?dataset=moons&depth=50"),
    "lesson": State("?lesson=leaky"),
    "clipping": State(deed=_panel("Clipping and ladder")),
    "steps": State(deed=_panel("Steps")),
    "entries": State(deed=_panel("Gradients' entries")),
    "inside": State(deed=_panel("Inside a layer")),
    "lecture": State(lecture=True),
    "lecture-training": State("?activation=tanh&steps=100000", _train, lecture=True),
    "lecture-diverged": State(
        "?activation=relu&init=he_normal&depth=3&width=128&lr=1", _tried, lecture=True
    ),
    "lecture-lesson": State("?lesson=overfitting", lecture=True),
    "lessons": State(deed=_door("lessons")),
    "runs": State(deed=_door("runs")),
    "keys": State(deed=lambda page: page.keyboard.press("?")),
}


def settled(opened: Open, state: State, **options: Any) -> Page:
    """A page in a state, with the sharp eyes of ``room.js``."""
    scripts = [(HERE / "ink.js").read_text()]
    scripts += ["localStorage.setItem('lecture', '1')"] if state.lecture else []
    page = opened(state.link, scripts=scripts, **options)
    expect(page.locator("#field-depth")).to_be_attached()
    page.wait_for_function("lab.frame() !== null && lab.verdict().length > 0")
    state.deed(page)
    page.add_script_tag(path=HERE / "room.js")
    return page


def findings(page: Page, width: int, height: int, lecture: bool) -> list[str]:
    """What is wrong at a size, in sentences."""
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(150)  # charts and captions take their new room
    large = lecture and width > PHONE
    rules = {
        "type": LECTURE if large else 0,
        "lesson": LESSON if large else 0,
        "target": FINGER if width <= PHONE else MOUSE,
        "scroll": not (lecture and (width, height) in HALLS),
    }
    found: list[str] = page.evaluate("(rules) => room.findings(rules)", rules)
    return [f"{width}×{height}: {sentence}" for sentence in found]


USUAL = {
    "mouse": {"lecture"},
    "finger": {"diverged"},
    "zoomed": {"bare"},
}
"""What is looked at in every run of the tests; all else is slow."""


def _room(state: str, hand: str) -> ParameterSet:
    marks = () if state in USUAL[hand] else (pytest.mark.slow,)
    return pytest.param(state, hand, marks=marks, id=f"{state}-{hand}")


@pytest.mark.parametrize(("state", "hand"), list(starmap(_room, product(STATES, HANDS))))
def test_nothing_overlaps_or_is_cut_off_in_any_room(opened: Open, state: str, hand: str) -> None:
    sizes, options = HANDS[hand]
    page = settled(opened, STATES[state], **options)
    lecture = STATES[state].lecture
    assert "\n".join(told for size in sizes for told in findings(page, *size, lecture)) == ""


@pytest.mark.slow
def test_every_lesson_fits_a_lecture_hall(opened: Open) -> None:
    page = settled(opened, State(f"?lesson={next(iter(LESSONS))}", lecture=True))
    for lesson in LESSONS.values():
        expect(page.locator("#lesson-title")).to_contain_text(lesson.title)
        page.wait_for_function("lab.verdict().length > 0")
        told = "\n".join(told for hall in HALLS for told in findings(page, *hall, True))
        assert told == "", lesson.key
        page.keyboard.press("n")


def test_a_lesson_that_was_seen_fits_a_lecture_hall(opened: Open) -> None:
    page = settled(opened, State("?lesson=clipping", _train, lecture=True))
    expect(page.locator("#lesson-seen")).to_contain_text("Now you have seen")
    assert "\n".join(told for hall in HALLS for told in findings(page, *hall, True)) == ""


def test_the_eyes_see(opened: Open) -> None:
    """What is wrong on purpose is found."""
    page = settled(opened, State())
    page.evaluate("document.querySelector('#lab-form').style.width = '4000px'")
    page.evaluate("document.querySelector('#verdict-text').style.marginTop = '-20px'")
    page.evaluate("document.querySelector('#step').style = 'padding: 0; height: 12px'")
    page.evaluate("document.querySelector('h1').style = 'overflow: hidden; max-width: 60px'")
    told = " ".join(findings(page, 1440, 900, lecture=False))
    for words in ("too wide", "overlap", "“Step” is", "“Gradient Diagnostics” is cut off"):
        assert words in told
