"""A served lab and a browser to measure it with."""

import gzip
import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import websockets
from playwright.sync_api import Browser, Page, sync_playwright

PORT = 8077
URL = f"http://127.0.0.1:{PORT}/"
LIVE = URL.replace("http", "ws") + "live?packed=1"


@contextmanager
def serving(folder: str, workers: int = 1, *more: str) -> Iterator[int]:
    """A lab in a process of its own, with its store in a folder; the number of the process."""
    command = [sys.executable, "app.py", "--port", str(PORT), "--data-dir", folder]
    command += ["--workers", str(workers), *more]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait()
        yield process.pid
    finally:
        process.terminate()
        process.wait()


@contextmanager
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@contextmanager
def page(link: str) -> Iterator[Page]:
    """A page of the lab in it."""
    with browser() as chromium:
        opened = chromium.new_page(viewport={"width": 1440, "height": 900})
        opened.goto(URL + link)
        yield opened


async def shown(
    watch: dict[str, Any], live: str = LIVE, cookies: str = ""
) -> AsyncIterator[str | bytes]:
    """What a page that watches something is sent; it acknowledges each once the next is wanted."""
    async with websockets.connect(
        live, max_size=None, additional_headers={"Cookie": cookies} if cookies else None
    ) as socket:
        await socket.send(json.dumps(watch))
        count = 0
        async for data in socket:
            count += 1
            yield data
            await socket.send(json.dumps({"ack": count}))


def unpacked(data: str | bytes) -> dict[str, Any]:
    """A message as scripts read it."""
    found: dict[str, Any] = json.loads(gzip.decompress(data) if isinstance(data, bytes) else data)
    return found


def spread(milliseconds: list[float]) -> str:
    """p50, p95 and the longest of some delays."""
    if not milliseconds:
        return "never"
    late = sorted(milliseconds)
    p95 = late[int(0.95 * len(late))]
    return f"p50 {late[len(late) // 2]:.0f} ms, p95 {p95:.0f} ms, longest {late[-1]:.0f} ms"


def _wait() -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(URL + "healthz", timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the lab did not start")
