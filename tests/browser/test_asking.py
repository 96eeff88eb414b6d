"""A word is explained where it stands: at the pointer, at the keyboard's focus, at a tap."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
WITHIN = """() => {
    const told = document.getElementById('explained').getBoundingClientRect();
    const { left, top, right, bottom } = told;
    return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
}"""


def _told(page: Page, words: str) -> None:
    expect(page.locator("#explained")).to_be_visible()
    expect(page.locator("#explained")).to_contain_text(words)
    assert page.evaluate(WITHIN)


def test_a_word_is_explained_at_pointer_focus_and_tap(opened: Open) -> None:
    page = opened()
    ask, told = page.locator("#card-lead .ask"), page.locator("#explained")
    ask.hover()
    _told(page, "Signal gradient")
    expect(ask).to_have_attribute("aria-describedby", "explained")
    page.keyboard.press("Escape")
    expect(told).to_be_hidden()
    page.locator("#badge").hover()
    page.keyboard.press("Tab")
    ask.focus()
    _told(page, "Decade")
    page.locator("#train").focus()
    expect(told).to_be_hidden()
    page.locator("#wrap-clip > .ask").click()
    _told(page, "AGC")
    page.locator("#badge").click()
    expect(told).to_be_hidden()


def test_an_explanation_at_an_edge_of_a_phone_is_whole(opened: Open) -> None:
    page = opened()
    page.set_viewport_size({"width": 390, "height": 844})
    for ask in page.locator("main .ask:visible").all():
        ask.scroll_into_view_if_needed()
        ask.click()
        expect(page.locator("#explained")).to_be_visible()
        assert page.evaluate(WITHIN)
        box = ask.bounding_box()
        assert box and box["width"] >= 44 and box["height"] >= 44
        page.keyboard.press("Escape")


@pytest.mark.slow
def test_common_options_are_first_and_a_rare_choice_brings_all_in_sight(opened: Open) -> None:
    page = opened("?seed=0")
    rare, more = page.get_by_text("Softplus", exact=True), page.locator("#wrap-activation .more")
    expect(more).to_have_attribute("aria-expanded", "false")
    expect(rare).to_be_hidden()
    more.click()
    expect(rare).to_be_visible()
    more.click()
    expect(rare).to_be_hidden()
    expect(page.locator("#field-seed")).to_be_hidden()
    page.goto(page.url.split("?")[0] + "?activation=mish&seed=3")
    expect(page.get_by_text("Softplus", exact=True)).to_be_visible()
    expect(page.locator("#field-seed")).to_be_visible()
