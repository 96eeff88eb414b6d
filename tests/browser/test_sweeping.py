"""The page of sweeps, from its first sight to a network of the picture in the lab."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Lab
from tests.browser.test_access import GRAVE

pytestmark = pytest.mark.browser

SMALL = "depth=2,3,4&activation=relu,tanh&width=8&steps=5"
SIZES = {"hall": (1920, 1080), "projector": (1024, 768), "tablet": (820, 1180), "phone": (390, 844)}


@pytest.fixture
def sweep(chromium: Browser, lab: Lab) -> Iterator[Callable[..., Page]]:
    contexts = []

    def come(query: str, **options: Any) -> Page:
        contexts.append(chromium.new_context(bypass_csp=True, **options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        page.goto(f"{lab.url}sweep?{query}")
        return page

    yield come
    for context in contexts:
        context.close()


def test_it_fills_in_and_a_click_opens_a_network_in_the_lab(sweep: Callable[..., Page]) -> None:
    page, other = sweep(SMALL), sweep(SMALL)
    expect(page.locator("#told")).to_contain_text("0 of 6 networks · Not begun · about 1 s")
    page.click("#start")
    expect(page.locator("#told")).to_have_text("6 of 6 networks · Complete")
    expect(page.locator("#start")).to_be_disabled()
    expect(page.locator(".matrix svg path:not(.theory)")).to_have_count(6)
    other.reload()
    expect(other.locator("#told")).to_have_text("6 of 6 networks · Complete")
    page.select_option("#show", "accuracy")
    expect(page.locator("[data-hue='ink']")).to_have_count(6)
    page.locator("#list summary").click()
    expect(page.locator("#rowed tr")).to_have_count(7)
    page.get_by_role("button", name="accuracy", exact=True).click()
    expect(page.locator("th[aria-sort='ascending']")).to_have_text("accuracy")
    page.locator(".matrix td a").first.click()
    expect(page.locator("#badge")).to_have_text("finished")
    page.go_back()
    expect(page.locator("#told")).to_have_text("6 of 6 networks · Complete")


def test_what_is_asked_is_chosen_by_keys_and_refused_at_its_field(
    sweep: Callable[..., Page],
) -> None:
    page = sweep("depth=2,3&steps=0")
    page.locator(".which").nth(1).select_option("activation")
    page.locator(".values").nth(1).focus()
    page.locator(".line").nth(1).get_by_role("button", name="relu", exact=True).press("Enter")
    page.locator(".line").nth(1).get_by_role("button", name="tanh", exact=True).press("Enter")
    expect(page.locator(".values").nth(1)).to_have_value("relu,tanh")
    expect(page.locator("#told")).to_contain_text("0 of 4 networks")
    assert "activation=relu%2Ctanh" in page.url
    page.locator(".values").first.fill("2:1")
    expect(page.locator("#notice")).to_contain_text("depth=2:1 is empty")
    expect(page.locator(".values").first).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#start")).to_be_disabled()
    page.locator(".values").first.fill("2:4")
    expect(page.locator("#notice")).to_be_empty()
    page.locator(".values").first.press("Enter")
    expect(page.locator("#told")).to_have_text("6 of 6 networks · Complete")
    page.locator("#legend button").first.click()
    assert page.locator("#legend button[aria-pressed='true']").count() == 1


def test_it_fits_and_axe_finds_nothing_grave(sweep: Callable[..., Page]) -> None:
    from axe_playwright_python.sync_playwright import Axe  # only make test brings it

    query = "depth=2:40:2&gain=0.5:2:0.1&init=orthogonal&activation=tanh&steps=0&width=4"
    page = sweep(query, color_scheme="dark")
    page.click("#start")
    expect(page.locator("#told")).to_contain_text("Complete")
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        page.reload()  # what is folded is decided then
        expect(page.locator("#told")).to_contain_text("Complete")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        rules = Axe().run(page).response["violations"]
        assert [rule["id"] for rule in rules if rule["impact"] in GRAVE] == [], width
