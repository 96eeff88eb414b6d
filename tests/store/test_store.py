"""The store: what goes in comes out, and what is no store is refused with a sentence."""

import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from diagnostics.store.records import METRICS, Command, Event, PatientZero, StepBatch, Summary
from diagnostics.store.run import LOST_AFTER
from diagnostics.store.schema import chunks, meta
from diagnostics.store.store import Store, StoreError, open_store
from diagnostics.subject.config import RunConfig
from tests.conftest import steps


def test_chunks_come_back_as_they_went_in(store: Store) -> None:
    run = store.create_run(RunConfig(depth=3))
    first, second = steps(1, 5), steps(6, 2, seed=1)
    first.values[0, 0, 0], first.values[0, 1, 0], first.values[0, 2, 0] = np.nan, np.inf, 1e-45
    store.append(run, first, [Event(2, "set", {"lr": 0.1})])
    found = store.since(run)
    assert np.array_equal(found.batch.values, first.values, equal_nan=True)
    assert np.array_equal(found.batch.scalars, first.scalars)
    assert found.events == (Event(2, "set", {"lr": 0.1}),)
    store.append(run, second)
    later = store.since(run, found.cursor)
    assert later.batch.steps.tolist() == [6, 7] and later.events == ()
    assert len(store.since(run, later.cursor).batch) == 0


def test_runs_keep_their_configuration_and_their_end(store: Store) -> None:
    config = RunConfig(activation="relu", lr=1.0)
    run = store.create_run(config, name="mine")
    zero = PatientZero(14, 2, "activation")
    store.finish(run, Summary("diverged", 14, float("nan"), 0.1, zero))
    found = store.run(run)
    assert (found.config, found.name, found.state) == (config, "mine", "diverged")
    assert (found.steps, found.loss, found.patient_zero) == (14, None, zero)
    assert [r.id for r in store.runs()] == [run]


def test_newest_run_comes_first(store: Store) -> None:
    ids = [store.create_run(RunConfig()) for _ in range(3)]
    assert [run.id for run in store.runs()] == ids[::-1]
    assert [run.id for run in store.runs(limit=1)] == ids[-1:]


def test_a_run_without_heartbeat_is_lost_and_keeps_its_chunks(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create_run(RunConfig())
    store.set_state(run, "running")
    store.append(run, steps(1, 3))
    assert store.run(run).state == "running"
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + LOST_AFTER + 1)
    assert store.run(run).state == "lost"
    assert len(store.since(run).batch) == 3


def test_commands_arrive_once_and_in_order(store: Store) -> None:
    run = store.create_run(RunConfig())
    store.send(run, Command("pause"))
    store.send(run, Command("set", {"lr": 0.5}))
    found, last = store.commands(run)
    assert [c.kind for c in found] == ["pause", "set"] and found[1].data == {"lr": 0.5}
    assert store.commands(run, last) == ([], last)


def test_version_moves_when_another_connection_commits(store: Store) -> None:
    run = store.create_run(RunConfig())
    other = Store(store.url)
    seen = store.version()
    assert store.version() == seen
    other.append(run, steps(1, 1))
    assert store.version() != seen
    other.close()


def test_frame_has_a_row_per_step_and_layer(store: Store) -> None:
    run = store.create_run(RunConfig(depth=3))
    batch = steps(1, 5)
    store.append(run, batch)
    frame = store.frame(run)
    assert len(frame) == 20 and set(METRICS) <= set(frame.columns)
    row = frame[(frame.step == 3) & (frame.layer == 2)]
    assert row.signal_grad_norm.item() == batch.metric("signal_grad_norm")[2, 1]


def test_unknown_run_is_named(store: Store) -> None:
    with pytest.raises(StoreError, match="no run 'nope'"):
        store.frame("nope")


