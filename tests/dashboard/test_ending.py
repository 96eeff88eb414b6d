"""However a server ends, its processes end with it, and what runs had measured is kept."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import product, starmap
from pathlib import Path
from typing import Any

import psutil
import pytest
from _pytest.mark import ParameterSet

from diagnostics.dashboard.session import Session
from diagnostics.store.store import Store

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[2]
ENDS_WITHIN = 3.0
LONG = "activation=relu&init=he_normal&depth=5&width=16&steps=1000000"
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]


USUAL = {(False, signal.SIGINT), (True, signal.SIGTERM), (True, signal.SIGKILL)}
"""Ends that are tried in every run of the tests; all else is slow."""


def _case(training: int, number: signal.Signals) -> ParameterSet:
    usual = (bool(training), number) in USUAL
    name = f"{'training' if training else 'idle'}-{number.name}"
    return pytest.param(bool(training), number, id=name, marks=() if usual else pytest.mark.slow)


class Served:
    """A server as it is started from a terminal, with a store of its own."""

    def __init__(self, store: str) -> None:
        self.store = store
        command = [sys.executable, "app.py", "--json", "--port", str(_free_port())]
        self.process = subprocess.Popen(
            [*command, "--store", self.store, "--workers", "2"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]

    def close(self) -> None:
        """End it by force."""
        self.process.kill()
        self.process.communicate()

    def wish(self, kind: str, run: str | None = None) -> str | None:
        session = asdict(Session(query=LONG, run=run).linked())
        asked = {"session": session, "wish": {"kind": kind, "value": None}, "pace": 0}
        body = json.dumps(asked).encode()
        asks = urllib.request.Request(
            f"{self.url}/wish", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(asks, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found["session"]["run"]

    def family(self) -> list[psutil.Process]:
        """All processes that it started, and theirs."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def warm(self) -> list[psutil.Process]:
        """Its family once all workers are there: with a fork server and a tracker, five."""
        until(lambda: len(self.family()) == 5)
        return self.family()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until(condition: Callable[[], bool], seconds: float = 60) -> float:
    """Wait for a condition; the seconds that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + seconds, "waited in vain"
        time.sleep(0.02)
    return time.monotonic() - began


def gone(family: list[psutil.Process]) -> bool:
    """Whether none of them is left; one that its parent has not yet asked for is dead too."""
    return not any(map(_lives, family))


def _lives(one: psutil.Process) -> bool:
    try:
        return one.is_running() and one.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def served(store_url: str) -> Iterator[Served]:
    served = Served(store_url)
    family: list[psutil.Process] = []
    try:
        family = served.warm()
        yield served
    finally:
        served.close()
        until(lambda: gone(family))


@pytest.mark.parametrize(("training", "number"), list(starmap(_case, product([0, 1], SIGNALS))))
def test_no_process_is_left(served: Served, training: bool, number: signal.Signals) -> None:
    store, family = Store(served.store), served.warm()
    run = served.wish("again") if training else None
    if run:
        until(lambda: store.run(run).steps > 20)
    began = time.monotonic()
    os.kill(served.process.pid, number)
    until(lambda: gone(family) and served.process.poll() is not None)
    assert time.monotonic() - began < ENDS_WITHIN
    if run:
        kept = store.run(run)
        assert kept.state == "paused" and store.kept(run) is not None
        assert store.since(run).batch.steps.tolist() == list(range(1, kept.steps + 1))
    store.close()


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_server_whose_workers_still_load_leaves_nothing(
    store_url: str, number: signal.Signals
) -> None:
    served = Served(store_url)
    family = served.family()
    os.kill(served.process.pid, number)
    served.process.wait()
    served.close()
    assert until(lambda: gone(family)) < ENDS_WITHIN


@pytest.mark.parametrize(
    "number",
    [signal.SIGHUP, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)],
    ids=lambda number: number.name,
)
def test_a_terminal_that_tells_all_processes_loses_no_run(
    served: Served, number: signal.Signals
) -> None:
    store, family = Store(served.store), served.warm()
    run = served.wish("again")
    assert run
    until(lambda: store.run(run).steps > 20)
    os.killpg(served.process.pid, number)
    assert until(lambda: gone(family) and served.process.poll() is not None) < ENDS_WITHIN
    assert store.run(run).state == "paused" and store.kept(run) is not None
    store.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts shared pages once")
def test_an_idle_server_holds_at_most_900_mb(served: Served) -> None:
    family = [psutil.Process(served.process.pid), *served.warm()]
    time.sleep(3)  # the last worker warms up
    assert sum(one.memory_full_info().pss for one in family) < 900e6
