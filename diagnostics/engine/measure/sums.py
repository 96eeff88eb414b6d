"""What sums over entries come to: means, norms and spreads of layers, compiled like the sums."""

from typing import Any

import numpy as np

from diagnostics.engine.measure.kernels import (
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
def together(norms: Floats) -> float:
    """The norm of several tensors as one vector, from theirs; right at any scale."""
    largest = 0.0
    for norm in norms:
        if not np.isfinite(norm):
            return float(norms.sum())
        largest = max(largest, norm)
    if largest == 0.0:
        return 0.0
    squares = 0.0
    for norm in norms:
        squares += (norm / largest) ** 2
    return float(largest * np.sqrt(squares))


@compiled
def spread(tally: Floats, active: Any, bounded: Any, out: Floats, columns: Ints) -> None:
    """From rows of ``TALLY``: mean, population std, shares of zeros and of entries out of range.

    NaN where nothing was seen, and for what has no meaning for a layer.

    Args:
        active, bounded: whether a layer has an activation, and a bounded one, [layers].
        out: [layers, metrics], of which these columns are written.
    """
    for i in range(len(tally)):
        size = tally[i, COUNT]
        offset = tally[i, TOTAL] / size
        variance = tally[i, SQUARES] / size - offset**2
        out[i, columns[0]] = tally[i, SHIFT] + offset
        out[i, columns[1]] = np.sqrt(0.0 if variance < 0 else variance)
        out[i, columns[2]] = tally[i, ZEROS] / size if active[i] else np.nan
        out[i, columns[3]] = tally[i, OUTSIDE] / size if bounded[i] else np.nan


@compiled
def signals(norms: Floats, sizes: Floats, out: Floats, columns: Ints) -> None:
    """Norm and root mean square of signals, NaN where none was seen."""
    for i in range(len(norms)):
        out[i, columns[0]] = norms[i] if sizes[i] else np.nan
        out[i, columns[1]] = norms[i] / np.sqrt(sizes[i])


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
def updates(entries: Floats, sums: Floats, owner: Ints, out: Floats, columns: Ints) -> bool:
    """‖W‖, ‖ΔW‖ and std(ΔW)/std(W) of each owner's weights; whether all norms are finite.

    Args:
        entries: of each weight, and how many of them were looked at, [weights, 2].
        sums: of ``CHANGE``, [weights, 4].
        owner: of each weight.
        out: [owners, metrics], of which these columns are written; a ratio is NaN where all
            weights are alike.
    """
    pooled = np.zeros((len(out), 6))
    for k in range(len(owner)):
        for column in range(2):
            pooled[owner[k], column] += entries[k, column]
        for column in range(4):
            pooled[owner[k], 2 + column] += sums[k, column]
    finite = True
    for i in range(len(out)):
        full, size, w, ww, d, dd = pooled[i]
        std = _std(size, w, ww)
        norm = np.sqrt(ww * full / size)
        finite &= np.isfinite(norm)
        out[i, columns[0]] = norm
        out[i, columns[1]] = np.sqrt(dd * full / size)
        out[i, columns[2]] = np.nan if std == 0 else _std(size, d, dd) / std
    return bool(finite)


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
