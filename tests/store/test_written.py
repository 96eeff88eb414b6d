"""What is committed is there once, whatever becomes of the connection, and is seen at once."""

import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import numpy as np
import pytest

from diagnostics.engine.sinks import StoreSink
from diagnostics.runs.control import Control
from diagnostics.store.catalogue import Catalogue
from diagnostics.store.packing import Checkpoint
from diagnostics.store.records import METRICS, SCALARS, Command, Event, StepBatch
from diagnostics.store.store import Store, StoreError
from diagnostics.subject.config import RunConfig
from tests.conftest import picture, steps
from tests.postgres import Cluster


def test_a_parcel_of_one_key_is_kept_once(store: Store) -> None:
    run = store.create_run(RunConfig())
    for key, first in (("a", 1), ("a", 1), ("b", 4), ("b", 4), ("a", 7)):
        happened = [Event(first, "set", {"lr": 0.1})]
        store.append(run, steps(first, 3), happened, taken=[picture(first)], key=key)
    found = store.since(run)
    assert found.batch.steps.tolist() == list(range(1, 10))
    assert [event.step for event in found.events] == [1, 4, 7]


@pytest.mark.parametrize("failing", ["append", "set_state", "commands"])
def test_whatever_call_fails_after_its_commit_nothing_is_doubled(
    store: Store, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    run, spoilt = store.create_run(RunConfig()), [0]
    real = getattr(store, failing)

    def breaks(*args: Any, **words: Any) -> Any:
        answer = real(*args, **words)
        spoilt[0] += 1
        if spoilt[0] % 2:
            raise StoreError("The connection broke before an answer came.")
        return answer

    sink = StoreSink(store, run, Control(), every=0.005)
    monkeypatch.setattr(store, failing, breaks)
    _write(sink, range(1, 200), pause=0.001)
    _until(lambda: store.since(run).batch.steps.tolist() == list(range(1, 200)))
    sink.close()
    found = store.since(run)
    assert found.batch.steps.tolist() == list(range(1, 200))
    assert [event.step for event in found.events] == list(range(50, 200, 50))
    assert spoilt[0] > 2


CHANGES: dict[str, Callable[[Store, str], Any]] = {
    "steps": lambda store, run: store.append(run, steps(1, 1)),
    "an event": lambda store, run: store.append(run, StepBatch.empty(), [Event(1, "set", {})]),
    "a picture": lambda store, run: store.append(run, StepBatch.empty(), taken=[picture(1)]),
    "a state": lambda store, run: store.set_state(run, "paused"),
    "a command": lambda store, run: store.send(run, Command("pause")),
    "a heartbeat": lambda store, run: store.beat([run]),
    "a checkpoint": lambda store, run: store.keep(run, Checkpoint({}, {}), "paused"),
    "nothing kept": lambda store, run: store.forget_kept(run),
    "another run": lambda store, run: store.create_run(RunConfig()),
    "a name": lambda store, run: Catalogue(store).describe(run, name="mine"),
    "a deletion": lambda store, run: _delete(store, run),
}


def _delete(store: Store, run: str) -> None:
    store.set_state(run, "stopped")
    Catalogue(store).delete(run)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_is_seen_at_once(store: Store, change: Callable[[Store, str], Any]) -> None:
    run = store.create_run(RunConfig())
    store.keep(run, Checkpoint({}, {}), "running")
    with closing(Store(store.url)) as other:
        seen = store.version()
        assert store.version() == seen
        change(other, run)
        assert store.version() != seen


def test_many_who_write_at_once_lose_nothing(store: Store) -> None:
    """Also where a later number is committed earlier."""
    run = store.create_run(RunConfig())
    made: list[str] = []

    def write(who: int) -> None:
        for number in range(20):
            store.send(run, Command("set", {"who": who, "number": number}))
        made.append(store.create_run(RunConfig()))

    threads = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    met, cursor = [], 0
    while len(met) < 80 and (any(t.is_alive() for t in threads) or cursor == 0):
        found, cursor = store.commands(run, cursor)
        met += found
    for thread in threads:
        thread.join()
    met += store.commands(run, cursor)[0]
    pairs = sorted((c.data["who"], c.data["number"]) for c in met)
    assert pairs == [(who, number) for who in range(4) for number in range(20)]
    assert sorted(one.number for one in store.runs()) == list(range(1, 6)) and len(made) == 4


def test_a_store_that_many_open_at_once_is_made_once(store_url: str) -> None:
    stores: list[Store] = []
    threads = [threading.Thread(target=lambda: stores.append(Store(store_url))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stores) == 6
    run = stores[0].create_run(RunConfig())
    for store in stores:
        assert store.run(run).number == 1
        store.close()


def test_a_database_that_restarts_in_mid_run_loses_nothing(cluster: Cluster) -> None:
    with closing(Store(cluster.url)) as store:
        run = store.create_run(RunConfig())
        sink, seen = StoreSink(store, run, Control(), every=0.005), [store.version()]
        restart = threading.Thread(target=cluster.restart)
        _write(sink, range(1, 100), pause=0.002)
        restart.start()
        _write(sink, range(100, 400), pause=0.005)
        restart.join()
        _write(sink, range(400, 420), pause=0.002)
        with suppress(StoreError):  # what was held open for this alone has ended
            store.version()
        seen.append(store.version())
        _until(lambda: len(store.since(run).batch) == 419)
        sink.close()
        found = store.since(run)
        assert found.batch.steps.tolist() == list(range(1, 420)) and not found.damaged
        assert [event.step for event in found.events] == list(range(50, 420, 50))
        assert seen[0] != seen[1]
    cluster.empty()


def test_the_first_call_after_a_restart_is_answered(cluster: Cluster) -> None:
    with closing(Store(cluster.url)) as store:
        run = store.create_run(RunConfig())
        cluster.restart()
        assert [found.id for found in store.runs()] == [run]
    cluster.empty()


def _write(sink: StoreSink, numbers: range, pause: float) -> None:
    for number in numbers:
        sink.write(number, np.ones((4, len(METRICS)), np.float32), np.ones(len(SCALARS)))
        if number % 50 == 0:
            sink.event(Event(number, "paused" if number % 100 else "resumed", {}))
        time.sleep(pause)


def _until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
