"""A real Dask: a scheduler and two workers, a PostgreSQL as the store, and what may befall them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from distributed import Client

from diagnostics.runs.cluster import ALIKE, Cluster, packages
from diagnostics.runs.crew import Crew
from diagnostics.runs.runner import Runner, work
from diagnostics.store.settings import InvalidSetting, Settings
from diagnostics.store.store import Store, StoreError
from diagnostics.subject.config import RunConfig
from diagnostics.sweeps.outcomes import outcomes
from diagnostics.sweeps.product import plan
from diagnostics.sweeps.sweep import Sweep
from tests.postgres import Cluster as Postgres

ROOT = Path(__file__).parents[2]
QUIET = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}


class Dask:
    """A scheduler and two workers, as they are started by hand."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler = self._start("dask_scheduler", "--port", str(self.port))
        self.workers = self._two()

    def _two(self) -> list[subprocess.Popen[bytes]]:
        return [self._start("dask_worker", self.address, "--nthreads", "1") for _ in range(2)]

    def _start(self, program: str, *given: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{program}", "--no-dashboard", *given]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | QUIET,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def connected(self, workers: int = 2) -> Cluster:
        """Connected once all are there."""
        until(lambda: _answers(self.port))
        cluster = Cluster(self.address)
        until(lambda: cluster.alive == workers)
        return cluster

    def restart_scheduler(self) -> None:
        """Kill it; its workers end by themselves, and who keeps services starts all anew."""
        self.scheduler.kill()
        self.scheduler.wait()
        self.scheduler = self._start("dask_scheduler", "--port", str(self.port))
        for worker in self.workers:
            worker.wait(60)
        self.workers = self._two()

    def kill_a_busy_one(self) -> None:
        """SIGKILL a process that has a job; its nanny starts another.

        One only: a job whose worker was killed may be on the second before that is killed, too.
        """
        with Client(self.address, set_as_default=False) as client:
            processes, jobs = client.run(os.getpid), client.processing()
            os.kill(next(processes[worker] for worker in jobs if jobs[worker]), signal.SIGKILL)

    def close(self) -> None:
        for one in (*self.workers, self.scheduler):
            os.killpg(one.pid, signal.SIGKILL)
            one.wait()


def until(true: Callable[[], object], seconds: float = 120) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds
        time.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as asks:
        return asks.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def dask() -> Iterator[Dask]:
    dask = Dask()
    yield dask
    dask.close()


@pytest.fixture
def kept(cluster: Postgres) -> Iterator[Store]:
    cluster.empty()
    store = Store(cluster.url)
    yield store
    store.close()
    cluster.empty()


def _kill_who_trains(dask: Dask, store: Store) -> None:
    until(lambda: any(run.steps > 1 for run in store.live_runs()))
    dask.kill_a_busy_one()


def test_a_sweep_is_trained_there_and_a_killed_worker_costs_a_retry(
    dask: Dask, kept: Store
) -> None:
    there = dask.connected()
    asked = plan(["depth=2:4 width=8 steps=1500"])
    with ThreadPoolExecutor(1) as hand:
        killing = hand.submit(_kill_who_trains, dask, kept)
        found = list(Sweep(kept, there, 2).results(asked))
        killing.result()
    there.shutdown()
    assert len(found) == 3 and not any(one.error for one in found)
    assert all(one.run and one.run.steps == 1500 for one in found)
    assert all(len(kept.since(one.run.id).batch) == 1500 for one in found if one.run)
    assert "failed" in [run.state for run in kept.runs()]
    assert len(outcomes(kept, found)) == 3


@pytest.mark.slow
def test_previews_trainings_and_trials_are_done_there(dask: Dask, kept: Store) -> None:
    there = dask.connected()
    runner = Runner(kept, there, there, 1)
    here = work("profile_batch", RunConfig(depth=3))
    found = runner.profile(RunConfig(depth=3)).result(60)
    assert np.array_equal(found.values, here.values, equal_nan=True)
    run = runner.submit(RunConfig(depth=2, width=8, steps=50))
    until(lambda: kept.run(run).state == "finished")
    sick = RunConfig(init="zeros", activation="tanh", depth=3, steps=50)
    until(lambda: runner.outcome("symmetric", sick).result(60) is not None)
    assert runner.alive() == 2 and not runner.ill()
    runner.close()


@pytest.mark.slow
def test_a_scheduler_that_is_restarted_costs_a_retry(dask: Dask, kept: Store) -> None:
    there = dask.connected()
    results = Sweep(kept, there, 2).results(plan(["depth=2:5 width=8 steps=300"]))
    found = [next(results)]
    dask.restart_scheduler()
    found += results
    assert sum(one.error == "" for one in found) == 4
    assert all(len(kept.since(one.run.id).batch) == 300 for one in found if one.run)
    there.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_database_that_is_restarted_loses_nothing(
    dask: Dask, kept: Store, cluster: Postgres, mode: str
) -> None:
    there = dask.connected()
    with ThreadPoolExecutor(1) as hand:
        restarting = hand.submit(_restart_again_and_again, cluster, kept, mode)
        found = list(Sweep(kept, there, 2).results(plan(["depth=2:5 width=8 steps=1500"])))
        restarting.result()
    there.shutdown()
    assert len(found) == 4 and not any(one.error for one in found)
    for one in found:
        assert one.run is not None and one.run.state == "finished"
        batch = kept.since(one.run.id).batch
        assert batch.steps.tolist() == list(range(1, 1501))


def _restart_again_and_again(cluster: Postgres, store: Store, mode: str) -> None:
    for steps in (1, 700, 1200):
        until(partial(_has_come_to, store, steps))
        cluster.restart(mode)


def _has_come_to(store: Store, steps: int) -> bool:
    with suppress(StoreError):
        return any(run.steps > steps for run in store.runs())
    return False


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://127.0.0.1:1", "does not answer"),
        ("tcp://127.0.0.1:99999", "does not answer"),
        ("127.0.0.1:8786", "must be tcp://HOST:PORT"),
        ("http://127.0.0.1:8786", "must be tcp://HOST:PORT"),
        ("tcp://", "must be tcp://HOST:PORT"),
    ],
)
def test_an_address_where_no_scheduler_answers_is_refused(address: str, said: str) -> None:
    with pytest.raises(InvalidSetting, match=said) as told:
        Cluster(address)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("package", [*ALIKE, "python"])
