"""The page without a mouse."""

import re
from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_lab import badge, beyond
from tests.browser.test_rooms import State, settled

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
FOCUS = "document.activeElement"
SMALL = "?depth=3&width=8&steps=100000"


def _stops(page: Page, most: int = 120) -> list[str]:
    """Where Tab leads from the page's beginning: what is above, and each stop."""
    page.evaluate("document.activeElement.blur()")
    found: list[str] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(f"{FOCUS}.name || {FOCUS}.id || {FOCUS}.textContent")
        if found and stop == found[0]:
            break
        found.append(stop)
    return found


def test_a_group_of_choices_is_one_stop_whose_arrows_choose(opened: Open) -> None:
    page = settled(opened, State("?seed=0&depth=3&width=8"))
    stops = _stops(page)
    for group in ("init", "activation", "view", "panel"):
        assert stops.count(group) == 1, group
    assert stops.index("Skip to the picture") == 0
    page.locator("[name=activation]:checked").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("location.search.includes('activation=tanh')")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("!location.search.includes('activation=tanh')")


def test_remedies_are_next_to_the_runs_buttons(opened: Open) -> None:
    page = settled(opened, State())
    expect(page.locator("#remedies button")).to_have_count(3)
    page.locator("#train").focus()
    for _ in range(3):
        page.keyboard.press("Shift+Tab")
    assert page.evaluate(f"{FOCUS} === document.querySelector('#remedies button')")


FOCUSED = (
    "[name=init]:checked",
    "#wrap-norm input:checked",
    "#field-architecture",
    "#wrap-depth [role=slider]",
    "#field-residual",
    "summary",
    "#view input:checked",
    "#lessons-open",
    "#step",
    "#pace",
    "#scrub",
    ".brand",
)


@pytest.mark.slow
def test_space_plays_whatever_has_the_focus(opened: Open) -> None:
    page = settled(opened, State(SMALL))
    link = page.evaluate("lab.session().query")
    for place in FOCUSED:
        page.locator(place).first.focus()
        page.keyboard.press(" ")
        badge(page, "training")
        page.keyboard.press(" ")
        badge(page, "paused")
        assert page.evaluate("lab.session().query") == link


@pytest.mark.slow
def test_every_key_works_after_a_menu(opened: Open) -> None:
    page = settled(opened, State("?depth=3&width=8"))
    page.click("#field-dataset")
    page.get_by_role("option", name="Moons").click()
    page.wait_for_function("location.search.includes('dataset=moons')")
    page.keyboard.press("l")
    expect(page.locator("#lecture")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("l")
    page.locator("#pace").select_option("20")
    page.locator("#pace").focus()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()


def test_enter_ticks_a_box_since_space_plays(opened: Open) -> None:
    page = settled(opened, State("?depth=3&width=8"))
    page.locator("#field-residual").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("location.search.includes('residual')")


def test_a_clicker_turns_the_pages_of_a_lecture(opened: Open) -> None:
    page = settled(opened, State("?lesson=lie", lecture=True))
    title = page.locator("#lesson-title")
    for key, number in (("PageDown", 5), ("ArrowRight", 6), ("PageUp", 5), ("ArrowLeft", 4)):
        page.keyboard.press(key)
        expect(title).to_contain_text(f"{number}. ")


@pytest.mark.slow
def test_the_numbers_behind_a_chart_are_a_table(opened: Open) -> None:
    page = settled(opened, State("?activation=relu&init=he_normal&depth=5&steps=100000"))
    page.click("#train")
    beyond(page, 20)
    page.click("#train")
    badge(page, "paused")
    page.wait_for_timeout(1000)  # its last steps are still on their way
    step = page.evaluate("lab.frame().now.step")
    expect(page.locator("#plot-lead")).to_have_attribute(
        "aria-label", re.compile(f"signal ∂L/∂z, step {step}$")
    )
    for key, rows in (("lead", 6), ("heat", 5), ("update_ratio", 6)):
        told = re.compile(f"step {step}")
        expect(page.locator(f"#plot-{key}")).to_have_attribute("aria-label", told)
        page.locator(f"#card-{key} .values").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#values caption")).to_contain_text(f"step {step}")
        expect(page.locator("#values tbody tr")).to_have_count(rows)
        page.keyboard.press("Escape")
        expect(page.locator("#values")).to_be_hidden()


def test_a_diagnosis_is_spoken_when_it_changes_and_not_again(opened: Open) -> None:
    page = settled(opened, State("?steps=100000"))
    page.evaluate("""() => {
      window.spoken = [];
      const said = document.querySelector('#spoken');
      const note = () => window.spoken.push(said.textContent);
      const all = { childList: true, characterData: true, subtree: true };
      new MutationObserver(note).observe(said, all);
    }""")
    page.click("#train")
    beyond(page, 60)
    spoken = page.evaluate("window.spoken")
    assert all(one != other for one, other in pairwise(spoken))
    assert len(spoken) <= 3


PROBE = """document.body.insertAdjacentHTML('beforeend',
  '<i id="probe" style="background: Highlight; forced-color-adjust: none"></i>')"""
CHOSEN = [
    "[name=init]:checked + label",
    "#wrap-norm label[data-active]",
    "#view input:checked + span",
    "#panel input:checked + span",
]


def test_what_is_chosen_is_seen_in_forced_colours(opened: Open) -> None:
    page = settled(opened, State(), forced_colors="active")
    ground = "(place) => getComputedStyle(document.querySelector(place)).backgroundColor"
    page.evaluate(PROBE)
    highlight = page.evaluate(ground, "#probe")
    for place in CHOSEN:
        assert page.evaluate(ground, place) == highlight, place
    ink = "painter.shown('lead').data[1].line.color"
    assert page.evaluate(ink) == page.evaluate("getComputedStyle(document.body).color")


@pytest.mark.parametrize(
    ("width", "height"), [pytest.param(1440, 900, marks=pytest.mark.slow), (1024, 768)]
)
def test_what_stays_in_sight_moves_nothing_and_what_has_the_focus_is_seen(
    opened: Open, width: int, height: int
) -> None:
    page = settled(opened, State(SMALL), viewport={"width": width, "height": height})
    for place in ("#train", "#step", "#scrub", "#field-lr"):
        page.evaluate(f"document.querySelector('{place}').focus()")
        assert page.evaluate("scrollY") == 0, place
    page.click("#train")
    badge(page, "training")
    assert page.evaluate("scrollY") == 0
    page.evaluate("document.querySelector('#card-loss .ask').focus()")
    lower, bar = (page.locator(place).bounding_box() for place in ("#card-loss .ask", ".transport"))
    assert lower and bar and lower["y"] + lower["height"] <= bar["y"]
