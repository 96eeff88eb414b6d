"""Two browsers at one lab: one trains, the other watches and can take a copy."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Lab, until

pytestmark = pytest.mark.browser

TRAINED = "lab.frame() && lab.frame().newest > 5"


def _training(opened: Callable[..., Page]) -> Page:
    page = opened("?depth=4&steps=100000")
    page.select_option("#pace", "20")
    page.click("#train")
    page.wait_for_function(TRAINED)
    return page


def test_a_page_does_all_within_its_policy(chromium: Browser, lab: Lab) -> None:
    page = chromium.new_context().new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{lab.url}?depth=3&steps=50")
    expect(page.get_by_text("He normal", exact=True)).to_be_visible()
    page.click("#train")
    until(lambda: bool(page.evaluate("lab.frame() && lab.frame().state === 'finished'")))
    page.click("#scheme")
    page.context.close()
    assert not complaints


def test_others_watch_a_run_and_take_a_copy(opened: Callable[..., Page]) -> None:
    owner = _training(opened)
    watcher = opened("?" + owner.url.partition("?")[2])
    watcher.wait_for_function(TRAINED)
    expect(watcher.locator("#others")).to_be_visible()
    for key in ("train", "step", "again", "reset"):
        expect(watcher.locator(f"#{key}")).to_be_disabled()
    expect(watcher.locator("#react-entry-point")).to_have_attribute("inert", "")
    expect(owner.locator("#train")).to_be_enabled()
    expect(owner.locator("#others")).to_be_hidden()
    watcher.click("#others button")
    expect(watcher.locator("#badge")).to_contain_text("before training")
    expect(watcher.locator("#others")).to_be_hidden()
    expect(watcher.locator("#train")).to_be_enabled()
    assert "depth=4" in watcher.url
    step = owner.evaluate("lab.frame().newest")
    owner.wait_for_function(f"lab.frame().newest > {step}")


def test_a_bare_address_offers_what_goes_on_and_is_never_blank(
    opened: Callable[..., Page],
) -> None:
    owner = _training(opened)
    other = opened("")
    expect(other.locator("#offer")).to_contain_text("is training: start your own with Train")
    other.wait_for_function("lab.frame() && lab.frame().state === 'preview' && lab.frame().now")
    other.locator("#offer button", has_text="Watch it").click()
    expect(other.locator("#offer")).to_be_hidden()
    expect(other.locator("#others")).to_be_visible()
    step = owner.evaluate("lab.frame().newest")
    owner.wait_for_function(f"lab.frame().newest > {step}")
