"""Gives workers to runs and takes them back, keeps runs alive, and finds those that were left."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, wait
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from diagnostics.runs.limits import Limits
from diagnostics.runs.line import Place, in_order, yielding
from diagnostics.runs.words import put_aside, waits
from diagnostics.store.records import Command
from diagnostics.store.store import Run, Store, StoreError

BEAT_SECONDS = 1.0

LATE_SECONDS = 15.0
"""Without a look at the runs: more than a store that is locked takes to say so."""

LAST_WORDS_SECONDS = 1.0
"""For runs to keep what they have when the server ends."""

FOUND = "Run %s was left by a server that has ended: it is paused at step %d and can go on."
LOST = "Run %s was lost with its server; its %d steps are kept."

log = logging.getLogger(__name__)


class Standing(NamedTuple):
    """How many runs wait, train and are put aside, and how many can train at once."""

    waiting: int
    training: int
    aside: int
    slots: int


class Keeper:
    """The runs that this server answers for.

    Args:
        train: has a run trained by a worker.
        slots: workers that there are.

    Attributes:
        adopts: whether it looks after runs whose server has died.
    """

    def __init__(
        self, store: Store, train: Callable[[str], "Future[Any]"], slots: int, limits: Limits
    ) -> None:
        self._store, self._train, self._slots, self.limits = store, train, slots, limits
        self._waiting: dict[str, Place] = {}
        self._going: dict[str, Place] = {}
        self._aside: dict[str, Place] = {}
        self._futures: dict[str, Future[Any]] = {}
        self._trouble = self._full = ""
        self.adopts = False
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._looked = time.monotonic()
        self._thread = threading.Thread(target=self._watch, name="keeper", daemon=True)
        self._thread.start()

    # ---- what somebody wants ----

    def enter(self, run_id: str, owner: str) -> None:
        """A run waits for a worker from now on, or gets it at once."""
        now = time.monotonic()
        self._await(Place(run_id, owner, now, now))

    def owned(self, owner: str) -> int:
        """Runs of somebody that wait, train or pause; 0 where nobody knows whose."""
        with self._lock:
            kept = [*self._waiting.values(), *self._going.values(), *self._aside.values()]
        return sum(bool(owner) and place.owner == owner for place in kept)

    def look(self, run_id: str) -> None:
        """Somebody looks at a run."""
        if place := self._place(run_id):
            place.seen = time.monotonic()

    def told(self, run_id: str, command: Command) -> bool:
        """Take note of a command; whether no worker needs to hear of it any more."""
        with self._lock:
            if place := self._going.get(run_id):
                return self._told_going(place, command)
            place = self._waiting.get(run_id) or self._aside.get(run_id)
            if place is None:
                return False
            return self._told_idle(place, command)

    def _told_going(self, place: Place, command: Command) -> bool:
        place.paused = place.paused and time.monotonic()  # it counts from the last command on
        if place.asked and command.kind != "aside":
            place.wish = {"stop": "stop", "pause": ""}.get(command.kind, "go")
        return False

    def _told_idle(self, place: Place, command: Command) -> bool:
        """A run without a worker: it is stopped or paused as it is, and needs one for the rest."""
        if command.kind == "stop":
            self._end(place, "stopped")
        elif command.kind == "pause":
            self._store.set_state(place.run, "paused")
            self._waiting.pop(place.run, None)
            self._aside[place.run] = place
        elif command.kind != "pace" and place.run in self._aside:
            self._store.send(place.run, command)
            self._store.set_state(place.run, "queued")
            self._await(self._aside.pop(place.run))
            return True
        return command.kind in ("stop", "pause")

    def said(self, run_id: str) -> str:
        """What is to be said of a run beside its numbers; empty where nothing is.

        Waits for no lock: whoever holds it may wait for the store.
        """
        waiting, going = list(self._waiting.values()), list(self._going.values())
        line = in_order(waiting, going, time.monotonic())
        for ahead, place in enumerate(line):
            if place.run == run_id:
                mine = sum(one.whose == place.whose for one in going)
                return waits(ahead, len(going), self._slots, mine, self.limits.turn)
        if run_id in self._aside:
            return " ".join(filter(None, (self._full, put_aside())))
        return self._trouble if run_id in self._going else ""

    def standing(self) -> Standing:
        """How many runs wait, train and are put aside, of how many that can train at once."""
        return Standing(len(self._waiting), len(self._going), len(self._aside), self._slots)

    def ill(self) -> str:
        """Why runs are not looked after; empty where they are."""
        late = time.monotonic() - self._looked
        if late < LATE_SECONDS:
            return ""
        return self._trouble or f"Nobody has looked after runs for {late:.0f} s."

    # ---- workers ----

    def _await(self, place: Place) -> None:
        with self._lock:
            place.since, place.paused, place.asked, place.wish = time.monotonic(), None, False, ""
            self._waiting[place.run] = place
            self._dispatch()

    def _dispatch(self) -> None:
        """Free workers go to those who are next."""
        with self._lock:
            while self._waiting and len(self._going) < self._slots and not self._closed.is_set():
                now = time.monotonic()
                place = in_order(self._waiting.values(), self._going.values(), now)[0]
                del self._waiting[place.run]
                place.since = now
                self._going[place.run] = place
                future = self._futures[place.run] = self._train(place.run)
                future.add_done_callback(partial(self._settle, place.run))

    def _settle(self, run_id: str, future: "Future[Any]") -> None:
        with self._lock:
            place = self._going.pop(run_id)
            self._futures.pop(run_id, None)
            place.trained += time.monotonic() - place.since
            try:
                self._ended(place, future)
            except StoreError as trouble:
                log.warning("run %s has ended, but the store can't be told: %s", run_id, trouble)
            self._dispatch()

    def _ended(self, place: Place, future: "Future[Any]") -> None:
        run = self._store.run(place.run)
        error = None if future.cancelled() else future.exception()
        if not run.live:
            return
        if error is None or self._store.kept(place.run) is not None:
            self._back(place, run)
        elif isinstance(error, BrokenExecutor):
            self._end(place, "stopped" if self._closed.is_set() else "lost")
        else:
            self._end(place, "failed", error=str(error))

    def _back(self, place: Place, run: Run) -> None:
        """A run has given its worker back, and waits for the next or for being told."""
        if place.wish == "stop":
            self._end(place, "stopped")
        elif run.state == "paused" and place.wish != "go":
            self._aside[place.run] = place
        else:
            self._store.set_state(place.run, "queued")
            self._await(place)

    def _end(self, place: Place, state: str, **summary: str) -> None:
        self._waiting.pop(place.run, None)
        self._aside.pop(place.run, None)
        self._store.set_state(place.run, state, **summary)
        self._store.forget_kept(place.run)

    # ---- once a second ----

    def _watch(self) -> None:
        while not self._closed.wait(BEAT_SECONDS):
            try:
                self._store.beat(self._known())
                self._look_after(self._store.live_runs())
                self._trouble, self._looked = "", time.monotonic()
            except StoreError as trouble:
                self._trouble = f"{trouble} The run goes on; what it measures waits."
            except Exception:
                log.exception("runs could not be looked after")

    def _known(self) -> list[str]:
        """Runs whose heart beats here. A worker that dies ends its future: that hides no death."""
        with self._lock:
            return [*self._waiting, *self._going, *self._aside]

    def _look_after(self, live: list[Run]) -> None:
        self._full = self.limits.full(self._store.size()) if self.limits.megabytes else ""
        with self._lock:
            now, known = time.monotonic(), {run.id: run for run in live}
            for place in self._going.values():
                if run := known.get(place.run):
                    place.note(run.state, run.steps, now)
                self._limit(place, now)
            waiting, going = self._waiting.values(), self._going.values()
            for place in yielding(waiting, going, self._slots, self.limits.turn, now):
                self._ask(place, Command("aside", {"state": "queued"}))
        for run in live if self.adopts else ():
            if run.state == "lost" and not run.watched and self._place(run.id) is None:
                self._adopt(run)

    def _limit(self, place: Place, now: float) -> None:
        trained = place.trained + now - place.since
        if place.asked:
            return
        if self.limits.seconds and trained > self.limits.seconds:
            self._ask(place, Command("stop", {"sentence": self.limits.over()}))
        elif self._full:
            self._ask(place, Command("aside", {"state": "paused"}))

    def _ask(self, place: Place, command: Command) -> None:
        place.asked = True
        self._store.send(place.run, command)

    def _adopt(self, run: Run) -> None:
        """A run whose server has died: it is paused where it can go on, and lost elsewhere.

        One of a sweep has ended with it, and what it needs to go on is left to the sweep.
        """
        with suppress(StoreError):
            if any(command.kind == "cell" for command in self._store.commands(run.id)[0]):
                self._store.set_state(run.id, "stopped")
                return
            whole = run.steps == 0 or self._store.kept(run.id) is not None
            if not whole:
                self._store.set_state(run.id, "lost")
                log.warning(LOST, run.id, run.steps)
                return
            self._store.set_state(run.id, "paused")
            now = time.monotonic()
            with self._lock:
                self._aside[run.id] = Place(run.id, run.owner, now, now)
            log.warning(FOUND, run.id, run.steps)

    # ---- the end ----

    def put_all_aside(self) -> None:
        """End all runs so that they can go on: those that train are given a second for it."""
        self._closed.set()
        with self._lock, suppress(StoreError):
            for run_id in self._waiting:
                self._store.set_state(run_id, "paused")
            for run_id in self._going:
                self._store.send(run_id, Command("aside", {"state": "paused"}))
        wait(list(self._futures.values()), LAST_WORDS_SECONDS)
        self._thread.join(LAST_WORDS_SECONDS)  # it asks nothing of a store that is closed next

    def _place(self, run_id: str) -> Place | None:
        places = (self._waiting, self._going, self._aside)
        return next((each[run_id] for each in places if run_id in each), None)
