"""Where measurements go: into memory, or into a store from a thread of its own."""

import logging
import math
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from diagnostics.runs import lifetime
from diagnostics.runs.control import Control
from diagnostics.store.pictures import Snapshot
from diagnostics.store.records import Command, DeadUnits, Event, Step, StepBatch
from diagnostics.store.store import Store

FLUSH_SECONDS = 0.02
CHUNK_STEPS = 512
MOST_BUFFERED = 4096

LONGEST_WAIT_SECONDS = 600.0
"""For a store that can't be written to, once a run has ended."""

NOTHING: Mapping[str, float] = MappingProxyType({})

log = logging.getLogger(__name__)


class Sink(Protocol):
    """What training hands its measurements to. Arrays handed over are the sink's to keep."""

    def write(self, step: int, values: NDArray[np.float32], scalars: NDArray[np.float64]) -> None:
        """One step: values [layers, metrics], scalars [scalars]."""

    def event(self, event: Event) -> None:
        """Something that happened."""

    def dead_units(self, step: int, dead: NDArray[np.bool_]) -> None:
        """Which units are dead from a step on, [layers, units]; told when it changes."""

    def picture(self, shot: Snapshot) -> None:
        """What has been learned at a step; before the first of them, what pictures are of."""


class MemorySink:
    """Keeps everything in lists."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.values: list[NDArray[np.float32]] = []
        self.scalars: list[NDArray[np.float64]] = []
        self.events: list[Event] = []
        self.dead: list[tuple[int, NDArray[np.bool_]]] = []
        self.pictures: list[Snapshot] = []

    def write(self, step: int, values: NDArray[np.float32], scalars: NDArray[np.float64]) -> None:
        """Keep a step."""
        self.steps.append(step)
        self.values.append(values)
        self.scalars.append(scalars)

    def event(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    def dead_units(self, step: int, dead: NDArray[np.bool_]) -> None:
        """Keep which units are dead."""
        self.dead.append((step, dead))

    def picture(self, shot: Snapshot) -> None:
        """Keep a picture."""
        self.pictures.append(shot)

    def batch(self) -> StepBatch:
        """All steps kept so far."""
        steps = zip(self.steps, self.values, self.scalars, strict=True)
        return StepBatch.of([Step(*step) for step in steps])


@dataclass(frozen=True)
class _Parcel:
    """What is committed together, under a key of its own."""

    steps: list[Step]
    events: list[Event]
    dead: list[DeadUnits]
    pictures: list[Snapshot]
    key: str = field(default_factory=lambda: secrets.token_hex(8))


class StoreSink:
    """Buffers steps; a thread commits them every 20 ms, beats the heart and fetches commands.

    A store that fails for a while costs one warning: steps wait in memory until it is back, and
    training waits only when thousands have piled up.

    Args:
        every: seconds between two commits.
        patient: wait for the writer when it is thousands of steps behind, and at the end for the
            store; else the oldest go.
        after: the number of the last command that was obeyed before.
    """

    def __init__(
        self,
        store: Store,
        run_id: str,
        control: Control,
        *,
        every: float = FLUSH_SECONDS,
        patient: bool = True,
        after: int = 0,
    ) -> None:
        self._store, self._run_id, self._control = store, run_id, control
        self._every, self._patient = every, patient
        self._steps: list[Step] = []
        self._events: list[Event] = []
        self._dead: list[DeadUnits] = []
        self._pictures: list[Snapshot] = []
        self._parcel: _Parcel | None = None
        self._last_command = after
        self._changed = threading.Condition()
        self._closing = self._warned = self._told_to_end = False
        self.seconds = 0.0
        """Processor time of the thread."""
        self._fetch()  # commands left before the run began come before its first step
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    def write(
        self,
        step: int,
        values: NDArray[np.float32],
        scalars: NDArray[np.float64],
        own: Mapping[str, float] = NOTHING,
    ) -> None:
        """Take a step; waits only while the writer is thousands behind.

        Args:
            own: scalars of a watched loop's own, by name.
        """
        with self._changed:
            if self._patient:
                self._changed.wait_for(lambda: len(self._steps) < MOST_BUFFERED)
            elif len(self._steps) >= 2 * MOST_BUFFERED:
                del self._steps[:MOST_BUFFERED]
            self._steps.append(Step(step, values, scalars, own))
            if len(self._steps) % CHUNK_STEPS == 0:
                self._changed.notify_all()

    def event(self, event: Event) -> None:
        """Take an event."""
        with self._changed:
            self._events.append(event)

    def dead_units(self, step: int, dead: NDArray[np.bool_]) -> None:
        """Take which units are dead."""
        with self._changed:
            self._dead.append(DeadUnits(step, dead))

    def picture(self, shot: Snapshot) -> None:
        """Take a picture."""
        with self._changed:
            self._pictures.append(shot)

    def close(self) -> None:
        """Commit what is left and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _work(self) -> None:
        began = math.inf
        while True:
            with self._changed:
                self._changed.wait_for(self._urgent, timeout=self._every)
                closing = self._closing
            self._hear_of_the_end()
            self._exchange()
            self.seconds = time.thread_time()
            began = min(began, time.monotonic()) if closing else math.inf
            failed = self._warned
            if closing and (not self._left() or (failed and not self._wait_to_close(began))):
                return

    def _left(self) -> bool:
        """Whether anything is not committed yet."""
        return bool(self._parcel or self._steps or self._events or self._dead or self._pictures)

    def _wait_to_close(self, began: float) -> bool:
        """What was measured is not let go of at once because a store can't be written to."""
        late = time.monotonic() - began > LONGEST_WAIT_SECONDS
        return self._patient and not late and not lifetime.ending.wait(self._every)

    def _hear_of_the_end(self) -> None:
        """Of this process: then its run is put aside."""
        if lifetime.ending.is_set() and not self._told_to_end:
            self._told_to_end = True
            self._control.send(Command("aside", {"state": "paused"}))

    def _urgent(self) -> bool:
        return self._closing or len(self._steps) >= CHUNK_STEPS

    def _exchange(self) -> None:
        """Commit what is buffered and fetch what was sent; on failure keep all and warn once."""
        try:
            self._flush()
            self._fetch()
            self._warned = False
        except Exception as error:  # whatever it is, training goes on and this thread as well
            if not self._warned:
                log.warning("The store can't be written to, measurements wait: %s", error)
            self._warned = True

    def _flush(self) -> None:
        """Commit a parcel; one that failed is sent again as it was, with the same key."""
        parcel = self._parcel = self._parcel or self._packed()
        batch = StepBatch.of(parcel.steps)
        told = (parcel.events, parcel.dead, parcel.pictures)
        self._store.append(self._run_id, batch, *told, key=parcel.key)
        for event in parcel.events:
            if event.kind in ("paused", "resumed"):
                state = "paused" if event.kind == "paused" else "running"
                self._store.set_state(self._run_id, state)
        self._parcel = None

    def _packed(self) -> "_Parcel":
        """What is buffered, taken out of the buffers."""
        with self._changed:
            parcel = _Parcel(self._steps[:MOST_BUFFERED], self._events, self._dead, self._pictures)
            del self._steps[:MOST_BUFFERED]
            self._events, self._dead, self._pictures = [], [], []
            self._changed.notify_all()
        return parcel

    def _fetch(self) -> None:
        found, self._last_command = self._store.commands(self._run_id, self._last_command)
        for command in found:
            self._control.send(command)
