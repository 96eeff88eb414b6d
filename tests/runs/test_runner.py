"""Runs in worker processes: they end, obey, wait, and die without taking others along."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from diagnostics.runs.runner import Runner
from diagnostics.runs.workers import Workers
from diagnostics.store.records import Command
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig

pytestmark = pytest.mark.thorough

SMALL = RunConfig(activation="relu", init="he_normal", depth=2, width=8, steps=20)
LONG = SMALL.changed(steps=1_000_000)


@pytest.fixture
def runner(store: Store) -> Iterator[Runner]:
    runner = Runner(store, Workers(1))
    yield runner
    runner.close()
    until(lambda: not multiprocessing.active_children())


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def _worker() -> int:
    (process,) = multiprocessing.active_children()
    assert process.pid is not None
    return process.pid


def test_a_run_finishes_with_every_step_in_the_store(store: Store, runner: Runner) -> None:
    run = runner.submit(SMALL)
    until(lambda: not store.run(run).live)
    assert store.run(run).state == "finished"
    assert store.since(run).batch.steps.tolist() == list(range(1, 21))


def test_commands_reach_a_run_that_is_going(store: Store, runner: Runner) -> None:
    run = runner.submit(LONG)
    until(lambda: store.run(run).steps > 10)
    runner.send(run, Command("pause"))
    until(lambda: store.run(run).state == "paused")
    steps = store.run(run).steps
    runner.send(run, Command("step"))
    until(lambda: store.run(run).steps == steps + 1)
    runner.send(run, Command("set", {"lr": 0.01}))
    runner.send(run, Command("resume"))
    until(lambda: store.run(run).steps > steps + 10)
    runner.send(run, Command("stop"))
    until(lambda: store.run(run).state == "stopped")
    assert [e.kind for e in store.since(run).events] == ["paused", "set", "resumed"]


def test_more_runs_than_workers_wait(store: Store, runner: Runner) -> None:
    first, second, third = (runner.submit(LONG) for _ in range(3))
    until(lambda: store.run(first).state == "running")
    assert store.run(second).state == "queued"
    runner.send(third, Command("stop"))
    until(lambda: store.run(third).state == "stopped")
    runner.send(first, Command("stop"))
    until(lambda: store.run(second).state == "running")


def test_a_killed_worker_loses_its_run_but_no_chunk_and_not_the_next(
    store: Store, runner: Runner
) -> None:
    run = runner.submit(LONG)
    until(lambda: store.run(run).steps > 20)
    os.kill(_worker(), signal.SIGKILL)
    until(lambda: store.run(run).state == "lost")
    kept = store.since(run).batch.steps
    assert kept.tolist() == list(range(1, store.run(run).steps + 1))
    following = runner.submit(SMALL)
    until(lambda: store.run(following).state == "finished")
