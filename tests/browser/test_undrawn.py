"""A frame that can't be composed, and the page that lives on."""

import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ROOT, until

pytestmark = pytest.mark.browser

BROKEN = """
import sys
from diagnostics.cli.commands import main
from diagnostics.dashboard import frames

def compose(feed, pinned, sketch, watch, whole=None):
    if watch.view == "weight":
        raise KeyError("mish")
    return well(feed, pinned, sketch, watch, whole)

well, frames.compose = frames.compose, compose
main(["serve", *sys.argv[1:]])
"""
"""A lab in which one view's frames fail."""

SECONDS = 60


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url + "healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = [sys.executable, "-c", BROKEN, "--port", str(port), "--data-dir", str(tmp_path)]
    log = tmp_path / "log"
    url = f"http://127.0.0.1:{port}/"
    with log.open("wb") as written, subprocess.Popen(line, cwd=ROOT, stderr=written) as process:
        try:
            until(lambda: _answers(url), SECONDS)
            yield url
        finally:
            process.send_signal(signal.SIGINT)
    assert log.read_text().count("Traceback") == 1


def _says(page: Page, element: str, words: str | re.Pattern[str]) -> None:
    expect(page.locator(element)).to_contain_text(words, timeout=1000 * SECONDS)


def test_the_page_says_so_and_goes_on(chromium: Browser, broken: str) -> None:
    complaints: list[str] = []
    page = chromium.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(broken + "?depth=5")
    _says(page, "#badge", "before training")
    page.click("#train")
    page.get_by_text("weight ∂L/∂W", exact=True).click()
    _says(page, "#badge", "failed to draw")
    _says(page, "#verdict-text", "mish")
    page.get_by_text("signal ∂L/∂z", exact=True).click()
    _says(page, "#badge", re.compile("training|finished"))
    _says(page, "#verdict-text", "layer")
    page.close()
    assert not complaints