def test_other_packages_are_told(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = packages() | {package: "0.1"}
    monkeypatch.setattr("diagnostics.runs.cluster._connected", lambda address: _Told(other))
    with pytest.raises(InvalidSetting, match=rf"tcp://w has {package} 0\.1, this program"):
        Cluster("tcp://127.0.0.1:8786")


def test_a_worker_that_has_not_even_this_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ModuleNotFoundError("No module named 'diagnostics'")
    monkeypatch.setattr("diagnostics.runs.cluster._connected", lambda address: _Told(missing))
    with pytest.raises(InvalidSetting, match="tcp://w says: ModuleNotFoundError: No module"):
        Cluster("tcp://127.0.0.1:8786")


class _Told:
    """A client whose one worker says what it is given."""

    def __init__(self, told: object) -> None:
        self._told = told

    def run(self, *asked: object, **how: object) -> dict[str, object]:
        return {"tcp://w": self._told}

    def get_executor(self, **how: object) -> None:
        return None


def test_a_store_in_a_file_of_this_machine_is_refused(tmp_path: Path) -> None:
    given = Settings.read(cluster="tcp://127.0.0.1:8786", data_dir=str(tmp_path))
    with pytest.raises(InvalidSetting, match="PostgreSQL"):
        Crew.of(given)


def test_a_run_whose_worker_was_killed_is_not_begun_again(store: Store) -> None:
    from tests.conftest import steps

    run = store.create_run(RunConfig(depth=3))
    store.set_state(run, "running")
    store.append(run, steps(1, 4))
    with pytest.raises(BrokenExecutor, match="killed after step 4"):
        work("train_stored", store.url, run)
    assert store.run(run).steps == 4
