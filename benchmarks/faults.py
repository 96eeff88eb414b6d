"""Bad days: what is lost, how long it takes, and what is said. Some four minutes, on Linux.

Run with ``python -m benchmarks.faults [FAULT]...``; all of them by default. Each line is
a fault, done to a served lab that trains.
"""

import json
import os
import resource
import signal
import sqlite3
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.lab import URL, page, serving
from diagnostics.dashboard.session import Session
from diagnostics.store.records import METRICS, SCALARS, StepBatch
from diagnostics.store.store import Store, StoreError
from diagnostics.subject.config import RunConfig

LONG = "activation=relu&init=he_normal&depth=5&width=16&steps=1000000"
FLIPS = 200
LOCKED_SECONDS = 30.0
RUNS, STEPS, LAYERS = 1000, 20_000, 50


class Lab:
    """A served lab, its store, and a run that trains."""

    def __init__(self, folder: str, server: int) -> None:
        self.file = Path(folder) / "store.sqlite"
        self.store, self.server = Store(f"sqlite:///{self.file}"), psutil.Process(server)
        self.run = wish("again")
        until(lambda: self.store.run(self.run).steps > 50)

    def family(self) -> list[psutil.Process]:
        """All its processes."""
        return [self.server, *self.server.children(recursive=True)]

    def worker(self) -> psutil.Process:
        """The process that trains: of all the one that works most."""
        family = self.family()
        for one in family:
            one.cpu_percent()
        time.sleep(0.5)
        return max(family[1:], key=lambda one: one.cpu_percent())

    def missing(self) -> int:
        """Steps up to the newest that the store lacks."""
        steps = self.store.since(self.run).batch.steps
        return int(steps[-1]) - len(np.unique(steps))


def main() -> None:
    faults = (worker_killed, server_ended, all_killed, disk_full, locked, deleted, flipped, opened)
    for fault in faults:
        if not sys.argv[1:] or fault.__name__ in sys.argv[1:]:
            fault()


@contextmanager
def lab() -> Iterator[Lab]:
    with tempfile.TemporaryDirectory() as folder, serving(folder, 1) as server:
        found = Lab(folder, server)
        yield found
        found.store.close()


def worker_killed() -> None:
    with lab() as one:
        one.worker().kill()
        lost = until(lambda: one.store.run(one.run).state == "lost")
        again = wish("again")
        began = until(lambda: one.store.run(again).steps > 0)
        told("worker killed", f"lost after {lost:.1f} s, {one.missing()} committed steps missing")
        told("", f"the next run makes its first step after {began:.1f} s")


def server_ended() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
        with tempfile.TemporaryDirectory() as folder:
            with serving(folder, 1) as server:
                one = Lab(folder, server)
                family = one.family()
                os.kill(server, number)
                took = until(lambda family=family: not any(map(lives, family)))
            steps, state = one.store.run(one.run).steps, one.store.run(one.run).state
            said = f"all processes gone after {took:.1f} s, run {state} at step {steps}"
            with serving(folder, 1):
                until(lambda one=one: one.store.run(one.run).state == "paused")
                time.sleep(6)  # until its heart counts as still, and the new server takes it over
                wish("play", one.run)
                on = until(lambda one=one, steps=steps: one.store.run(one.run).steps > steps + 50)
            told(f"server {number.name}", f"{said}; resumed in {on:.1f} s, {one.missing()} missing")
            one.store.close()


def all_killed() -> None:
    with tempfile.TemporaryDirectory() as folder:
        with serving(folder, 1) as server:
            one = Lab(folder, server)
            for process in one.family()[::-1]:
                process.kill()
        with serving(folder, 1):
            lost = until(lambda: one.store.run(one.run).state == "lost")
        told("all killed", f"lost {lost:.1f} s after the restart, {one.missing()} missing")
        one.store.close()


def disk_full() -> None:
    with lab() as one:
        room = max(file.stat().st_size for file in one.file.parent.iterdir()) + 100_000
        for process in one.family():
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        time.sleep(8)
        state, (status, said) = one.store.run(one.run).state, wished("again")
        for process in one.family():
            free = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, free)
        before = one.store.run(one.run).steps
        on = until(lambda: one.store.run(one.run).steps > before + 50)
        told("disk full", f"{state}; Train: {status} {said!r}")
        told("", f"goes on {on:.1f} s after there is room, {one.missing()} steps missing")


def locked() -> None:
    with lab() as one:
        other = sqlite3.connect(one.file)
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        status, said = wished("again")
        answered = time.monotonic() - began
        first = page_time()
        time.sleep(max(0.0, LOCKED_SECONDS - (time.monotonic() - began)))
        other.rollback()
        other.close()
        before = one.store.run(one.run).steps
        on = until(lambda: one.store.run(one.run).steps > before + 50)
        told("locked 30 s", f"Train: {status} after {answered:.1f} s {said!r}; page {first:.2f} s")
        told("", f"goes on {on:.1f} s after that, {one.missing()} steps missing")


