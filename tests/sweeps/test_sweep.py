"""Sweeps are trained once, whatever happens to them."""

import os
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from threading import Event, Thread, Timer
from typing import Any

import numpy as np
import psutil
import pytest
from sqlalchemy import update

import diagnostics
from diagnostics.cli.commands import main
from diagnostics.engine.lab import network
from diagnostics.engine.lab.data import Dataset
from diagnostics.engine.lab.profiler import profile
from diagnostics.engine.lab.worker import train_into
from diagnostics.runs.control import Control
from diagnostics.runs.crew import Crew
from diagnostics.store.records import Command
from diagnostics.store.schema import checkpoints
from diagnostics.store.store import Store, open_store
from diagnostics.subject.config import RunConfig
from diagnostics.sweeps import outcomes
from diagnostics.sweeps.product import plan
from diagnostics.sweeps.sweep import Result, Sweep, swept

START = ["init=orthogonal activation=tanh steps=0"]
WORDS = ["activation=relu,sigmoid depth=3,12", "width=8 steps=5"]


class Here(Executor):
    """Trains in this process; the workers of some jobs, by their number, are killed."""

    def __init__(self, *killed: int) -> None:
        self.jobs, self._killed = 0, killed

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it at once."""
        future: Future[Any] = Future()
        self.jobs += 1
        try:
            if self.jobs in self._killed:
                raise BrokenExecutor("killed")
            future.set_result(fn(*args, **kwargs))
        except Exception as trouble:
            future.set_exception(trouble)
        return future


def trained(store: Store, here: Here) -> list[Result]:
    return list(Sweep(store, here, 2).results(plan(WORDS)))


def test_each_cell_is_a_run_and_is_not_trained_again(file_store: Store) -> None:
    here = Here()
    first = trained(file_store, here)
    assert here.jobs == 2 and all(one.run and one.run.state == "finished" for one in first)
    again = trained(file_store, here)
    assert here.jobs == 2
    assert {one.run.id for one in again if one.run} == {one.run.id for one in first if one.run}


def test_a_run_that_was_changed_meanwhile_is_no_answer(file_store: Store) -> None:
    here = Here()
    run = trained(file_store, here)[0].run
    assert run is not None
    file_store.send(run.id, Command("set", {"lr": 1.0}))
    trained(file_store, here)
    assert here.jobs == 3


def test_a_killed_worker_costs_each_cell_of_its_team_a_retry_alone(file_store: Store) -> None:
    here = Here(2)
    found = trained(file_store, here)
    assert len(found) == 4 and not any(one.error for one in found)
    assert [run.state for run in file_store.runs()].count("failed") == 2
    assert here.jobs == 4


def test_a_cell_that_kills_its_workers_is_a_result_with_its_reason(file_store: Store) -> None:
    found = trained(file_store, Here(1, 2, 3, 4))
    failed = [one for one in found if one.error]
    assert len(found) == 4 and len(failed) == 2
    assert all("killed, 2 times" in one.error for one in failed)


def test_a_team_that_can_not_be_trained_is_trained_cell_by_cell(
    file_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(store: Store, runs: object) -> None:
        raise MemoryError("together")

    monkeypatch.setattr("diagnostics.engine.lab.worker.train_together", fails)
    found = trained(file_store, Here())
    assert len(found) == 4 and all(one.run and one.run.state == "finished" for one in found)


def test_of_a_team_whose_worker_is_killed_what_had_ended_counts(file_store: Store) -> None:
    class Late(Here):
        """Kills a worker when its first job is done."""

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            future = super().submit(fn, *args, **kwargs)
            if self.jobs > 1:
                return future
            broken: Future[Any] = Future()
            broken.set_exception(BrokenExecutor("killed"))
            return broken

    here = Late()
    found = trained(file_store, here)
    assert here.jobs == 2 and len(found) == len(file_store.runs()) == 4


def test_one_cell_that_is_broken_does_not_take_its_team_along(
    file_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = network.build

    def broken(config: RunConfig, data: Dataset) -> network.Network:
        if config.activation == "relu" and config.depth == 3:
            raise ValueError("no such network")
        return build(config, data)

    monkeypatch.setattr(network, "build", broken)
    here = Here()
    found = trained(file_store, here)
    assert here.jobs == 2 and len(found) == 4
    (failed,) = (one for one in found if one.error)
    assert failed.error == "ValueError: no such network"
    assert failed.cell.values == {"activation": "relu", "depth": 3}


class Never(Executor):
    """Takes jobs and begins none."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have it wait."""
        return Future()


def test_who_leaves_off_ends_all_runs_of_a_team(file_store: Store) -> None:
    ending = Event()
    sweep = Sweep(file_store, Never(), 1, ending=ending)
    results = sweep.results(plan(WORDS))
    ending.set()
    assert not list(results) and not file_store.runs()
    ending.clear()
    Timer(0.3, ending.set).start()
    assert not list(sweep.results(plan(WORDS)))
    assert [run.state for run in file_store.runs()] == ["stopped"] * 2


def test_who_leaves_off_keeps_what_is_finished(file_store: Store) -> None:
    here = Here()
    results = Sweep(file_store, here, 1).results(plan(WORDS))
    next(results)
    results.close()
    assert {run.state for run in file_store.runs()} == {"finished"}
    assert here.jobs == 1
    found = trained(file_store, here)
    assert here.jobs == 3 and len(file_store.runs()) == len(found) == 4


