"""Sweeps that go on behind a page."""

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from diagnostics.store.store import Store
from diagnostics.sweeps.outcomes import Outcome
from diagnostics.sweeps.product import Plan, plan
from diagnostics.sweeps.sweep import Result, Sweep
from diagnostics.sweeps.tours import Busy, Tour, Tours
from tests.sweeps.test_sweep import Here

WORDS = ["depth=2,3,4 width=8 steps=3"]


class Gate:
    """Begins sweeps in this process, each cell when it is let through."""

    def __init__(self, store: Store) -> None:
        self.store, self.through, self.here = store, threading.Semaphore(0), Here()

    @contextmanager
    def __call__(
        self, asked: Plan, owner: str, ending: threading.Event
    ) -> Iterator[Generator[Result, None, None]]:
        """As ``swept``."""
        results = Sweep(self.store, self.here, 1, owner, ending).results(asked)

        def let() -> Generator[Result, None, None]:
            for result in results:
                while not self.through.acquire(timeout=0.01):
                    if ending.is_set():
                        return
                yield result

        yield let()
        results.close()

    def open(self, count: int) -> None:
        """Let some cells through."""
        self.through.release(count)


def until(tour: Tour, *states: str) -> None:
    began = time.monotonic()
    while tour.state not in states:
        assert time.monotonic() - began < 30, tour
        time.sleep(0.01)


def test_it_goes_on_to_its_end_and_is_known_then(file_store: Store) -> None:
    gate = Gate(file_store)
    tours = Tours(file_store, gate)
    asked = plan(WORDS)
    assert tours.look(asked).state == "ready"
    tour = tours.start(asked, "me")
    assert tours.going is tour and tour.left is None
    gate.open(3)
    until(tour, "done")
    assert sorted(tour.found) == [0, 1, 2] and tours.going is None
    assert {run.owner for run in file_store.runs()} == {"me"}
    later = Tours(file_store, gate).look(asked)
    assert later.state == "done" and sorted(later.found) == [0, 1, 2]


def test_the_rest_is_reckoned_by_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Larger networks take longer, and time goes by between two results."""
    now = [100.0]
    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr("diagnostics.sweeps.tours.time", clock)
    asked = plan(["depth=5,50 width=8 seed=0,1"])
    tour = Tour(asked)
    tour.begin()
    assert tour.left is None
    now[0] += 10
    for cell in asked.cells[:2]:
        tour.find(Outcome(cell, ""))
    left = tour.left
    assert left is not None and left > 30
    now[0] += 1
    assert tour.left == pytest.approx(left - 1)
    now[0] += 1000
    assert tour.left == 0


def test_one_goes_on_at_a_time(file_store: Store) -> None:
    gate = Gate(file_store)
    tours = Tours(file_store, gate)
    tour = tours.start(plan(WORDS), "me")
    with pytest.raises(Busy, match="0 of 3 done"):
        tours.start(plan(["depth=5,6"]), "you")
    gate.open(3)
    until(tour, "done")
    gate.open(2)
    until(tours.start(plan(["depth=5,6 width=8 steps=3"]), "you"), "done")


def test_who_stops_it_keeps_what_is_done_and_goes_on_there(file_store: Store) -> None:
    gate = Gate(file_store)
    tours = Tours(file_store, gate)
    tour = tours.start(plan(WORDS), "me")
    gate.open(1)
    while not tour.found:
        time.sleep(0.01)
    tours.stop(tour)
    until(tour, "stopped")
    assert len(tour.found) == 1
    jobs = gate.here.jobs
    gate.open(9)
    until(tours.start(plan(WORDS), "me"), "done")
    assert gate.here.jobs == 3 and jobs <= 2


def test_what_ends_it_is_told(file_store: Store) -> None:
    @contextmanager
    def fails(
        asked: Plan, owner: str, ending: threading.Event
    ) -> Iterator[Generator[Result, None, None]]:
        raise MemoryError("no room")
        yield

    tours = Tours(file_store, fails)
    tour = tours.start(plan(WORDS), "me")
    until(tour, "failed")
    assert tour.error == "MemoryError: no room" and tours.going is None


def test_the_end_of_a_server_ends_it(file_store: Store) -> None:
    tours = Tours(file_store, Gate(file_store))
    tour = tours.start(plan(WORDS), "me")
    began = time.monotonic()
    tours.close()
    assert tour.state == "stopped" and time.monotonic() - began < 2


def test_old_ones_are_forgotten_but_for_the_one_that_goes_on(file_store: Store) -> None:
    tours = Tours(file_store, Gate(file_store))
    tour = tours.start(plan(WORDS), "me")
    for seed in range(20):
        tours.look(plan([f"depth=2,3 steps=0 seed={seed}"]))
    assert tours.look(plan(WORDS)) is tour
    tours.close()
