"""Where measurements go."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from diagnostics.records import Event, Step, StepBatch


class Sink(Protocol):
    """What training hands its measurements to. Arrays handed over are the sink's to keep."""

    def write(self, step: int, values: NDArray[np.float32], scalars: NDArray[np.float64]) -> None:
        """One step: values [layers, metrics], scalars [scalars]."""

    def event(self, event: Event) -> None:
        """Something that happened."""

    def dead_units(self, step: int, dead: NDArray[np.bool_]) -> None:
        """Which units are dead from a step on, [layers, units]; told when it changes."""


class MemorySink:
    """Keeps everything in lists."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.values: list[NDArray[np.float32]] = []
        self.scalars: list[NDArray[np.float64]] = []
        self.events: list[Event] = []
        self.dead: list[tuple[int, NDArray[np.bool_]]] = []

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

    def batch(self) -> StepBatch:
        """All steps kept so far."""
        steps = zip(self.steps, self.values, self.scalars, strict=True)
        return StepBatch.of([Step(*step) for step in steps])
