"""A site as a student has it: opened from a folder, without a network."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from diagnostics.site import album
from diagnostics.site import film as filmed
from diagnostics.site.film import film
from diagnostics.site.site import write
from diagnostics.store.store import Store
from tests.browser.conftest import PATIENCE
from tests.site.test_film import as_it_is
from tests.site.test_site import DEFAULT, SCENES, short, silent

pytestmark = pytest.mark.browser

SIZES = {"desk": (1280, 800), "phone": (390, 844)}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "a site, with %41 in its name"
    write(path, silent, lessons=short(), default=DEFAULT)
    return path


@pytest.fixture
def opened(chromium: Browser, site: Path) -> Iterator[Callable[..., Page]]:
    """Opens pages; at the end none may have complained or looked outside its folder."""
    complaints: list[str] = []
    contexts = []

    def open_page(link: str = "", size: str = "desk") -> Page:
        width, height = SIZES[size]
        context = chromium.new_context(viewport={"width": width, "height": height}, offline=True)
        context.set_default_timeout(1000 * PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(home) else complaints.append(r.url))
        page.goto(f"{home}/index.html{link}")
        return page

    home = site.as_uri()
    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


def _scrub(page: Page, step: int) -> None:
    page.evaluate(
        """step => { const scrub = document.getElementById("scrub"); scrub.value = step;
        scrub.dispatchEvent(new Event("input", { bubbles: true })); }""",
        step,
    )


def _chart(page: Page) -> Any:
    return page.evaluate("lab.frame().now")


@pytest.mark.parametrize("size", SIZES)
def test_a_lesson_opens_plays_and_can_be_scrubbed(opened: Callable[..., Page], size: str) -> None:
    page = opened("?lesson=speeds", size)
    expect(page.locator("#verdict-title")).to_have_text("Vanishing gradients")
    expect(page.locator("#badge")).to_have_text("before training")
    expect(page.locator("#learned-digits > *")).to_have_count(8)
    page.locator("#train").click()
    expect(page.locator("#badge")).to_have_text("finished")
    expect(page.locator("#lesson-seen")).to_have_text(SCENES[0].seen)
    expect(page.locator("#scrub-label")).to_have_text("step 60")
    whole, said = _chart(page), page.locator("#verdict-text").inner_text()
    _scrub(page, 3)
    expect(page.locator("#scrub-label")).to_have_text("step 3 of 60")
    expect(page.locator("#verdict-text")).not_to_have_text(said)
    assert _chart(page)["metrics"] != whole["metrics"]
    assert len(page.evaluate("lab.frame().history.steps")) == 60
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_it_pauses_goes_on_and_steps(opened: Callable[..., Page]) -> None:
    page = opened("?lesson=speeds")
    page.locator("#pace").select_option("20")
    page.keyboard.press(" ")
    expect(page.locator("#play-word")).to_have_text("Pause")
    page.wait_for_function("lab.frame()?.newest > 2")
    page.keyboard.press(" ")
    expect(page.locator("#badge")).to_have_text("paused")
    held = page.evaluate("lab.frame().newest")
    page.keyboard.press(".")
    expect(page.locator("#scrub-label")).to_have_text(f"step {held + 1}")
    assert page.evaluate("lab.frame().history.steps.length") == held + 1
    page.locator("#pace").select_option("0")
    page.keyboard.press(" ")
    expect(page.locator("#badge")).to_have_text("finished")


@pytest.mark.slow
def test_scenes_lie_behind_each_other_and_back_leads_to_them(opened: Callable[..., Page]) -> None:
    page = opened("?lesson=speeds&run=speeds-1")
    expect(page.locator("#badge")).to_have_text("finished")
    page.locator("#scenes button").nth(1).click()
    page.wait_for_function("lab.frame()?.run === 'speeds-2' && lab.frame().state === 'finished'")
    expect(page.locator("#verdict-title")).to_have_text("Healthy gradients")
    assert "run=speeds-2" in page.url and "before=speeds-1" in page.url
    assert page.evaluate("lab.frame().beside[0].now.step") == 60
    page.locator("#scenes button").nth(2).click()
    expect(page.locator("#view [value=weight]")).to_be_checked()
    page.go_back()
    expect(page.locator("#verdict-title")).to_have_text("Vanishing gradients")
    page.go_forward()
    expect(page.locator("#verdict-title")).to_have_text("Healthy gradients")


def test_the_default_network_is_cured_by_a_recorded_remedy(opened: Callable[..., Page]) -> None:
    page = opened()
    expect(page.locator("#verdict-title")).to_have_text("Vanishing gradients")
    page.locator("#remedies > button").first.click()
    expect(page.locator("#verdict-title")).to_have_text("Healthy gradients")
    page.locator("#lessons-open").click()
    page.locator("#lessons li button").first.click()
    expect(page.locator("#lesson-title")).to_contain_text("1.")
    expect(page.locator("#runs-open")).to_be_hidden()


@pytest.mark.slow
def test_a_layer_can_be_looked_into(opened: Callable[..., Page]) -> None:
    page = opened("?lesson=speeds&run=speeds-1&panel=inside&layer=3")
    expect(page.locator("#hint-members")).to_contain_text("of 16")
    assert page.evaluate("charts.of('histogram').length") == 3
    before = page.evaluate("shelf.inside('speeds-1', 3, 0).mean")
    assert page.evaluate("shelf.inside('speeds-1', 3, 60).mean") != before
    page.locator("#layer").fill("10")
    expect(page.locator("#none-members")).not_to_be_empty()


ABSENT = {
    "?lesson=nope": "Lesson nope is not recorded here.",
    "?run=x-9": "Run x-9 is not recorded here.",
    "?depth=7": "That network is not recorded here",
    "?lesson=speeds&depth=7": "That network is not recorded here",
    "?at=-1&layer=x&view=&panel=<b>&pin=1&part=a&=&%": "not recorded here",
}
"""Links to what no site has, and what is said of each."""


@pytest.mark.slow
def test_what_a_link_names_and_is_not_there_is_said(opened: Callable[..., Page]) -> None:
    page = opened()
    home = page.url.partition("?")[0]
    for link, said in ABSENT.items():
        page.goto(home + link)
        expect(page.locator("#notice")).to_contain_text(said)
        expect(page.locator("#badge")).to_have_text("before training")
        page.locator("#train").click()
        expect(page.locator("#badge")).to_have_text("finished")


def test_what_is_unwound_is_what_was_recorded(
    opened: Callable[..., Page], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened()
    page.wait_for_function("shelf.get('lab-1')")
    monkeypatch.setattr(filmed, "chain", list)
    monkeypatch.setattr(album, "chain", list)
    taken = film(store, DEFAULT, as_it_is).told
    for view, shots in taken["views"].items():
        for place, shot in enumerate(shots):
            found = page.evaluate("([v, n]) => shelf.get('lab-1').shot(v, n)", [view, place])
            assert found["now"].pop("metrics") == taken["metrics"][place]
            assert {**found["now"], "metrics": {}} == shot["now"]
            assert found["history"] == shot["history"]
            assert [v["sentence"] for v in found["verdict"]] == [
                v["sentence"] for v in shot["verdict"]
            ]


@pytest.mark.slow
def test_a_file_that_is_missing_is_told(chromium: Browser, tmp_path: Path) -> None:
    write(tmp_path / "site", silent, lessons=short(), default=DEFAULT)
    (tmp_path / "site/data/speeds-1.js").unlink()
    page = chromium.new_page()
    page.goto((tmp_path / "site/index.html").as_uri())
    page.locator("#lessons-open").click()
    page.locator("#lessons li button").first.click()
    expect(page.locator("#notice")).to_contain_text("data/speeds-1.js can't be read")
    page.locator("#train").click()
    expect(page.locator("#badge")).to_have_text("finished")
    page.close()
