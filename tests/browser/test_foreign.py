"""Pages of other sites, and names that others point here, reach nothing."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import ELSEWHERE, Lab

pytestmark = pytest.mark.browser

TRIED = """async (lab) => {
  const stop = JSON.stringify({ session: {}, wish: { kind: "play", value: null }, pace: 0 });
  const read = (how) => fetch(lab + "wish", how).then((answer) => answer.type, () => "refused");
  const json = { "Content-Type": "application/json" };
  const heard = await new Promise((done) => {
    const socket = new WebSocket(lab.replace("http", "ws") + "live");
    socket.onopen = () => socket.send(JSON.stringify({ query: "", visible: true }));
    socket.onmessage = () => done("read");
    socket.onclose = () => done("refused");
  });
  return {
    json: await read({ method: "POST", headers: json, body: stop, credentials: "include" }),
    plain: await read({ method: "POST", mode: "no-cors", body: stop, credentials: "include" }),
    runs: await fetch(lab + "runs").then(() => "read", () => "refused"),
    heard,
  };
}"""


class _Blank(BaseHTTPRequestHandler):
    """A page of another site, which shows the lab within."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f'<iframe src="{self.server.lab}"></iframe>'.encode())  # type: ignore[attr-defined]

    def log_message(self, *told: object) -> None:
        """It is silent."""


@pytest.fixture
def foreign(lab: Lab) -> Iterator[int]:
    """The port of a site with a page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Blank)
    server.lab = lab.url  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def _runs(lab: Lab, page: Page) -> int:
    found: int = page.evaluate("fetch('/runs').then((a) => a.json()).then((a) => a.runs.length)")
    return found


def test_a_foreign_page_starts_and_reads_nothing(
    opened: Callable[..., Page], lab: Lab, foreign: int
) -> None:
    own = opened("?depth=3")
    before = _runs(lab, own)
    page = own.context.new_page()  # in the very browser whose cookie the lab knows
    page.goto(f"http://foreign.example:{foreign}/")
    told = page.evaluate(TRIED, lab.url)
    assert (told["json"], told["runs"], told["heard"]) == ("refused", "refused", "refused")
    assert told["plain"] in ("opaque", "refused")
    assert _runs(lab, own) == before
    page.close()


@pytest.mark.parametrize(("site", "shows"), [("foreign.example", False), ("localhost", True)])
def test_pages_of_this_machine_may_show_the_lab_in_theirs_and_no_others(
    chromium: Browser, foreign: int, site: str, shows: bool
) -> None:
    page = chromium.new_page()
    page.goto(f"http://{site}:{foreign}/")
    _, framed = page.frames
    assert (framed.title() == "Gradient Diagnostics") is shows
    page.close()


def test_a_name_that_is_pointed_here_is_turned_away(chromium: Browser, lab: Lab) -> None:
    page = chromium.new_page()
    answer = page.goto(f"http://{ELSEWHERE}:{lab.port}/")
    assert answer is not None and answer.status == 403
    assert "no name of this server" in page.inner_text("body")
    page.close()
