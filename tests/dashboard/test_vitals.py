"""Health and figures for machines: true on good days and on bad ones."""

import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from diagnostics.dashboard import vitals
from diagnostics.dashboard.server import make_app
from diagnostics.runs import keeper
from diagnostics.runs.runner import Runner
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from tests.conftest import NoWorkers, steps


def _client(store: Store) -> TestClient:
    return TestClient(make_app(store, Runner(store, NoWorkers())), base_url="http://127.0.0.1")


def _figures(client: TestClient) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        " ".join([sample.name.removeprefix(vitals.PREFIX), *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_figures_say_what_there_is(store: Store) -> None:
    for state in ("finished", "finished", "diverged"):
        run = store.create_run(RunConfig())
        store.append(run, steps(1, 30))
        store.set_state(run, state)
    runner = Runner(store, NoWorkers(), slots=1)
    going, waits = (runner.submit(RunConfig()) for _ in range(2))
    with TestClient(make_app(store, runner), base_url="http://127.0.0.1") as client:
        found = _figures(client)
    assert (found["runs finished"], found["runs diverged"], found["runs queued"]) == (2, 1, 2)
    assert (found["training"], found["queue"], found["slots"]) == (1, 1, 1)
    assert (found["stored_steps"], found["store_up"]) == (90, 1)
    assert found["store_bytes"] > 0 and found["viewers"] == 0 and going != waits


def test_frames_and_viewers_are_counted(store: Store) -> None:
    run = store.create_run(RunConfig(depth=3))
    store.append(run, steps(1, 30))
    store.set_state(run, "finished")
    with _client(store) as client, client.websocket_connect("ws://127.0.0.1/live") as socket:
        socket.send_json({"run": run, "query": "depth=3"})
        assert socket.receive_json()["frame"]
        found = _figures(client)
        assert found["viewers"] == 1 and found["frames_sent_total"] == 1


def test_a_server_that_is_well_says_so(store: Store) -> None:
    with _client(store) as client:
        answer = client.get("/healthz")
    assert answer.status_code == 200 and answer.json()["status"] == "ok"
    assert answer.headers["cache-control"] == "no-store"


def test_a_store_that_is_gone_is_no_health(file_store: Store, tmp_path: Path) -> None:
    with _client(file_store) as client:
        (tmp_path / "store.sqlite").unlink()
        answer = client.get("/healthz")
        assert answer.status_code == 503 and answer.json()["status"] == "ill"
        assert "is gone" in answer.json()["said"]
        found = _figures(client)
        assert found["store_up"] == 0 and "store_bytes" not in found


def test_a_store_that_never_answers_is_no_health(
    file_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vitals, "ANSWERS_WITHIN", 0.05)
    monkeypatch.setattr(file_store, "tally", lambda: time.sleep(0.5))
    with _client(file_store) as client:
        answer = client.get("/healthz")
    assert answer.status_code == 503 and "has not answered" in answer.json()["said"]


def test_runs_that_nobody_looks_after_are_no_health(
    file_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck() -> None:
        raise RuntimeError("stuck")

    monkeypatch.setattr(keeper, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(file_store, "live_runs", stuck)
    with _client(file_store) as client:
        assert client.get("/healthz").status_code == 200
        time.sleep(0.3)
        monkeypatch.setattr(keeper, "LATE_SECONDS", 0.2)
        answer = client.get("/healthz")
    assert answer.status_code == 503 and "looked after" in answer.json()["said"]
