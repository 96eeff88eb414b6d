"""A run listens to the browser that started it; the host may stop any; others watch."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from diagnostics.dashboard.place import Place
from diagnostics.dashboard.server import make_app
from diagnostics.dashboard.visitors import COOKIE, Guests, mark_of
from diagnostics.runs.runner import Runner
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from tests.conftest import NoWorkers, steps

Open = Callable[[], TestClient]


@pytest.fixture
def guests() -> Guests:
    return Guests()


@pytest.fixture
def browser(store: Store, guests: Guests) -> Iterator[Open]:
    """Opens the page of a server that others reach in a browser of one's own."""
    place = Place("0.0.0.0")
    app = make_app(store, Runner(store, NoWorkers()), place=place, guests=guests)
    opened: list[TestClient] = []

    def come(link: str = "/") -> TestClient:
        client = TestClient(app, base_url="http://192.168.1.5:8050")
        opened.append(client)
        assert client.get(link).status_code == 200
        return client

    yield come
    for client in opened:
        client.close()


def _wish(client: TestClient, kind: str, value: object = None, **session: object) -> Any:
    asked = {"session": session, "wish": {"kind": kind, "value": value}, "pace": 20}
    return client.post("/wish", json=asked).json()


def _started(client: TestClient, store: Store) -> str:
    run: str = _wish(client, "play", query="depth=3")["session"]["run"]
    store.set_state(run, "running")
    store.append(run, steps(1, 4))
    return run


def _state(store: Store, run: str) -> tuple[object, ...]:
    told = store.run(run)
    commands = [command.kind for command in store.commands(run)[0]]
    return told.state, told.name, told.note, told.config, commands


SEEN = {"query": "depth=3"}

DEEDS = (
    ("play", None), ("step", None), ("again", None), ("reset", None), ("pace", None),
    ("changes", {"depth": 5}), ("lesson", "depth"), ("copy", None),
    ("scene", {"query": "depth=7", "view": "signal", "panel": "run"}),
)  # fmt: skip
"""Of the run in sight."""


def _listed(run: str) -> list[tuple[str, object]]:
    described = {"run": run, "name": "mine", "note": "now"}
    return [("stop", run), ("describe", described), ("delete", run), ("restore", run)]


@pytest.mark.parametrize(("kind", "value"), DEEDS)
def test_nothing_that_a_watcher_does_touches_the_run(
    store: Store, browser: Open, kind: str, value: object
) -> None:
    run = _started(browser(), store)
    before, watcher = _state(store, run), browser()
    _wish(watcher, kind, value, run=run, **SEEN)
    assert _state(store, run) == before


def test_a_watcher_is_refused_in_a_sentence(store: Store, browser: Open) -> None:
    run = _started(browser(), store)
    before, watcher = _state(store, run), browser()
    refused = [_wish(watcher, kind, run=run, **SEEN)["notice"] for kind in ("play", "step")]
    refused += [_wish(watcher, kind, value)["notice"] for kind, value in _listed(run)]
    assert all("somebody else's" in notice and notice.endswith(".") for notice in refused)
    assert _state(store, run) == before


def test_what_a_watcher_starts_is_the_watchers_own(store: Store, browser: Open) -> None:
    first, second = browser(), browser()
    run = _started(first, store)
    copied = _wish(second, "copy", run=run, **SEEN)["session"]
    assert copied["run"] is None and copied["before"] == run and copied["query"] == "depth=3"
    other = _wish(second, "again", run=run, **SEEN)["session"]
    assert other["run"] != run and other["yours"]
    assert store.run(other["run"]).owner == mark_of(second.cookies[COOKIE])
    assert store.run(run).owner == mark_of(first.cookies[COOKIE])
    assert first.cookies[COOKIE] not in store.run(run).owner


def test_the_owner_pauses_names_and_stops_it(store: Store, browser: Open) -> None:
    owner = browser()
    run = _started(owner, store)
    assert _wish(owner, "link", f"run={run}")["session"]["yours"]
    for kind, value in [("play", None), *_listed(run)[:2]]:
        assert not _wish(owner, kind, value, run=run, **SEEN)["notice"]
    assert _state(store, run)[-1] == ["pace", "pause", "stop"] and store.run(run).name == "mine"


def test_who_opens_the_presenters_link_may_stop_any_run(
    store: Store, browser: Any, guests: Guests
) -> None:
    run = _started(browser(), store)
    wrong, right = browser("/?host=guessed"), browser(f"/?host={guests.token}")
    assert _wish(wrong, "stop", run)["notice"]
    assert not _wish(right, "stop", run)["notice"]
    assert _state(store, run)[-1] == ["pace", "stop"]
    _wish(right, "reset", run=run, **SEEN)
    assert _state(store, run)[-1] == ["pace", "stop"]


def test_a_bare_address_shows_ones_own_run_and_offers_anothers(store: Store, browser: Open) -> None:
    owner, other = browser(), browser()
    run = _started(owner, store)
    assert f'"run":"{run}"' in owner.get("/").text
    page = other.get("/").text
    assert f'data-value="{run}"' in page and "is training" in page
    listed = other.get("/runs").json()["runs"]
    assert [one["yours"] for one in listed] == [False]


def test_at_home_what_nobody_owns_is_everybodys(store: Store) -> None:
    app = make_app(store, Runner(store, NoWorkers()))
    run = store.create_run(RunConfig(depth=3))
    client = TestClient(app, base_url="http://localhost:8050")
    assert not _wish(client, "stop", run)["notice"]
    proxied = {"X-Forwarded-For": "203.0.113.7"}
    client.headers.update(proxied)
    assert _wish(client, "stop", run)["notice"]


NEAR = [
    ("127.0.0.1", "localhost:8050", {}, True),
    ("::1", "[::1]:8050", {}, True),
    ("192.168.1.9", "192.168.1.5:8050", {}, False),
    ("127.0.0.1", "192.168.1.5:8050", {}, False),
    ("127.0.0.1", "localhost:8050", {"X-Forwarded-For": "203.0.113.7"}, False),
    ("127.0.0.1", "localhost:8050", {"Origin": "https://lab.example"}, False),
    ("172.17.0.1", "localhost:8050", {}, False),
]


@pytest.mark.parametrize(("address", "host", "headers", "near"), NEAR)
def test_who_sits_at_the_servers_own_machine_is_its_host(
    store: Store, address: str, host: str, headers: dict[str, str], near: bool
) -> None:
    place = Place("0.0.0.0", names=["lab.example"])
    app = make_app(store, Runner(store, NoWorkers()), place=place)
    run = store.create_run(RunConfig(depth=3), owner="somebody")
    client = TestClient(app, base_url=f"http://{host}", client=(address, 1), headers=headers)
    assert bool(_wish(client, "stop", run)["notice"]) is not near


def test_a_guest_without_a_cookie_is_told_what_to_allow(browser: Open) -> None:
    guest = browser()
    guest.cookies.clear()
    assert "cookie" in _wish(guest, "play")["notice"]


def test_a_secret_stays_and_no_script_reads_it(browser: Open) -> None:
    client = browser()
    kept = client.cookies[COOKIE]
    again = client.get("/")
    assert "set-cookie" not in again.headers and client.cookies[COOKIE] == kept
    client.cookies.clear()
    told = client.get("/").headers["set-cookie"]
    assert "HttpOnly" in told and "SameSite=Lax" in told
