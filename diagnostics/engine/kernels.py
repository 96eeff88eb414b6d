"""Native passes over tensors' memory, compiled by numba and kept on disk: one read, float64 sums.

Each takes addresses, so that a call costs no more than a few numbers. The memory must be contiguous
float32, or float64 where ``wide``. Sums are float64: squares of float32 can neither underflow nor
overflow in them.
"""

from typing import Any

import numpy as np
from numba import carray, njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Addresses = NDArray[np.int64]

# Reordering sums lets them run in parallel lanes; NaN and infinities keep their meaning.
_compiled = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})

TALLY = COUNT, TOTAL, SQUARES, ZEROS, OUTSIDE, SHIFT = range(6)
"""What ``tally`` adds up: entries, Σ(x − shift), Σ(x − shift)², how many are 0, out of a range."""

CHANGE = 4
"""Σw, Σw², Σ(w − before), Σ(w − before)², which ``change`` adds up."""


@intrinsic
def _pointer(typing: Any, address: Any) -> Any:
    """An integer as a pointer."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), build


@_compiled
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


@_compiled
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


@_compiled
def _change(before: Any, after: Any, row: Any) -> None:
    w, ww, d, dd = 0.0, 0.0, 0.0, 0.0
    for i in range(before.size):
        now = np.float64(after[i])
        off = now - np.float64(before[i])
        w += now
        ww += now * now
        d += off
        dd += off * off
    row[0], row[1], row[2], row[3] = w, ww, d, dd


@_compiled
def norms(addresses: Addresses, sizes: Addresses, wide: bool, out: Floats) -> None:
    """The L2 norm of each stretch of memory; NaN or infinite where entries are."""
    for i in range(len(addresses)):
        if wide:
            out[i] = _norm(carray(_pointer(addresses[i]), sizes[i], np.float64))
        else:
            out[i] = _norm(carray(_pointer(addresses[i]), sizes[i], np.float32))


@_compiled
def norm(address: int, size: int, wide: bool) -> float:
    """The same of one."""
    if wide:
        return _norm(carray(_pointer(address), size, np.float64))
    return _norm(carray(_pointer(address), size, np.float32))


@_compiled
def tally(
    address: int, size: int, wide: bool, low: float, high: float, rows: Floats, i: int
) -> bool:
    """Add to a row of ``rows`` what ``TALLY`` names; False where sums are not finite any more.

    Sums are of entries less a shift, the first entry ever, so that little cancels in them.
    """
    row = rows[i]
    if wide:
        _tally(carray(_pointer(address), size, np.float64), low, high, row)
    else:
        _tally(carray(_pointer(address), size, np.float32), low, high, row)
    return bool(np.isfinite(row[SQUARES]))


@_compiled
def change(
    before: Addresses, after: Addresses, sizes: Addresses, strides: Addresses, rows: Floats
) -> None:
    """Fill a row of ``rows`` for each pair of stretches with what ``CHANGE`` names.

    Of ``after`` only every so manyeth entry counts; ``before`` holds just those.
    """
    for i in range(len(sizes)):
        now = carray(_pointer(after[i]), sizes[i] * strides[i], np.float32)
        old = carray(_pointer(before[i]), sizes[i], np.float32)
        if strides[i] == 1:  # compiled apart: without gaps it goes in parallel lanes
            _change(old, now, rows[i])
        else:
            _change(old, now[:: strides[i]], rows[i])


@_compiled
def copy(source: Addresses, target: Addresses, sizes: Addresses, strides: Addresses) -> None:
    """Copy every so manyeth entry of each stretch."""
    for i in range(len(sizes)):
        to = carray(_pointer(target[i]), sizes[i], np.float32)
        stretch = carray(_pointer(source[i]), sizes[i] * strides[i], np.float32)
        if strides[i] == 1:
            to[:] = stretch
        else:
            to[:] = stretch[:: strides[i]]


@_compiled
def _alive(entries: Any, outer: int, inner: int, alive: Any) -> None:
    units = alive.size
    for row in range(outer):
        for unit in range(units):
            start = (row * units + unit) * inner
            if inner == 1:
                alive[unit] |= np.uint8(entries[start] != 0)
            elif not alive[unit]:
                for k in range(start, start + inner):
                    if entries[k] != 0:
                        alive[unit] = 1
                        break


@_compiled
def alive(address: int, outer: int, inner: int, wide: bool, alive: Any) -> int:
    """Mark the units of [outer, units, inner] that are not 0 everywhere; how many are marked."""
    size = outer * inner * alive.size
    if wide:
        _alive(carray(_pointer(address), size, np.float64), outer, inner, alive)
    else:
        _alive(carray(_pointer(address), size, np.float32), outer, inner, alive)
    return int(alive.sum())


def warm_up() -> None:
    """Call each once: the first call in a process loads what is kept on disk, or compiles it."""
    one = np.ones(1, np.float32)
    address = np.array([one.ctypes.data])
    size, out = np.ones(1, np.int64), np.zeros(1)
    norms(address, size, False, out)
    norm(int(address[0]), 1, False)
    tally(int(address[0]), 1, False, -1.0, 1.0, np.zeros((1, len(TALLY))), 0)
    change(address, address, size, size, np.zeros((1, CHANGE)))
    copy(address, address, size, size)
    alive(int(address[0]), 1, 1, False, np.zeros(1, np.uint8))
