"""A frame that can't be composed, and the page that lives on."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PATIENCE, Lab

pytestmark = pytest.mark.browser

BROKEN = """
import sys
from diagnostics.cli.commands import main
from diagnostics.dashboard import frames

def compose(feed, others, sketch, watch, *told):
    if watch.view == "weight":
        raise KeyError("mish")
    return well(feed, others, sketch, watch, *told)

well, frames.compose = frames.compose, compose
main(["serve", *sys.argv[1:]])
"""
"""A lab in which one view's frames fail."""


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path, "-c", BROKEN)
    yield lab
    lab.stop(tracebacks=1)


@pytest.mark.slow
def test_the_page_says_so_and_goes_on(chromium: Browser, broken: Lab) -> None:
    complaints: list[str] = []
    page = chromium.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(broken.url + "?depth=5")
    expect(page.locator("#badge")).to_contain_text("before training")
    page.click("#train")
    page.get_by_text("weight ∂L/∂W", exact=True).click()
    expect(page.locator("#badge")).to_contain_text("failed to draw")
    expect(page.locator("#verdict-text")).to_contain_text("mish")
    page.get_by_text("signal ∂L/∂z", exact=True).click()
    expect(page.locator("#badge")).to_contain_text(re.compile("training|finished"))
    expect(page.locator("#verdict-text")).to_contain_text("layer")
    page.close()
    assert not complaints
