"""A served lab and a real Chromium."""

import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from diagnostics.store.records import Command
from diagnostics.store.store import Store
from tests.conftest import left_out

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ELSEWHERE = "lab.example"
"""A name by which pages of this machine come as if they were others'."""

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP *.example 127.0.0.1",
]

PATIENCE = 90
"""Seconds that anything may take on a machine with other work; whoever waits goes on at once."""

expect.set_options(timeout=1000 * PATIENCE)

OPEN = """() => document.querySelector('#plot-lead canvas')
    && lab.session() !== null"""
AWAY = ("ERR_CONNECTION_REFUSED", "server did not respond")
"""What Chromium and Dash say by themselves while a server is away."""

WHERE_ELSE = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",)


def _chromium() -> str:
    found = next(filter(None, map(shutil.which, (*NAMES, *WHERE_ELSE))), None)
    if found:
        return found
    left_out("no Chromium on this machine: install chromium or Chrome to run the browser tests")


class Lab:
    """A lab in a process of its own, that can be killed and started again."""

    def __init__(self, data_dir: Path, *program: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.data_dir = data_dir
        self._program = program or ("app.py",)
        self.start()

    def start(self) -> None:
        command = [sys.executable, *self._program, "--port", str(self.port)]
        command += ["--data-dir", str(self.data_dir)]
        self._process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
        until(self._answers)

    def stop(self, tracebacks: int = 0) -> None:
        """End it; its log must have so many tracebacks."""
        self._process.send_signal(signal.SIGINT)
        _, errors = self._process.communicate(timeout=PATIENCE)
        assert errors.count(b"Traceback") == tracebacks, errors.decode()

    def end_runs(self) -> None:
        """Leave both workers free for the next test."""
        store = Store(f"sqlite:///{self.data_dir / 'store.sqlite'}")
        for run in store.runs():
            if run.live:
                store.send(run.id, Command("stop"))
        store.close()

    def kill_workers(self) -> None:
        """SIGKILL all that trains."""
        server = psutil.Process(self._process.pid)
        for process in server.children(recursive=True):
            if process.ppid() != server.pid:  # a child of the fork server
                process.kill()

    def _answers(self) -> bool:
        assert self._process.poll() is None, "the lab ended at once"
        try:
            with urllib.request.urlopen(self.url + "healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = _chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.stop()


@pytest.fixture
def opened(chromium: Browser, lab: Lab) -> Iterator[Callable[..., Page]]:
    """Opens pages; at the end none may have complained or asked another host for anything."""
    complaints: list[str] = []
    contexts = []

    def open_page(link: str = "?seed=0", scripts: Sequence[str] = (), **options: object) -> Page:
        # the tests bring scripts of their own: what the policy allows has tests of its own
        usual = {"viewport": {"width": 1440, "height": 900}, "bypass_csp": True}
        context = chromium.new_context(**usual | options)  # type: ignore[arg-type]
        context.set_default_timeout(1000 * PATIENCE)
        contexts.append(context)
        page = context.new_page()
        for script in scripts:
            page.add_init_script(script)
        page.on("console", lambda m: complaints.append(m.text) if _complains(m) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: None if _own(r.url, lab) else complaints.append(r.url))
        page.goto(lab.url + link)
        page.wait_for_function(OPEN)
        return page

    yield open_page
    for context in contexts:
        context.close()
    lab.end_runs()
    assert not complaints


def _complains(message: ConsoleMessage) -> bool:
    away = any(words in message.text for words in AWAY)
    return message.type in ("error", "warning") and not away


def _own(url: str, lab: Lab) -> bool:
    return f"127.0.0.1:{lab.port}/" in url or url.startswith(("data:", "blob:"))
