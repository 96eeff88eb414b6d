"""Native passes over tensors' memory, compiled by numba and kept on disk: one read, float64 sums.

Each reads many tensors in one call, by their addresses, so that a small tensor costs little more
than its entries. Memory must be contiguous float32, or float64 where ``wide``. Sums are float64:
squares of float32 can neither underflow nor overflow in them.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import carray, njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Reordering sums lets them run in parallel lanes; NaN and infinities keep their meaning.
compiled = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})

TALLY = COUNT, TOTAL, SQUARES, ZEROS, OUTSIDE, SHIFT = range(6)
"""What ``tallies`` adds up: entries, Σ(x − shift), Σ(x − shift)², zeros, how many out of range."""

CHANGE = 4
"""Σw, Σw², Σ(w − before), Σ(w − before)², which ``change`` adds up."""


class Stretches(NamedTuple):
    """Memory of several tensors, [tensors]: whose row each is, where, how many entries, float64."""

    rows: Ints
    addresses: Ints
    sizes: Ints
    wide: NDArray[np.bool_]


@intrinsic
def _pointer(typing: Any, address: Any) -> Any:
    """An integer as a pointer."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), build


@compiled
def _norm(entries: Any) -> float:
    squares = 0.0
    for i in range(entries.size):
        x = np.float64(entries[i])
        squares += x * x
    if 1e-280 < squares < 1e300:
        return np.sqrt(squares)
    largest = 0.0
    for i in range(entries.size):
        x = np.float64(entries[i])
        if not np.isfinite(x):
            return np.sqrt(squares)  # NaN or infinite, as the entries have it
        largest = max(largest, abs(x))
    if largest == 0.0:
        return 0.0
    scaled = 0.0
    for i in range(entries.size):
        scaled += (np.float64(entries[i]) / largest) ** 2
    return largest * np.sqrt(scaled)


@compiled
def norms(
    rows: Ints, addresses: Ints, sizes: Ints, wide: Any, out: Floats, entries: Floats
) -> bool:
    """Take stretches into rows of L2 norms and of numbers of entries; whether all are finite."""
    finite = True
    for k in range(len(rows)):
        if wide[k]:
            found = _norm(carray(_pointer(addresses[k]), sizes[k], np.float64))
        else:
            found = _norm(carray(_pointer(addresses[k]), sizes[k], np.float32))
        out[rows[k]] = np.hypot(out[rows[k]], found)
        entries[rows[k]] += sizes[k]
        finite &= np.isfinite(found)
    return bool(finite)


@compiled
def _tally(entries: Any, low: float, high: float, row: Any) -> None:
    if row[COUNT] == 0 and entries.size:
        row[SHIFT] = np.float64(entries[0])
    shift, total, squares, zeros, outside = row[SHIFT], 0.0, 0.0, 0, 0
    for i in range(entries.size):
        x = np.float64(entries[i])
        off = x - shift
        total += off
        squares += off * off
        zeros += np.int64(x == 0)
        outside += np.int64((x < low) | (x > high))
    row[COUNT] += entries.size
    row[TOTAL] += total
    row[SQUARES] += squares
    row[ZEROS] += zeros
    row[OUTSIDE] += outside


@compiled
def tallies(
    rows: Ints, addresses: Ints, sizes: Ints, wide: Any, low: Floats, high: Floats, out: Floats
) -> bool:
    """Add to rows of ``out`` what ``TALLY`` names; whether all sums are finite.

    Sums are of entries less a shift, the first entry ever, so that little cancels in them.
    """
    finite = True
    for k in range(len(rows)):
        i = rows[k]
        if wide[k]:
            entries = carray(_pointer(addresses[k]), sizes[k], np.float64)
            _tally(entries, low[i], high[i], out[i])
        else:
            _tally(carray(_pointer(addresses[k]), sizes[k], np.float32), low[i], high[i], out[i])
        finite &= np.isfinite(out[i, SQUARES])
    return bool(finite)


@compiled
def _mark(entries: Any, inner: int, alive: Any) -> None:
    units = alive.size
    for start in range(0, entries.size, units * inner):
        for unit in range(units):
            if inner == 1:
                alive[unit] |= np.uint8(entries[start + unit] != 0)
            elif not alive[unit]:
                first = start + unit * inner
                for k in range(first, first + inner):
                    if entries[k] != 0:
                        alive[unit] = 1
                        break


@compiled
def mark(
    rows: Ints, addresses: Ints, sizes: Ints, wide: Any,
    inner: Ints, units: Ints, living: Ints, alive: Any,
) -> None:  # fmt: skip
    """Mark units of [any, units, inner] that are not 0 everywhere in a row's stretches.

    Args:
        inner: entries of a unit that lie together, [tensors].
        units: of each tensor; where there are none, nothing is read.
        living: how many are marked, [rows]; where all are, nothing is read.
        alive: uint8 [rows, most units], the marks.
    """
    for k in range(len(rows)):
        i = rows[k]
        marks = alive[i, : units[k]]
        if living[i] == units[k] or not sizes[k]:
            continue
        if wide[k]:
            _mark(carray(_pointer(addresses[k]), sizes[k], np.float64), inner[k], marks)
        else:
            _mark(carray(_pointer(addresses[k]), sizes[k], np.float32), inner[k], marks)
        living[i] = marks.sum()


@compiled
def _change(before: Any, after: Any, row: Any) -> None:
    w, ww, d, dd = 0.0, 0.0, 0.0, 0.0
    for i in range(before.size):
        now = np.float64(after[i])
        off = now - np.float64(before[i])
        before[i] = after[i]
        w += now
        ww += now * now
        d += off
        dd += off * off
    row[0], row[1], row[2], row[3] = w, ww, d, dd


@compiled
def change(before: Ints, after: Ints, sizes: Ints, strides: Ints, out: Floats) -> None:
    """Fill a row of ``out`` for each pair of float32 stretches with what ``CHANGE`` names.

    Of ``after`` only every so manyeth entry counts; ``before`` holds just those, and is made to
    hold those that came after.
    """
    for i in range(len(sizes)):
        now = carray(_pointer(after[i]), sizes[i] * strides[i], np.float32)
        old = carray(_pointer(before[i]), sizes[i], np.float32)
        if strides[i] == 1:  # compiled apart: without gaps it goes in parallel lanes
            _change(old, now, out[i])
        else:
            _change(old, now[:: strides[i]], out[i])


@compiled
def copy(source: Ints, target: Ints, sizes: Ints, strides: Ints) -> None:
    """Copy every so manyeth entry of each float32 stretch."""
    for i in range(len(sizes)):
        to = carray(_pointer(target[i]), sizes[i], np.float32)
        stretch = carray(_pointer(source[i]), sizes[i] * strides[i], np.float32)
        if strides[i] == 1:
            to[:] = stretch
        else:
            to[:] = stretch[:: strides[i]]