def _refused(url: str) -> str:
    with pytest.raises(StoreError) as refusal:
        open_store(url)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no database at all, but long enough to be looked at" * 50)
    assert "x" in _refused(f"sqlite:///{tmp_path / 'x'}")
    assert (tmp_path / "x").read_text().startswith("no database")


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "y") as connection:
        connection.execute("CREATE TABLE accounts (id INTEGER)")
    connection.close()
    assert "not a store" in _refused(f"sqlite:///{tmp_path / 'y'}")
    with sqlite3.connect(tmp_path / "y") as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    connection.close()
    assert tables == [("accounts",)]


def test_a_newer_store_is_refused(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE meta SET value = '99' WHERE key = 'version'"))
    assert "newer version" in _refused(store.url)


@pytest.mark.parametrize("url", ["nonsense", "mongodb://x/y", "sqlite:////proc/nowhere/s.sqlite"])
def test_a_url_that_leads_nowhere_is_refused(url: str) -> None:
    assert _refused(url)


@pytest.mark.parametrize("kind", ["postgresql+psycopg", "postgresql+nothing", "mongodb", "mysql"])
def test_no_password_is_told(kind: str) -> None:
    assert "hunter2" not in _refused(f"{kind}://lab:hunter2@127.0.0.1:1/x")


def test_a_read_only_store_is_refused(file_store: Store, tmp_path: Path) -> None:
    file_store.create_run(RunConfig())
    file = tmp_path / "store.sqlite"
    assert "read-only" in _refused(f"sqlite:///file:{file}?mode=ro&uri=true")


def test_a_loops_own_scalars_come_back_by_name(store: Store) -> None:
    run = store.create_run(RunConfig(depth=3))
    plain, one = steps(1, 3), steps(4, 2)
    told = {"reward": np.array([1.5, np.nan]), "λ": np.array([np.inf, -1e300])}
    both = StepBatch(one.steps, one.values, one.scalars, told)
    for batch in (plain, both, steps(6, 1)):
        store.append(run, batch)
    found = store.since(run).batch
    assert list(found.own) == ["reward", "λ"] and np.array_equal(found.steps, np.arange(1, 7))
    expected = [np.nan] * 3 + [1.5, np.nan, np.nan]
    assert np.array_equal(found.own["reward"], expected, equal_nan=True)
    assert found.own["λ"][3:5].tolist() == [np.inf, -1e300]
    assert np.array_equal(found.scalars[:5], np.concatenate([plain.scalars, one.scalars]))
    frame = store.frame(run)
    assert frame.columns[-2:].tolist() == ["reward", "λ"]
    assert frame["reward"].count() == 4  # a row for each layer of its step


def test_a_store_of_version_4_takes_a_loops_own_scalars(file_store: Store) -> None:
    run = file_store.create_run(RunConfig(depth=3))
    file_store.append(run, steps(1, 3))
    with file_store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE chunks DROP COLUMN own"))
        connection.execute(text("UPDATE meta SET value = '4' WHERE key = 'version'"))
    again = Store(file_store.url)
    later = steps(4, 1)
    again.append(run, StepBatch(later.steps, later.values, later.scalars, {"kl": np.ones(1)}))
    found = again.since(run)
    assert found.damaged == 0 and np.array_equal(found.batch.steps, np.arange(1, 5))
    assert np.array_equal(found.batch.own["kl"], [np.nan] * 3 + [1], equal_nan=True)
    again.close()


def test_an_older_store_is_read_with_its_missing_columns_empty(store: Store) -> None:
    run = store.create_run(RunConfig())
    store.append(run, steps(1, 3))
    with store.engine.begin() as connection:
        for key, value in (("metrics", list(METRICS)[:-2]), ("version", 1)):
            connection.execute(meta.update().where(meta.c.key == key).values(value=value))
        values = steps(1, 3).values[:, :, :-2].tobytes()
        connection.execute(chunks.update().values(array=values, seal=None))
    again = Store(store.url)
    batch = again.since(run).batch
    assert np.isnan(batch.metric(list(METRICS)[-1])).all()
    assert np.isfinite(batch.metric("signal_grad_norm")).all()
    again.close()
