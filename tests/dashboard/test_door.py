"""Foreign pages, foreign names and what no page sends end at the door, in a sentence."""

import json
import logging
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from diagnostics.dashboard.place import Place
from diagnostics.dashboard.rate import A_SECOND, MOST_AT_ONCE, Rate
from diagnostics.dashboard.server import make_app
from diagnostics.runs.runner import Runner
from diagnostics.store.store import Store
from tests.conftest import NoWorkers

HOME = "http://127.0.0.1:8050"
LIVE = "ws://127.0.0.1:8050/live"


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    app = make_app(store, Runner(store, NoWorkers()))
    with TestClient(app, base_url=HOME, raise_server_exceptions=False) as client:
        yield client


HOSTS = [
    (Place(), "127.0.0.1:8050", True),
    (Place(), "localhost:8050", True),
    (Place(), "[::1]:8050", True),
    (Place(), "LOCALHOST", True),
    (Place(), "evil.example", False),
    (Place(), "evil", False),
    (Place(), "127.0.0.1.evil.example:8050", False),
    (Place(), "203.0.113.7", False),
    (Place(), "", False),
    (Place(), "[", False),
    (Place(names=["lab.example"]), "lab.example", True),
    (Place("192.168.1.5"), "192.168.1.5:8050", True),
    (Place("0.0.0.0"), "192.168.1.5:8050", True),
    (Place("0.0.0.0"), "evil.example", False),
    (Place("lab.example"), "lab.example:8050", True),
]


@pytest.mark.parametrize(("place", "host", "known"), HOSTS)
def test_a_server_knows_its_names(place: Place, host: str, known: bool) -> None:
    assert place.knows(host) is known


ORIGINS = [
    ("http://127.0.0.1:8050", True),
    ("https://127.0.0.1:8050", True),
    ("http://127.0.0.1:8888", False),
    ("http://localhost:8050", False),
    ("http://evil.example", False),
    ("http://127.0.0.1:8050.evil.example", False),
    ("null", False),
    ("", False),
    ("file://", False),
    ("http://", False),
    ("http://[", False),
    ("http://127.0.0.1:8050@evil.example", False),
]


@pytest.mark.parametrize(("origin", "own"), ORIGINS)
def test_only_the_labs_own_pages_ask_it(client: TestClient, origin: str, own: bool) -> None:
    asked = {"session": {}, "wish": {"kind": "reset"}}
    answer = client.post("/wish", json=asked, headers={"Origin": origin})
    assert answer.status_code == (200 if own else 403)
    assert own or answer.json()["notice"].endswith(".")
    headers = {"Origin": origin}
    if own:
        with client.websocket_connect(LIVE, headers=headers):
            pass
    else:
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(LIVE, headers=headers):
            pass


def test_no_other_socket_listens(client: TestClient) -> None:
    url = LIVE.replace("live", "_dash-ws-callback")
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(url):
        pass


@pytest.mark.parametrize("path", ["/", "/runs", "/healthz", "/wish", "/_dash-layout"])
def test_another_name_is_turned_away_everywhere(client: TestClient, path: str) -> None:
    for ask in (client.get, client.post):
        answer = ask(path, headers={"Host": "evil.example"})
        assert answer.status_code == 403 and "evil.example" in answer.text


POSTED = [
    ("/wish", "text/plain", b"{}", 415),
    ("/wish", "", b"{}", 415),
    ("/wish", "application/x-www-form-urlencoded", b"a=b", 415),
    ("/_dash-update-component", "text/plain", b"{}", 415),
    ("/wish", "application/json", b"x" * 300_000, 413),
    ("/_dash-update-component", "application/json", b"x" * 300_000, 413),
    *(
        ("/_dash-update-component", "application/json", body, 422)
        for body in (
            b"", b"{}", b"[]", b"null", b"\xff", b"[" * 50_000,
            b'{"output": "nope.data", "inputs": [], "state": []}',
            b'{"output": "heard.data", "outputs": [], "inputs": [{"id": "a", "property": "b"}]}',
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("path", "media", "body", "status"), POSTED)
def test_what_no_page_posts_is_refused_in_a_sentence(
    client: TestClient, path: str, media: str, body: bytes, status: int
) -> None:
    answer = client.post(path, content=body, headers={"Content-Type": media})
    assert answer.status_code == status and answer.json()["notice"].endswith(".")


ODD = [10**30, -1, 1e400, float("nan")]


@pytest.mark.parametrize("number", ODD)
@pytest.mark.parametrize("field", ["layer", "at", "pace"])
def test_numbers_beyond_all_counting_are_refused(
    client: TestClient, field: str, number: float
) -> None:
    asked: dict[str, object] = {"session": {}, "wish": {"kind": "pin"}}
    place = asked if field == "pace" else asked["session"]
    assert isinstance(place, dict)
    place[field] = number
    body = json.dumps(asked).encode()
    answer = client.post("/wish", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422 and answer.json()["notice"].endswith(".")


@pytest.mark.parametrize("number", [10**30, -1])
def test_no_run_stands_before_such_a_number(client: TestClient, number: int) -> None:
    assert client.get(f"/runs?before={number}").status_code == 422


def test_who_asks_without_end_is_told_to_wait(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diagnostics.dashboard.rate.A_SECOND", 0)  # however long this takes
    place = Place("0.0.0.0")
    app = make_app(store, Runner(store, NoWorkers()), place=place)
    with TestClient(app, base_url="http://192.168.1.5") as client:
        asked = {"session": {}, "wish": {"kind": "pin"}}
        answers = [client.post("/wish", json=asked) for _ in range(MOST_AT_ONCE + 50)]
    assert {answer.status_code for answer in answers[:MOST_AT_ONCE]} == {200}
    assert answers[-1].status_code == 429 and answers[-1].json()["notice"].endswith(".")


def test_a_bucket_fills_again_and_is_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    rate, now = Rate(), 0.0
    monkeypatch.setattr("diagnostics.dashboard.rate.time.monotonic", lambda: now)
    assert sum(rate.allows("one") for _ in range(500)) == MOST_AT_ONCE
    assert rate.allows("other")
    now = 1.0
    assert sum(rate.allows("one") for _ in range(500)) == A_SECOND


GONE = ["nope/x.js", "dash/nope.js", "dash/../../../etc/passwd", "dash/%2e%2e/%2e%2e/secret"]


@pytest.mark.parametrize("name", GONE)
@pytest.mark.parametrize("squeezed", ["gzip", "identity"])
def test_scripts_that_there_are_not_are_missing(
    client: TestClient, name: str, squeezed: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = f"/_dash-component-suites/{name}"
    answer = client.get(path, headers={"Accept-Encoding": squeezed})
    assert answer.status_code == 404 and "There is no" in answer.text
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


def test_every_answer_says_what_browsers_may_do_with_it(client: TestClient) -> None:
    for path in ("/", "/runs", "/nope", "/healthz", "/_dash-layout", "/assets/icon.svg"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        rules = headers["content-security-policy"]
        assert "default-src 'none'" in rules and "frame-ancestors 'self'" in rules
        assert "'unsafe-inline'" not in rules.split("style-src")[0]


def test_no_two_pages_have_the_same_nonce(client: TestClient) -> None:
    rules = {client.get("/").headers["content-security-policy"] for _ in range(2)}
    assert len(rules) == 2
