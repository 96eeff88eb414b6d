"""Steps of a run that grow, without being copied at each that comes."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from diagnostics.store.records import METRICS, StepBatch

A = TypeVar("A", bound=np.generic)

MOST_ROWS = 4096

MOST_NUMBERS = 2**25
"""Of all steps together, 134 MB: of 2,000 layers some 500 steps are kept."""


class Pile:
    """A run's steps, thinned evenly.

    Attributes:
        steps: those kept, a view that stays as it is when others come.
        stride: how many steps there were for each that is kept.
        met: how many there were.
    """

    def __init__(self) -> None:
        self.steps = self._room = StepBatch.empty()
        self._stride = 1
        self.met = 0

    def add(self, batch: StepBatch) -> None:
        """Put steps behind the others."""
        kept = batch[-self.met % self._stride :: self._stride]
        self.met += len(batch)
        self._push(kept)
        while len(self.steps) > _most(self.steps.layers):
            self._stride *= 2
            self.steps = self._room = StepBatch.join([self.steps[::2]])  # the rest is let go of

    def _push(self, batch: StepBatch) -> None:
        count = len(self.steps) + len(batch)
        if count > len(self._room) or not _alike(self._room, batch):
            self._grow(batch, count)
        else:
            for room, new in zip(_arrays(self._room), _arrays(batch), strict=True):
                room[len(self.steps) : count] = new
        self.steps = self._room[:count]

    def _grow(self, batch: StepBatch, count: int) -> None:
        """Make room for as many again, as far as they are ever kept."""
        joined = StepBatch.join([self.steps, batch])
        spare = max(0, min(count, _most(joined.layers) + 1 - count))
        steps, values, scalars, *own = (_roomy(one, count + spare) for one in _arrays(joined))
        self._room = StepBatch(steps, values, scalars, dict(zip(joined.own, own, strict=True)))


def _roomy(array: NDArray[A], length: int) -> NDArray[A]:
    """The same with room for more behind it."""
    room = np.empty((length, *array.shape[1:]), array.dtype)
    room[: len(array)] = array
    return room


def _most(layers: int) -> int:
    """How many steps are kept."""
    return max(2, min(MOST_ROWS, MOST_NUMBERS // max(1, layers * len(METRICS))))


def _arrays(batch: StepBatch) -> list[NDArray[Any]]:
    return [batch.steps, batch.values, batch.scalars, *batch.own.values()]


def _alike(room: StepBatch, batch: StepBatch) -> bool:
    return room.layers == batch.layers and list(room.own) == list(batch.own)
