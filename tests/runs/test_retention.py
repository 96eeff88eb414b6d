"""A server lets go of runs that ended long ago, and of nothing where it isn't told to."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import update

from diagnostics.runs import retention
from diagnostics.runs.retention import Retention
from diagnostics.store.schema import runs
from diagnostics.store.store import Store, StoreError
from diagnostics.store.upkeep import DAY, Spent
from diagnostics.subject.config import RunConfig


def _made(store: Store, state: str, days: float) -> str:
    run = store.create_run(RunConfig())
    store.set_state(run, state)
    with store.engine.begin() as connection:
        made = time.time() - days * DAY
        connection.execute(update(runs).where(runs.c.id == run).values(created=made, seal=None))
    return run


def _until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not done() and time.monotonic() < until:
        time.sleep(0.01)


def test_old_runs_go_and_others_stay(store: Store) -> None:
    _made(store, "finished", 9)
    stay = [_made(store, "finished", 1), _made(store, "paused", 9)]
    keeping = Retention(store, 5)
    _until(lambda: len(store.runs()) == 2)
    keeping.close()
    assert sorted(run.id for run in store.runs()) == sorted(stay)


def test_a_store_that_is_locked_is_tried_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _made(store, "finished", 9)
    tried: list[int] = []
    real = retention.discard

    def locked_once(store: Store, found: list[Spent]) -> int:
        tried.append(len(found))
        if len(tried) == 1:
            raise StoreError("it is locked")
        return real(store, found)

    monkeypatch.setattr(retention, "discard", locked_once)
    monkeypatch.setattr(retention, "EVERY_SECONDS", 0.05)
    keeping = Retention(store, 5)
    _until(lambda: not store.runs())
    keeping.close()
    assert not store.runs() and "could not be let go: it is locked" in caplog.text


def test_nothing_is_let_go_unasked(store: Store) -> None:
    run = _made(store, "finished", 10_000)
    Retention(store, 0).close()
    assert store.run(run)
