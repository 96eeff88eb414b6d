"""The drawer of runs, as people use it."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import pytest
from playwright.sync_api import Locator, Page, expect

from diagnostics.store.records import Event
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from tests.browser.conftest import Lab
from tests.conftest import steps

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
WIDTHS = itertools.count(900)


class Kept(NamedTuple):
    """Runs, and a search that finds no others."""

    runs: list[str]
    search: str


@pytest.fixture
def kept(lab: Lab) -> Kept:
    """Three runs that are over, two of them twins."""
    store = Store(f"sqlite:///{lab.data_dir / 'store.sqlite'}")
    plain = RunConfig(depth=3, width=next(WIDTHS))
    relu = plain.changed(activation="relu")
    runs = [store.create_run(one) for one in (plain, relu, relu)]
    for run in runs:
        store.append(run, steps(1, 30))
        store.set_state(run, "finished")
    store.close()
    return Kept(runs, f"width={plain.width}")


def drawer(page: Page, search: str) -> Locator:
    page.click("#runs-open")
    page.fill("#runs-search", search)
    expect(page.locator("#runs-found")).to_contain_text("found")
    return page.locator("#runs-list li")


def test_runs_are_searched_and_chosen_and_no_two_look_alike(opened: Open, kept: Kept) -> None:
    page = opened()
    rows = drawer(page, f"{kept.search} relu")
    expect(rows).to_have_count(2)
    told = rows.all_inner_texts()
    assert told[0] != told[1] and all("best" in text and "30 steps" in text for text in told)
    assert rows.first.locator("svg path").get_attribute("d")
    rows.first.locator(".look").click()
    page.wait_for_function("(run) => lab.session().run === run", arg=kept.runs[2])
    expect(page.locator("#runs")).to_be_hidden()


def test_a_run_is_called_and_noted(opened: Open, kept: Kept) -> None:
    page = opened()
    row = drawer(page, kept.search).first
    row.get_by_role("button", name="edit run").click()
    page.keyboard.type("the good one")
    page.keyboard.press("Tab")
    page.keyboard.type("seen in the lecture")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("the good one")
    expect(row).to_contain_text("seen in the lecture")
    page.keyboard.press("Escape")
    expect(page.locator("#runs")).to_be_hidden()
    expect(page.locator("#runs-open")).to_be_focused()
    expect(drawer(page, f"{kept.search} lecture good")).to_have_count(1)


def test_a_deleted_run_is_had_back(opened: Open, kept: Kept) -> None:
    page = opened(f"?run={kept.runs[2]}")
    rows = drawer(page, kept.search)
    rows.first.get_by_role("button", name="edit run").click()
    rows.first.get_by_role("button", name="Delete").click()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    expect(rows.locator(".look")).to_have_count(2)
    page.wait_for_function("lab.session().run === null")
    page.keyboard.press("Enter")
    expect(rows.locator(".look")).to_have_count(3)


def test_what_still_trains_is_stopped_before_it_is_deleted(opened: Open) -> None:
    search = f"width={next(WIDTHS)}"
    page = opened(f"?depth=3&{search}&steps=100000")
    page.click("#train")
    page.wait_for_function("lab.frame()?.newest > 1")
    row = drawer(page, search).first
    row.get_by_role("button", name="edit run").click()
    row.get_by_role("button", name="Stop").click()
    expect(row).to_contain_text("stopped")
    row.get_by_role("button", name="edit run").click()
    expect(row.get_by_role("button", name="Delete")).to_be_visible()


@pytest.mark.slow
def test_on_a_phone_the_drawer_is_as_wide_as_the_screen(opened: Open, kept: Kept) -> None:
    page = opened()
    page.set_viewport_size({"width": 390, "height": 844})
    drawer(page, kept.search)
    box = page.locator("#runs").bounding_box()
    assert box is not None and (box["x"], box["width"], box["height"]) == (0, 390, 844)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_up_to_four_runs_are_compared_as_named_lines_and_in_a_table(
    opened: Open, kept: Kept
) -> None:
    page = opened(f"?depth=3&{kept.search}&run={kept.runs[0]}")
    rows = drawer(page, kept.search)
    for n in (0, 1):
        rows.nth(n).get_by_role("checkbox").check()
        expect(page.locator("#runs-said")).to_have_text(f"{n + 1} of 4 compared")
    page.keyboard.press("Escape")
    page.wait_for_function("painter.shown('lead').data[7].y.length === 4")
    drawn = "painter.shown('lead').data.slice(6, 8).map(({ line }) => line.color + line.dash)"
    assert len(set(page.evaluate(drawn))) == 2
    assert page.evaluate("painter.shown('loss').data.slice(5, 7).every(({ y }) => y.length > 9)")
    expect(page.locator("#legend span").filter(has_not_text="theory")).to_have_count(3)
    table = page.locator("#compared-rows tr")
    expect(table).to_have_count(3)
    names = page.locator("#compared-rows th").all_inner_texts()
    assert len(set(names)) == 3 and names[0] == "sigmoid"
    page.reload()
    expect(table).to_have_count(3)
    table.nth(1).get_by_role("button", name="no longer").click()
    expect(table).to_have_count(2)
    table.nth(1).get_by_role("button").first.click()
    page.wait_for_function("(run) => lab.session().run === run", arg=kept.runs[1])


@pytest.mark.slow
def test_pin_shows_its_state_and_says_where_there_is_nothing_to_pin(
    opened: Open, kept: Kept
) -> None:
    page = opened("?seed=0")
    page.click("#pin")
    expect(page.locator("#notice")).to_contain_text("press Train")
    page = opened(f"?run={kept.runs[1]}")
    page.click("#pin")
    expect(page.locator("#pin")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#pin")).to_have_text("Pinned")
    expect(page.locator("#compared-rows tr")).to_have_count(1)
    page.keyboard.press("p")
    expect(page.locator("#pin")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#compared")).to_be_hidden()


def test_a_run_is_played_back_and_its_moments_are_jumped_to(opened: Open, lab: Lab) -> None:
    store = Store(f"sqlite:///{lab.data_dir / 'store.sqlite'}")
    config = RunConfig(depth=3, width=next(WIDTHS))
    run = store.create_run(config)
    store.append(run, steps(1, 40), [Event(10, "set", {"lr": 0.2}), Event(30, "set", {"lr": 0.1})])
    store.set_state(run, "finished")
    store.close()
    page = opened(f"?{config.changed(lr=0.1).query()}&run={run}")
    expect(page.locator("#moments i")).to_have_count(2)
    page.keyboard.press("[")
    expect(page.locator("#scrub-label")).to_have_text("step 30 of 40 · lr 0.1")
    page.click("#earlier")
    expect(page.locator("#scrub-label")).to_have_text("step 10 of 40 · lr 0.2")
    page.keyboard.press("v")
    expect(page.locator("#playback")).to_have_attribute("aria-pressed", "true")
    page.wait_for_function("lab.frame().now.step > 15")
    expect(page.locator("#playback")).to_have_attribute("aria-pressed", "false")
    page.wait_for_function("lab.frame().now.step === 40")
    assert page.evaluate("lab.session().run") == run
