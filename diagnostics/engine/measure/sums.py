"""Sums that a compiled model hands out in place of its tensors, as rows that a probe keeps."""

from typing import NamedTuple

import numpy as np

from diagnostics.engine.measure.kernels import SIZE, TALLY, Floats, Ints, Records

SIGNAL = (
    *("calls", "entries", "nonfinite", "squares", "fourths"),
    *("largest", "zeros", "small"),
)
"""Of all entries δ of a pass: calls, number, entries that are not finite, Σδ², Σδ⁴, max |δ|, zeros,
and entries below the normal range of their type, zeros as well. All add up over calls: the largest
is known of one call only."""

OUTPUT = (
    *("calls", "entries", "nonfinite", "total", "squares", "cubes", "fourths"),
    *("largest", "zeros", "outside"),
)
"""Of all entries x the same, with Σ(x − shift)ᵏ for k = 1 … 4, and entries out of range."""

ENTRIES, TOTAL, SQUARES, FOURTHS = map(OUTPUT.index, ("entries", "total", "squares", "fourths"))
NONFINITE = SIGNAL.index("nonfinite")
WIDTH = max(len(SIGNAL), len(OUTPUT))

FAR = 1e3
"""From a shift so many std away from the mean, a kurtosis would be rounding."""


class Told(NamedTuple):
    """What a model told of one backward pass.

    Attributes:
        layers: those that told of it, [n].
        signals: ``SIGNAL`` of each, float64 [n, WIDTH].
        outputs: ``OUTPUT`` of each, of its activation or of z; NaN where there are none.
        shifts: of outputs, [n].
    """

    layers: list[int]
    signals: Floats
    outputs: Floats
    shifts: Floats


def sizes(signals: Floats) -> Records:
    """Sums of signals as rows of ``SIZE``."""
    sums = dict(zip(SIGNAL, signals.T, strict=False))
    found = np.zeros(len(signals), SIZE)
    found["norm"], found["root"] = np.sqrt(sums["squares"]), sums["fourths"] ** 0.25
    found["entries"], found["zeros"] = sums["entries"], sums["zeros"]
    found["small"] = sums["small"] - sums["zeros"]
    found["largest"] = _of_one(sums["largest"], sums["calls"])
    return found


def tallies(outputs: Floats, shifts: Floats) -> Records:
    """Sums of outputs as rows of ``TALLY``."""
    sums = dict(zip(OUTPUT, outputs.T, strict=False))
    found = np.zeros(len(outputs), TALLY)
    for key in ("total", "squares", "cubes", "fourths", "zeros", "outside"):
        found[key] = sums[key]
    found["count"], found["shift"] = sums["entries"], shifts
    found["largest"] = _of_one(sums["largest"], sums["calls"])
    return found


def strange(sums: Floats) -> Floats:
    """Of sums of either kind, how many entries were not finite, [n]; 0 where it is not known."""
    entries = sums[:, NONFINITE]
    return np.where(np.isnan(entries), 0.0, entries)


def far(outputs: Floats) -> Ints:
    """Rows of outputs whose mean is far from their shift, by their std; their kurtosis is lost."""
    with np.errstate(all="ignore"):
        off = outputs[:, TOTAL] / outputs[:, ENTRIES]
        variance = outputs[:, SQUARES] / outputs[:, ENTRIES] - off**2
        rows = np.flatnonzero(off**2 > FAR**2 * np.maximum(variance, 0.0))
    outputs[rows, FOURTHS] = np.nan
    return rows


def mean(told: Told, k: int) -> float:
    """Of one layer's outputs."""
    return float(told.shifts[k] + told.outputs[k, TOTAL] / told.outputs[k, ENTRIES])


def _of_one(largest: Floats, calls: Floats) -> Floats:
    return np.where(calls > 1, np.nan, largest)
