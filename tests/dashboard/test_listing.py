"""The list of runs, as the drawer asks for it."""

import json
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from diagnostics.dashboard.listing import add_runs_route
from diagnostics.store.catalogue import Catalogue
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from diagnostics.subject.watched import WatchedModel
from tests.conftest import steps


@pytest.fixture
def client(store: Store) -> TestClient:
    server = FastAPI()
    add_runs_route(server, Catalogue(store))
    return TestClient(server)


def _asked(client: TestClient, **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(client.get("/runs", params=query).content)
    return found


def _found(client: TestClient, search: str) -> list[int]:
    return [run["number"] for run in _asked(client, search=search)["runs"]]


def test_a_run_is_listed_with_what_came_of_it(store: Store, client: TestClient) -> None:
    run = store.create_run(RunConfig(activation="relu", depth=5))
    store.append(run, steps(1, 10))
    (told,) = _asked(client)["runs"]
    assert told["title"] == "relu · glorot normal · depth 5"
    assert (told["number"], told["steps"], told["live"], told["watched"]) == (1, 10, True, False)
    assert told["best"] > 0 and len(told["loss"]) == 10


def test_runs_are_found_by_title_note_settings_and_state(store: Store, client: TestClient) -> None:
    for config in (RunConfig(depth=5), RunConfig(activation="relu", depth=50), RunConfig()):
        store.create_run(config)
    noted = store.create_run(WatchedModel(model="Net"), name="Résumé")
    Catalogue(store).describe(noted, note="after lunch")
    assert _found(client, "depth=5") == [2, 1]
    assert _found(client, "depth 50") == [2]
    assert _found(client, "RELU  queued") == [2]
    assert _found(client, "LUNCH résumé net") == [4]
    assert _found(client, "#3") == [3]
    assert _found(client, "nothing like it") == []


def test_older_runs_are_had_page_by_page(store: Store, client: TestClient) -> None:
    for _ in range(5):
        store.create_run(RunConfig())
    first = _asked(client, limit=3)
    assert ([run["number"] for run in first["runs"]], first["more"]) == ([5, 4, 3], True)
    rest = _asked(client, limit=3, before=3)
    assert ([run["number"] for run in rest["runs"]], rest["more"]) == ([2, 1], False)


@pytest.mark.parametrize("query", ["limit=0", "limit=9999", "before=x", "search=" + "a" * 300])
def test_what_no_page_asks_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/runs?{query}").status_code == 422
