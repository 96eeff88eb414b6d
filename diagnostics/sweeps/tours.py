"""Sweeps that go on behind a page, one at a time, and what came of the last ones."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal

from diagnostics.store.store import Store, StoreError
from diagnostics.subject.printable import Refusal
from diagnostics.sweeps.outcomes import Outcome, outcome
from diagnostics.sweeps.pace import seconds
from diagnostics.sweeps.product import Plan
from diagnostics.sweeps.sweep import Result, answers

KEPT = 8
"""Sweeps of which outcomes are kept in memory: the store has the runs."""

LONGEST_END_SECONDS = 2.0

State = Literal["ready", "going", "done", "stopped", "failed"]

Open = Callable[[Plan, str, threading.Event], AbstractContextManager[Generator[Result, None, None]]]
"""Begins to sweep a plan for an owner, until an event says to end."""

log = logging.getLogger(__name__)


class Busy(Refusal, ValueError):
    """Why a sweep can't begin now, in a sentence."""


@dataclass
class Tour:
    """A sweep as far as it has come.

    Attributes:
        found: outcomes by their cells' places.
        error: why it ended before its end.
    """

    plan: Plan
    owner: str = ""
    found: dict[int, Outcome] = field(default_factory=dict)
    state: State = "ready"
    error: str = ""
    ending: threading.Event = field(default_factory=threading.Event)
    _began: float = 0.0
    _latest: float = 0.0
    _known: frozenset[int] = frozenset()

    def begin(self) -> None:
        """From here on it is reckoned how long the rest will take."""
        self.state, self._known = "going", frozenset(self.found)
        self._began = self._latest = time.monotonic()

    def find(self, one: Outcome) -> None:
        """A cell's outcome is there."""
        self.found[one.cell.place], self._latest = one, time.monotonic()

    @property
    def outcomes(self) -> list[Outcome]:
        """What has been found out so far, in the order of cells."""
        return [one for _, one in sorted(self.found.copy().items())]

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take; None before anything is known."""
        found = self.found.copy().keys()
        done = self._reckoned(found - self._known)
        if self.state != "going" or not done:
            return None
        rest = self._reckoned({cell.place for cell in self.plan.cells} - found)
        lasts = (self._latest - self._began) * rest / done
        return max(0.0, lasts - (time.monotonic() - self._latest))

    def _reckoned(self, places: Collection[int]) -> float:
        """What one process would need for some cells, of which larger ones need more."""
        configs = [cell.config for cell in self.plan.cells if cell.place in places]
        return seconds(filter(None, configs), 1, trained=self.plan.trained)


class Tours:
    """The sweeps of a server.

    Args:
        store: where their runs are.
        opens: begins to sweep.
    """

    def __init__(self, store: Store, opens: Open) -> None:
        self._store, self._opens = store, opens
        self._kept: OrderedDict[tuple[str, ...], Tour] = OrderedDict()
        self._lock = threading.Lock()
        self._going: tuple[Tour, threading.Thread] | None = None

    @property
    def going(self) -> Tour | None:
        """The one that goes on."""
        return self._going[0] if self._going and self._going[0].state == "going" else None

    def look(self, plan: Plan) -> Tour:
        """What is known of a plan: what came of it here, else what the store has of it."""
        with self._lock:
            if (tour := self._kept.get(plan.words)) is None:
                tour = self._kept[plan.words] = Tour(plan, found=self._of_store(plan))
                if len(tour.found) == len(plan.cells):
                    tour.state = "done"
            self._kept.move_to_end(plan.words)
            for words in list(self._kept)[:-KEPT]:
                if self._kept[words].state != "going":
                    del self._kept[words]
            return tour

    def _of_store(self, plan: Plan) -> dict[int, Outcome]:
        if not plan.trained:
            return {}
        runs = answers(self._store, {cell.config for cell in plan.cells if cell.config})
        known = [Result(cell, runs[cell.config]) for cell in plan.cells if cell.config in runs]
        return {one.cell.place: outcome(self._store, one) for one in known}

    def start(self, plan: Plan, owner: str) -> Tour:
        """Go on with a plan.

        Raises:
            Busy: another goes on.
        """
        tour = self.look(plan)
        with self._lock:
            if (other := self.going) is not None:
                known, count = len(other.found), len(other.plan.cells)
                raise Busy(f"Another sweep goes on, {known} of {count} done: one at a time.")
            tour.owner, tour.error = owner, ""
            tour.ending.clear()
            tour.begin()
            thread = threading.Thread(target=self._go, args=(tour,), name="sweep", daemon=True)
            self._going = tour, thread
            thread.start()
        return tour

    def stop(self, tour: Tour) -> None:
        """End it; what is finished is kept."""
        tour.ending.set()

    def close(self) -> None:
        """End what goes on; its runs are asked to end, and what is finished is kept."""
        if self._going:
            self._going[0].ending.set()
            self._going[1].join(LONGEST_END_SECONDS)

    def _go(self, tour: Tour) -> None:
        try:
            with self._opens(tour.plan, tour.owner, tour.ending) as results:
                for result in results:
                    tour.find(outcome(self._store, result))
            tour.state = "done" if len(tour.found) == len(tour.plan.cells) else "stopped"
        except Exception as trouble:
            log.exception("a sweep ended")
            known = isinstance(trouble, StoreError)
            tour.error = str(trouble) if known else f"{type(trouble).__name__}: {trouble}"
            tour.state = "failed"
