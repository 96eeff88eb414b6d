"""Runs in worker processes: they end, obey, wait, and die without taking others along."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from diagnostics.engine.lab.trainer import train
from diagnostics.engine.sinks import MemorySink
from diagnostics.runs.control import Control
from diagnostics.runs.limits import Limits
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
    runner = Runner(store, Workers(1), limits=Limits(turn=1))
    yield runner
    runner.close()
    until(lambda: not multiprocessing.active_children())


def until(condition: Callable[[], bool], seconds: float = 180) -> None:
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
    assert "It is next, 1 run trains now" in runner.said(second) or store.run(second).steps
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


def test_runs_take_turns_and_go_on_to_the_last_bit(store: Store, runner: Runner) -> None:
    config = SMALL.changed(steps=700, dropout=0.2, optimizer="adam", norm="batch")
    first = runner.submit(config, Command("pace", {"steps_per_second": 300}))
    until(lambda: store.run(first).steps > 0)
    second = runner.submit(LONG)
    until(lambda: store.run(second).steps > 0)
    assert store.run(first).state == "queued" and 0 < store.run(first).steps < 700
    until(lambda: store.run(first).state == "finished")
    alone = MemorySink()
    train(config, alone, Control())
    told = store.since(first).batch
    assert told.steps.tolist() == alone.steps
    assert np.array_equal(told.values, alone.batch().values, equal_nan=True)
    assert told.scalar("loss").tolist() == alone.batch().scalar("loss").tolist()


def test_a_paused_run_gives_its_worker_to_who_waits(store: Store, runner: Runner) -> None:
    first = runner.submit(LONG)
    until(lambda: store.run(first).steps > 10)
    runner.send(first, Command("pause"))
    until(lambda: store.run(first).state == "paused")
    second = runner.submit(SMALL)
    until(lambda: store.run(second).state == "finished")
    assert store.run(first).state == "paused" and "Resume goes on" in runner.said(first)
    steps = store.run(first).steps
    runner.send(first, Command("step"))
    until(lambda: store.run(first).steps == steps + 1)
    until(lambda: store.run(first).state == "paused")
    runner.send(first, Command("resume"))
    until(lambda: store.run(first).steps > steps + 10)
    runner.send(first, Command("stop"))
    until(lambda: store.run(first).state == "stopped")


def test_a_run_that_has_no_worker_is_stopped_without_one(store: Store, runner: Runner) -> None:
    first, second = runner.submit(LONG), runner.submit(LONG)
    runner.send(second, Command("pause"))
    assert store.run(second).state == "paused"
    runner.send(second, Command("stop"))
    assert store.run(second).state == "stopped" and store.kept(second) is None
    runner.send(first, Command("stop"))
    until(lambda: store.run(first).state == "stopped")


def test_what_a_server_leaves_the_next_one_can_go_on_with(store: Store) -> None:
    runner = Runner(store, Workers(1))  # whose turns are long: the second waits to the end
    config = SMALL.changed(steps=1000)
    first = runner.submit(config, Command("pace", {"steps_per_second": 400}))
    waits = runner.submit(SMALL)
    until(lambda: store.run(first).steps > 10)
    runner.close()
    assert store.run(first).state == store.run(waits).state == "paused"
    reader = Store(store.url)
    following = Runner(reader, Workers(1))
    following.take_over()
    until(lambda: bool(following.said(first) and following.said(waits)))
    for run in (first, waits):
        following.send(run, Command("resume"))
    until(lambda: reader.run(first).state == reader.run(waits).state == "finished")
    assert reader.since(first).batch.steps.tolist() == list(range(1, 1001))
    assert reader.since(waits).batch.steps.tolist() == list(range(1, 21))
    following.close()
    reader.close()


def test_a_cell_whose_sweep_died_is_left_to_the_sweep(store: Store) -> None:
    run = store.create_run(SMALL)
    store.send(run, Command("cell"))
    reader = Store(store.url)
    following = Runner(reader, Workers(1))
    following.take_over()
    until(lambda: reader.run(run).state == "stopped")
    assert following.standing().aside == 0 and not following.said(run)
    following.close()
    reader.close()


def test_a_run_trains_no_longer_than_it_may(store: Store) -> None:
    runner = Runner(store, Workers(1), limits=Limits(seconds=1))
    run = runner.submit(LONG)
    until(lambda: store.run(run).state == "stopped")
    told = store.since(run).events[-1]
    assert told.data["sentence"] == "It has trained for 1 s, as long as this server allows."
    runner.close()


def test_runs_pause_when_the_store_is_full_and_go_on_when_there_is_room(
    store: Store, runner: Runner
) -> None:
    full = 1 + int(store.size() / 1e6)
    runner._keeper.limits = Limits(megabytes=full)
    run = runner.submit(LONG)
    until(lambda: store.run(run).state == "paused")
    until(lambda: "this server allows" in runner.said(run) and "Resume" in runner.said(run))
    steps = store.run(run).steps
    runner._keeper.limits = Limits(megabytes=1000 * full)
    runner.send(run, Command("resume"))
    until(lambda: store.run(run).steps > steps)
    until(lambda: "this server allows" not in runner.said(run))