@pytest.mark.parametrize("changed", ["", "by somebody", "damaged"])
def test_a_run_that_died_with_its_sweep_goes_on_where_it_was(
    file_store: Store, changed: str
) -> None:
    """But not one that is no answer any more."""
    told = [Command("set", {"lr": 1.0})] if changed == "by somebody" else []
    run = _left_off(file_store, Command("cell"), *told)
    if changed == "damaged":
        with file_store._engine.begin() as connection:
            connection.execute(update(checkpoints).values(array=b"0"))
    found = trained(file_store, Here())
    goes_on = not changed
    assert (run in {one.run.id for one in found if one.run}) is goes_on
    assert file_store.run(run).steps == (5 if goes_on else 2)
    assert all(one.run and one.run.state == "finished" for one in found)
    assert len(file_store.runs()) == (4 if goes_on else 5)


def test_a_run_that_somebody_began_by_himself_is_left_to_him(file_store: Store) -> None:
    run = _left_off(file_store)
    trained(file_store, Here())
    assert file_store.run(run).steps == 2 and len(file_store.runs()) == 5


def _left_off(store: Store, *told: Command) -> str:
    """A run of the first cell that has made two steps, and whose server has died then."""
    config = plan(WORDS).cells[0].config
    assert config is not None
    run = store.create_run(config)
    for command in (*told, Command("step"), Command("step"), Command("aside", {"state": "paused"})):
        store.send(run, command)
    train_into(store, run, Control())
    store.set_state(run, "stopped")
    return run


def test_a_table_of_what_came_of_it(file_store: Store) -> None:
    found = outcomes.frame(outcomes.outcomes(file_store, trained(file_store, Here())))
    assert list(found.columns) == ["activation", "depth", *outcomes.COLUMNS]
    assert len(found) == 4 and (found["steps"] == 5).all()
    assert found["activation"].tolist() == ["relu", "relu", "sigmoid", "sigmoid"]
    deep = found[(found["activation"] == "sigmoid") & (found["depth"] == 12)].iloc[0]
    assert deep["decades"] < -5 and deep["diagnosis"] == "Vanishing gradients"


def test_what_diverged_is_shown_as_it_was_before_numbers_ended(file_store: Store) -> None:
    asked = plan(["activation=relu init=he_normal depth=3 width=32 lr=100 steps=20"])
    (found,) = outcomes.outcomes(file_store, Sweep(file_store, Here(), 1).results(asked))
    assert found.run is not None and found.run.state == "diverged"
    assert len(found.decades) == 3 and np.isfinite(found.decades).all()


def test_without_steps_networks_are_measured_and_none_is_kept(file_store: Store) -> None:
    here = Here(2)
    found = list(Sweep(file_store, here, 2).results(plan(["gain=0.5:3:0.5 depth=4,12", *START])))
    assert here.jobs == 3 and not file_store.runs()  # 12 cells by eights, one of them twice
    table = outcomes.frame(outcomes.outcomes(file_store, found))
    assert (table["state"] == outcomes.START).all() and (table["run"] == "").all()
    deep = table[table["depth"] == 12].set_index("gain")
    expected = profile(RunConfig.from_words(["init=orthogonal", "activation=tanh", "depth=12"]))
    first, last = expected["signal_grad_norm"].to_numpy()[[0, -2]]
    assert deep["decades"][1.0] == pytest.approx(np.log10(first / last), rel=1e-5)
    assert deep["diagnosis"][0.5] == "Vanishing gradients"
    assert deep["decades"][0.5] < deep["decades"][1.0] < deep["decades"][2.0]


def test_a_network_that_can_not_be_measured_is_a_result_with_its_reason(
    file_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(config: RunConfig) -> None:
        raise MemoryError(f"depth {config.depth}")

    monkeypatch.setattr("diagnostics.engine.lab.worker.profile_batch", fails)
    found = Sweep(file_store, Here(), 1).results(plan(["depth=4,12 steps=0"]))
    assert [one.error for one in found] == ["MemoryError: depth 4", "MemoryError: depth 12"]


@pytest.mark.thorough
@pytest.mark.parametrize("words", ["depth=2:4", "seed=1:3 depth=3"])
def test_real_workers_may_be_killed_by_hand(file_store: Store, words: str) -> None:
    """Of networks that are trained alone, and of a team."""
    killer = Thread(target=_kill_workers_once_they_train, args=(file_store,))
    with swept(file_store, Crew(2), plan([words, "width=8 steps=500"])) as results:
        killer.start()
        found = list(results)
    killer.join()
    states = [run.state for run in file_store.runs()]
    assert len(found) == states.count("finished") == 3 and "failed" in states
    for run in file_store.runs():
        steps = file_store.since(run.id).batch.steps.tolist()
        assert steps == list(range(1, run.steps + 1))


def _kill_workers_once_they_train(store: Store) -> None:
    while not any(run.state == "running" for run in store.runs()):
        time.sleep(0.01)
    below = psutil.Process().children(recursive=True)
    for worker in (one for one in below if one.ppid() != os.getpid()):
        worker.kill()


def test_in_python_it_is_a_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GD_DATA_DIR", str(tmp_path))
    found = diagnostics.sweep("depth=2,3 width=8", steps=3, workers=1)
    assert found["depth"].tolist() == [2, 3] and (found["state"] == "finished").all()
    store = open_store()
    assert len(store.runs()) == 2
    store.close()


def test_the_command_writes_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "found.csv"
    words = ["sweep", "depth=2,3 width=8", "steps=3", "--data-dir", str(tmp_path), "--workers", "1"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--output", str(file)])
    assert ended.value.code == 0 and "depth" in capsys.readouterr().out
    assert len(file.read_text().splitlines()) == 3


@pytest.mark.parametrize("words", [["depth=9:3"], ["depth=3", "--output", "x.txt"]])
def test_bad_words_end_with_a_sentence(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["sweep", *words, "--data-dir", str(tmp_path)])
    told = capsys.readouterr().err
    assert ended.value.code == 2 and "Traceback" not in told and "Error" in told
