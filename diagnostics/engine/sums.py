"""What sums over entries come to: means, norms and spreads of layers, compiled like the sums."""

from typing import Any

import numpy as np

from diagnostics.engine.kernels import (
    COUNT,
    OUTSIDE,
    SHIFT,
    SQUARES,
    TOTAL,
    ZEROS,
    Floats,
    Ints,
    compiled,
)

SMALLEST, LARGEST = 1.401298464324817e-45, 3.4028234663852886e38
"""Of float32, above 0."""

ROUNDING = 1e-14
"""A variance below this share of the mean square is rounding: the spread is 0."""


@compiled
def spread(tally: Floats, out: Floats) -> None:
    """From rows of ``TALLY``: mean, population std, shares of zeros and of entries out of range.

    [rows, 4]; NaN where nothing was seen.
    """
    for i in range(len(tally)):
        size = tally[i, COUNT]
        offset = tally[i, TOTAL] / size
        variance = tally[i, SQUARES] / size - offset**2
        out[i, 0] = tally[i, SHIFT] + offset
        out[i, 1] = np.sqrt(0.0 if variance < 0 else variance)
        out[i, 2] = tally[i, ZEROS] / size
        out[i, 3] = tally[i, OUTSIDE] / size


@compiled
def by_owner(norms: Floats, present: Any, rows: Ints, owner: Ints, out: Floats) -> None:
    """The norm of several tensors together, [owners]; NaN where none of them is present.

    Args:
        norms, present: [tensors]
        rows: which tensors.
        owner: of each of them.
    """
    out[:] = np.nan
    for k in range(len(rows)):
        if present[rows[k]]:
            before = out[owner[k]]
            found = norms[rows[k]]
            out[owner[k]] = found if np.isnan(before) else np.hypot(before, found)


@compiled
def _std(size: float, total: float, squares: float) -> float:
    mean_square = squares / size
    variance = mean_square - (total / size) ** 2
    return float(np.sqrt(0.0 * variance if variance <= ROUNDING * mean_square else variance))


@compiled
def updates(entries: Floats, sums: Floats, owner: Ints, out: Floats) -> None:
    """The weights of each owner, what a step made of them, and std(ΔW)/std(W).

    Args:
        entries: of each weight, and how many of them were looked at, [weights, 2].
        sums: of ``CHANGE``, [weights, 4].
        owner: of each weight.
        out: ‖W‖, ‖ΔW‖ and the ratio, NaN where all weights are alike, [owners, 3].
    """
    pooled = np.zeros((len(out), 6))
    for k in range(len(owner)):
        for column in range(2):
            pooled[owner[k], column] += entries[k, column]
        for column in range(4):
            pooled[owner[k], 2 + column] += sums[k, column]
    for i in range(len(out)):
        full, size, w, ww, d, dd = pooled[i]
        std = _std(size, w, ww)
        out[i, 0] = np.sqrt(ww * full / size)
        out[i, 1] = np.sqrt(dd * full / size)
        out[i, 2] = np.nan if std == 0 else _std(size, d, dd) / std


@compiled
def rounded(values: Floats) -> Any:
    """As float32, yet what is finite stays finite and what is not 0 stays apart from 0."""
    found = np.empty(values.shape, np.float32)
    for i in range(values.shape[0]):
        for k in range(values.shape[1]):
            x = values[i, k]
            if np.isfinite(x) and x != 0:
                x = np.copysign(min(max(abs(x), SMALLEST), LARGEST), x)
            found[i, k] = x
    return found