def deleted() -> None:
    with lab() as one:
        for file in one.file.parent.glob("store.sqlite*"):
            file.unlink()
        status, said = wished("again")
        told("deleted", f"page {page_time():.2f} s; Train: {status} {said!r}")


def flipped() -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole = Store(f"sqlite:///{folder}/whole.sqlite")
        run = whole.create_run(RunConfig(depth=9))
        for first in range(1, 201, 10):
            whole.append(run, numbers(first, 10, 10))
        truth = whole.since(run).batch
        whole.close()
        content = Path(folder, "whole.sqlite").read_bytes()
        counts = dict.fromkeys(("whole", "in part", "a sentence", "wrong"), 0)
        for seed in range(FLIPS):
            place = int(np.random.default_rng(seed).integers(8 * len(content)))
            flip = bytearray(content)
            flip[place // 8] ^= 1 << place % 8
            Path(folder, "flipped.sqlite").write_bytes(flip)
            counts[read(f"sqlite:///{folder}/flipped.sqlite", run, truth)] += 1
        told(f"{FLIPS} flipped bits", ", ".join(f"{n} {how}" for how, n in counts.items()))


def read(url: str, run: str, truth: StepBatch) -> str:
    """How a store that may be damaged tells a run."""
    try:
        store = Store(url)
        found = store.since(run).batch
        store.close()
    except StoreError:
        return "a sentence"
    rows = np.searchsorted(truth.steps, found.steps)
    if len(found) and not np.array_equal(found.values, truth.values[rows]):
        return "wrong"
    return "whole" if len(found) == len(truth) else "in part"


def opened() -> None:
    """A store of a thousand runs, and a run of 20,000 steps and 50 layers in it."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/store.sqlite")
        for _ in range(RUNS):
            run = store.create_run(RunConfig())
            store.append(run, numbers(1, 20, 21))
            store.set_state(run, "finished")
        long = store.create_run(RunConfig(depth=LAYERS, steps=STEPS))
        for first in range(1, STEPS, 100):
            store.append(long, numbers(first, 100, LAYERS + 1))
        store.set_state(long, "finished")
        store.close()
        with serving(folder, 1):
            began = time.monotonic()
            urllib.request.urlopen(URL + "runs").read()
            listed = time.monotonic() - began
            link = f"?depth={LAYERS}&steps={STEPS}&run={long}"
            with page("?lesson=he") as seen:
                seen.wait_for_selector("#wrap-activation")
                began = time.monotonic()
                seen.goto(URL + link, wait_until="commit")
                seen.wait_for_function(f"lab.frame() && lab.frame().newest === {STEPS}")
                drawn = time.monotonic() - began
            told("1,000 runs", f"listed in {listed:.2f} s")
            told("", f"{STEPS:,} steps × {LAYERS} layers are drawn {drawn:.2f} s after navigation")


def numbers(first: int, count: int, layers: int) -> StepBatch:
    random = np.random.default_rng(first)
    values = random.uniform(0.5, 2, (count, layers, len(METRICS))).astype(np.float32)
    scalars = random.uniform(0.5, 2, (count, len(SCALARS)))
    return StepBatch(np.arange(first, first + count), values, scalars)


def told(fault: str, what: str) -> None:
    print(f"{fault:>16}  {what}", flush=True)


def lives(one: psutil.Process) -> bool:
    try:
        return one.is_running() and one.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], bool], seconds: float = 60) -> float:
    """Seconds until something is so."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() > began + seconds:
            raise SystemExit("waited in vain")
        time.sleep(0.01)
    return time.monotonic() - began


def wished(kind: str, run: str | None = None) -> tuple[int, str]:
    """The status and the notice that a wish is answered with."""
    answer = _wish(kind, run)
    return answer[0], answer[1].get("notice", "")


def wish(kind: str, run: str | None = None) -> str:
    """Wish for something of a run; the run that is in sight then."""
    found: str = _wish(kind, run)[1]["session"]["run"]
    return found


def _wish(kind: str, run: str | None) -> tuple[int, Any]:
    session = asdict(Session(query=LONG, run=run).linked())
    body = json.dumps({"session": session, "wish": {"kind": kind}, "pace": 100}).encode()
    try:
        with urllib.request.urlopen(URL + "wish", body, 60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def page_time() -> float:
    began = time.monotonic()
    urllib.request.urlopen(URL, timeout=30).read()
    return time.monotonic() - began


if __name__ == "__main__":
    main()
