"""Entries counted in bins of a round width."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diagnostics.engine.measure.kernels import Floats
from diagnostics.store.pictures import BINS

MOST_ENTRIES = 16_384
"""Looked at of a tensor: of its first rows, or evenly spread ones of a weight."""

ROUND = (1.0, 2.0, 5.0, 10.0)
FARTHEST = 1e300

Entries = NDArray[np.floating[Any]]


class Histogram(NamedTuple):
    """Where the first bin begins, a bin's width, counts, and what is 0 or non-finite."""

    low: float
    width: float
    counts: NDArray[np.int64]
    zeros: int
    nonfinite: int


def by_value(entries: Entries) -> Histogram:
    """Entries by their values."""
    return _histogram(entries, *_counted(_numbers(entries)))


def by_magnitude(entries: Entries) -> Histogram:
    """Entries by the decimal logarithm of their magnitude."""
    return _histogram(entries, *_counted(np.log10(np.abs(_numbers(entries)))))


def some_rows(tensor: Tensor) -> Entries:
    """As many first rows of [batch, units] as are not too many entries."""
    return _plain(tensor[: max(1, MOST_ENTRIES // tensor.shape[-1])])


def spread(tensor: Tensor) -> Entries:
    """Evenly spread entries of a large tensor; all of a small one."""
    return _plain(tensor.flatten()[:: math.ceil(tensor.numel() / MOST_ENTRIES)])


def _plain(tensor: Tensor) -> Entries:
    return tensor.detach().flatten().numpy()


def _numbers(entries: Entries) -> Floats:
    """Those that are neither 0 nor non-finite."""
    kept = np.isfinite(entries) & (entries != 0)
    found: Floats = entries[kept].astype(np.float64).clip(-FARTHEST, FARTHEST)
    return found


def _histogram(entries: Entries, low: float, width: float, counts: NDArray[np.int64]) -> Histogram:
    zeros = int((entries == 0).sum())
    return Histogram(low, width, counts, zeros, entries.size - zeros - int(counts.sum()))


def _counted(numbers: Floats) -> tuple[float, float, NDArray[np.int64]]:
    low, width = _bins(numbers) if len(numbers) else (0.0, 1.0)
    places = ((numbers - low) / width).astype(np.int64).clip(0, BINS - 1)
    return low, width, np.bincount(places, minlength=BINS)


def _bins(numbers: Floats) -> tuple[float, float]:
    """Where the first bin begins, at a whole number of widths, and a width that covers all."""
    low, high = float(numbers.min()), float(numbers.max())
    width = _rounded((high - low or abs(low) or 1.0) / (BINS - 2))
    return math.floor(low / width) * width, width


def _rounded(width: float) -> float:
    """The next longer of 1, 2, 5, 10 … so that bins stay where they are from step to step."""
    power = 10.0 ** math.floor(math.log10(width))
    return next(digit * power for digit in ROUND if digit * power >= width * (1 - 1e-9))
