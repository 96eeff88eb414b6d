"""The ways a gradient takes from the last hidden layer to the first, and what is left of it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from diagnostics.store.records import StepBatch
from diagnostics.subject.watched import Subject

Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]

FLOATS = 80.0
"""Decades, more than the range of floats: what an infinite ratio counts as."""

UNDERFLOW = 1e-30
"""A signal below is at the end of the range of float32: zeros beside it are next to nothing, and
zeros beside larger ones are exact, of a way that begins closed."""

WINDOW = 5
"""Steps over whose median a series is smoothed, so that one odd batch raises no alarm."""


@dataclass(frozen=True)
class Way:
    """A way, and the signal gradients measured along it.

    Attributes:
        places: of its hidden layers, from 0, the one nearest to the input first.
        signal: of each of them, [steps, places].
        foreign: whether a part of it may be closed, where 0 is no tiny number.
    """

    places: tuple[int, ...]
    signal: Floats
    foreign: bool = False

    @property
    def gaps(self) -> int:
        """How often a gradient is passed on."""
        return len(self.places) - 1

    @cached_property
    def decades(self) -> Floats:
        """log10 of each layer's signal over the last one's, [steps, places]; NaN where closed."""
        return np.where(self._closed, np.nan, _ratios(self.signal))

    @cached_property
    def reached(self) -> Mask:
        """Whether any gradient reached the last hidden layer, [steps]."""
        return np.asarray(self.signal[:, -1] != 0)

    @cached_property
    def first(self) -> int:
        """Which of its layers comes first of those that a gradient is known of and not closed."""
        return int(np.isnan(self.decades[-1]).argmin())

    @property
    def known(self) -> bool:
        """Whether the newest step tells of gradients at its ends."""
        return bool(np.isfinite(self.decades[-1, self.first]))

    @cached_property
    def travel(self) -> Floats:
        """Decades from the last hidden layer to the first, smoothed, [steps]; 0 where unknown.

        Two zeros have no ratio: where the last hidden layer gets nothing, what had vanished before
        still has. Where the first layer is closed, the first that is not stands for it.
        """
        if self.gaps < 1 or not len(self.signal):
            return np.zeros(len(self.signal))
        found = np.nan_to_num(self.decades[:, self.first], nan=0.0, posinf=FLOATS, neginf=-FLOATS)
        rows = np.maximum.accumulate(np.where(self.reached, np.arange(len(found)), 0))
        return smoothed(np.where(self.reached, found, np.minimum(found[rows], 0)))

    @property
    def _closed(self) -> Mask:
        tiny = ((self.signal > 0) & (self.signal < UNDERFLOW)).any(axis=1, keepdims=True)
        return np.asarray((self.signal == 0) & self.foreign & ~tiny)


def through(subject: Subject, batch: StepBatch) -> list[Way]:
    """All ways, each without the layer it ends with, which is an output.

    In a network of the lab's zeros are never exact: there is one way, and it is open.
    """
    signal = batch.metric("signal_grad_norm")
    known = [tuple(i for i in way[:-1] if i < batch.layers) for way in subject.ways]
    places = [way for way in known if way] or [(0,)]
    foreign = subject.lab is None
    return [Way(way, signal[:, list(way)], foreign) for way in places]


def decades(signal: Floats) -> Floats:
    """log10 of each hidden layer's signal over the last hidden layer's, [steps, layers − 1].

    The output layer is left out. Where a value is 0 it counts as the smallest float32.
    """
    return _ratios(signal[:, :-1])


def _ratios(signal: Floats) -> Floats:
    smallest = np.finfo(np.float32).smallest_subnormal
    with np.errstate(all="ignore"):
        logs = np.log10(np.maximum(signal.astype(np.float64), smallest))
        return np.asarray(logs - logs[:, -1:])


def smoothed(series: Floats) -> Floats:
    """The median of the ``WINDOW`` newest values at each place, [steps]."""
    if len(series) < 2:
        return series
    padded = np.concatenate([np.full(WINDOW - 1, series[0]), series])
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, WINDOW), axis=1))
