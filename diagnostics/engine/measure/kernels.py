"""All that is compiled, by numba, kept on disk: passes over memory, and what their sums come to.

A pass reads many tensors in one call, by their addresses, so that a small tensor costs little more
than its entries. Memory must be contiguous float32, or float64 where ``wide``. Sums are float64:
squares of float32 can neither underflow nor overflow in them.

numba freezes the globals that a function uses, and takes what it kept for good until the one file
that holds the function is written to. So nothing that is compiled uses a name of another module of
ours, or a change there (after a ``git pull`` too) would give wrong numbers without a word. What is
shaped elsewhere, as a row of metrics, comes in as an argument, whose type numba compares.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import carray, njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Records = NDArray[np.void]
"""Named numbers: a name that isn't there is an error where a function is compiled."""

# Reordering sums lets them run in parallel lanes; NaN and infinities keep their meaning.
compiled = njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract"})

TALLY = np.dtype(
    [
        (key, np.float64)
        for key in (
            *("count", "shift", "total", "squares", "cubes", "fourths"),
            *("largest", "zeros", "outside"),
        )
    ]
)
"""Of all entries x seen: number, shift, Σ(x − shift)ᵏ for k = 1 … 4, max |x|, zeros, out of range.

Were the shift 0, a spread far from 0 would be the difference of two large sums, mostly rounding.
The first entry ever is near enough to all others, and known before the first pass.
"""

CHANGE = np.dtype(
    [
        (key, np.float64)
        for key in (
            *("entries", "seen", "sum", "squares", "moved", "moved_squares"),
            *("along", "last_squares", "surprise"),
        )
    ]
)
"""Of a weight w: entries, how many are looked at, and of those Σw, Σw², ΣΔw, ΣΔw², with the last
update Δ′: ΣΔwΔ′, ΣΔ′², and Σg²/v."""

MEMORY = np.dtype([(key, np.float64) for key in ("share", "newest", "floor", "decay")])
"""Of a running mean v of squared gradients: 1 − βᵗ, which it falls short by since it began at 0,
1 − β, ε², and λ, where it is g + λw that is squared."""

ROUNDING = 1e-14
"""A variance below this share of the mean square is rounding: the spread is 0."""

ROUGH = 1.02
"""A v in bfloat16 is right to 0.4%."""

SIZE = np.dtype(
    [(key, np.float64) for key in ("norm", "entries", "root", "largest", "zeros", "small")]
)
"""Of all entries x seen: (Σx²)^½, number, (Σx⁴)^¼, max |x|, zeros, and others that are below the
normal range of their type: these have lost digits."""

GRADIENT = np.dtype(
    [
        (key, np.float64)
        for key in (
            *("norm", "zeros", "first", "applied", "unclipped"),
            *("left", "under", "lying", "entries"),
        )
    ]
    + [("present", np.bool_), ("stepped", np.bool_)],
    align=True,
)
"""What is known of a parameter's gradient: see ``Parameters``."""

NORMAL_SINGLE, NORMAL_DOUBLE = 1.1754943508222875e-38, 2.2250738585072014e-308
"""Where the normal ranges of float32 and float64 begin."""

SMALLEST, LARGEST = 1.401298464324817e-45, 3.4028234663852886e38
"""Of float32, above 0."""

SUBNORMAL = 1.2e-38
"""What a square in float32 may lose that is below its normal range."""

SINGLE, DOUBLE = np.int32(0x7FFFFFFF), np.int64(0x7FFFFFFFFFFFFFFF)
"""All bits of a float but its sign."""


class Stretches(NamedTuple):
    """Memory of several tensors, [tensors]: whose row each is, where, how many entries, float64."""

    rows: Ints
    addresses: Ints
    sizes: Ints
    wide: Flags


@intrinsic
def _pointer(typing: Any, address: Any) -> Any:
    """An integer as a pointer.

    Handing over an array costs a third of a microsecond, many times what a small tensor's entries
    do; addresses of all tensors together are one array.
    """

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.int64), build


@compiled
def _largest_of(entries: Any) -> float:
    """The largest magnitude of finite entries; NaN where there are others."""
    largest = 0.0
    for i in range(entries.size):
        x = abs(np.float64(entries[i]))
        if not np.isfinite(x):
            return np.nan
        largest = max(largest, x)
    return largest


@compiled
def _norm(entries: Any) -> float:
    """Squares of float32 always fit float64; of float64 they may not, and are scaled then."""
    squares = 0.0
    for i in range(entries.size):
        x = np.float64(entries[i])
        squares += x * x
    if 1e-280 < squares < 1e300:
        return np.sqrt(squares)
    largest = _largest_of(entries)
    if np.isnan(largest):
        return np.sqrt(squares)  # NaN or infinite, as the entries have it
    if largest == 0.0:
        return 0.0
    scaled = 0.0
    for i in range(entries.size):
        scaled += (np.float64(entries[i]) / largest) ** 2
    return largest * np.sqrt(scaled)


@compiled
def _zeros(entries: Any) -> int:
    found = 0
    for i in range(entries.size):
        found += np.int64(entries[i] == 0)
    return found


@compiled
def norms(rows: Ints, addresses: Ints, sizes: Ints, wide: Any, out: Any) -> bool:
    """Take stretches into rows of ``SIZE``, but for their tails; whether all are finite."""
    finite = True
    for k in range(len(rows)):
        row = out[rows[k]]
        if wide[k]:
            entries = carray(_pointer(addresses[k]), sizes[k], np.float64)
            found = _norm(entries)
            row.zeros += _zeros(entries)
        else:
            short = carray(_pointer(addresses[k]), sizes[k], np.float32)
            found = _norm(short)
            row.zeros += _zeros(short)
        row.norm = np.hypot(row.norm, found)
        row.entries += sizes[k]
        finite &= np.isfinite(found)
    return bool(finite)


@compiled
def _largest(bits: Any, sign: Any) -> Any:
    """The largest magnitude's bits: read as whole numbers, they stand in the order of magnitudes.

    A maximum of floats does not go in parallel lanes, because of NaN; here NaN is above infinity.
    """
    found = bits[0] & sign if bits.size else sign & 0
    for i in range(bits.size):
        found = max(found, bits[i] & sign)
    return found


@compiled
def _raise_to(row: Any, magnitude: float) -> None:
    if magnitude > row.largest or np.isnan(magnitude):
        row.largest = magnitude


@compiled
def fourth(one: float, other: float) -> float:
    """(a⁴ + b⁴)^¼, right at any scale."""
    largest = max(one, other)
    if largest == 0.0 or not np.isfinite(one + other):
        return one + other
    return float(largest * ((one / largest) ** 4 + (other / largest) ** 4) ** 0.25)


@compiled
def _tails(entries: Any, normal: float, row: Any) -> float:
    """Add entries to a row of ``SIZE``; their norm.

    Fourth powers of float32 fit float64 as well.
    """
    squares, fourths, small = 0.0, 0.0, 0
    for i in range(entries.size):
        x = np.float64(entries[i])
        square = x * x
        squares += square
        fourths += square * square
        small += np.int64(abs(x) < normal)
    norm, root = np.sqrt(squares), np.sqrt(np.sqrt(fourths))
    if not 1e-280 < fourths < 1e300:
        norm, largest = _norm(entries), _largest_of(entries)
        scaled = 0.0
        for i in range(entries.size if largest > 0 else 0):
            scaled += (np.float64(entries[i]) / largest) ** 4
        root = largest * np.sqrt(np.sqrt(scaled))
    zeros = _zeros(entries) if small else 0
    row.norm = np.hypot(row.norm, norm)
    row.root = fourth(row.root, root)
    row.entries += entries.size
    row.zeros += zeros
    row.small += small - zeros
    return float(norm)


@compiled
def tails(rows: Ints, addresses: Ints, sizes: Ints, wide: Any, out: Any) -> bool:
    """Take stretches into rows of ``SIZE``; whether all are finite."""
    finite = True
    single, double = np.empty(1, np.int32), np.empty(1, np.int64)
    for k in range(len(rows)):
        row = out[rows[k]]
        if wide[k]:
            found = _tails(carray(_pointer(addresses[k]), sizes[k], np.float64), NORMAL_DOUBLE, row)
            double[0] = _largest(carray(_pointer(addresses[k]), sizes[k], np.int64), DOUBLE)
            _raise_to(row, double.view(np.float64)[0])
        else:
            found = _tails(carray(_pointer(addresses[k]), sizes[k], np.float32), NORMAL_SINGLE, row)
            single[0] = _largest(carray(_pointer(addresses[k]), sizes[k], np.int32), SINGLE)
            _raise_to(row, single.view(np.float32)[0])
        finite &= np.isfinite(found)
    return bool(finite)


@compiled
def add(sizes: Any, rows: Ints, out: Any) -> None:
    """Take rows of ``SIZE`` into others, as ``tails`` takes stretches."""
    for k in range(len(rows)):
        one, row = sizes[k], out[rows[k]]
        row.norm = np.hypot(row.norm, one.norm)
        row.root = fourth(row.root, one.root)
        row.entries += one.entries
        row.zeros += one.zeros
        row.small += one.small
        _raise_to(row, one.largest)


@compiled
def _outside(entries: Any, low: float, high: float) -> int:
    """A pass of its own, which most activations, that have no bounds, are spared."""
    outside = 0
    for i in range(entries.size):
        x = np.float64(entries[i])
        outside += np.int64((x < low) | (x > high))
    return outside


@compiled
def _tally(entries: Any, low: float, high: float, row: Any) -> None:
    if row.count == 0 and entries.size:
        row.shift = np.float64(entries[0])
    # In locals: a sum that lies in memory would be written there at every entry.
    shift, total, squares, cubes, fourths = row.shift, 0.0, 0.0, 0.0, 0.0
    zeros = 0
    for i in range(entries.size):
        x = np.float64(entries[i])
        off = x - shift
        square = off * off
        total += off
        squares += square
        cubes += square * off
        fourths += square * square
        zeros += np.int64(x == 0)  # counted as whole numbers, in lanes beside the sums
    row.count += entries.size
    row.total += total
    row.squares += squares
    row.cubes += cubes
    row.fourths += fourths
    row.zeros += zeros
    if low > -np.inf:
        row.outside += _outside(entries, low, high)


@compiled
def tallies(
    rows: Ints, addresses: Ints, sizes: Ints, wide: Any,
    layers: Ints, low: Floats, high: Floats, out: Any,
) -> bool:  # fmt: skip
    """Add stretches to rows of ``TALLY``; whether all sums are finite.

    Args:
        layers: of each row, the layer.
        low, high: of each layer the linear range.
    """
    finite = True
    single, double = np.empty(1, np.int32), np.empty(1, np.int64)
    for k in range(len(rows)):
        i, layer = rows[k], layers[rows[k]]
        if wide[k]:
            entries = carray(_pointer(addresses[k]), sizes[k], np.float64)
            _tally(entries, low[layer], high[layer], out[i])
            double[0] = _largest(carray(_pointer(addresses[k]), sizes[k], np.int64), DOUBLE)
            _raise_to(out[i], double.view(np.float64)[0])
        else:
            short = carray(_pointer(addresses[k]), sizes[k], np.float32)
            _tally(short, low[layer], high[layer], out[i])
            single[0] = _largest(carray(_pointer(addresses[k]), sizes[k], np.int32), SINGLE)
            _raise_to(out[i], single.view(np.float32)[0])
        finite &= np.isfinite(out[i].squares)
    return bool(finite)


@compiled
def pool(tally: Any, rows: Ints, layers: Ints, out: Any) -> None:
    """Rows of ``TALLY`` together for each layer; moments about one shift are moved to another's.

    Args:
        rows: which rows.
        layers: of each row, the layer.
        out: rows of ``TALLY``, 0 as yet, [layers].
    """
    for k in range(len(rows)):
        one, whole = tally[rows[k]], out[layers[rows[k]]]
        if whole.count == 0:
            whole.shift = one.shift
        d, n = one.shift - whole.shift, one.count
        whole.count += n
        whole.total += one.total + n * d
        whole.squares += one.squares + 2 * d * one.total + n * d**2
        whole.cubes += one.cubes + 3 * d * one.squares + 3 * d**2 * one.total + n * d**3
        whole.fourths += (
            one.fourths + 4 * d * one.cubes + 6 * d**2 * one.squares
            + 4 * d**3 * one.total + n * d**4
        )  # fmt: skip
        whole.zeros += one.zeros
        whole.outside += one.outside
        _raise_to(whole, one.largest)


@compiled
def activations(tally: Any, active: Flags, low: Floats, out: Any) -> None:
    """From rows of ``TALLY``: mean, population std, kurtosis, max |h|, shares of zeros and of
    entries out of range.

    The kurtosis is E[(h − mean)⁴]/std⁴, from moments about the shift; NaN where all are alike.

    NaN where nothing was seen, and for what has no meaning for a layer.

    Args:
        active: whether a layer has an activation, [layers].
        low: where the range of a bounded one begins, −∞ for others, [layers].
        out: rows of metrics, [layers].
    """
    for i in range(len(tally)):
        seen, row = tally[i], out[i]
        offset = seen.total / seen.count
        variance = seen.squares / seen.count - offset**2
        row.activation_mean = seen.shift + offset
        row.activation_std = np.sqrt(0.0 if variance < 0 else variance)
        row.activation_max = seen.largest if seen.count > 0 else np.nan
        row.activation_kurtosis = np.nan
        if variance > ROUNDING * seen.squares / seen.count:
            fourth = (
                seen.fourths / seen.count
                - 4 * offset * seen.cubes / seen.count
                + 6 * offset**2 * seen.squares / seen.count
                - 3 * offset**4
            )
            row.activation_kurtosis = fourth / variance / variance
        row.sparsity = seen.zeros / seen.count if active[i] else np.nan
        row.saturated = seen.outside / seen.count if np.isfinite(low[i]) else np.nan


@compiled
def _magnitudes(entries: Any, inner: int, sums: Any) -> None:
    """Rows of units are added in lanes; a channel, which lies together, is summed by itself."""
    units = sums.size
    if inner == 1:
        for start in range(0, entries.size, units):
            for unit in range(units):
                sums[unit] += abs(np.float64(entries[start + unit]))
        return
    for start in range(0, entries.size, inner):
        total = 0.0
        for k in range(start, start + inner):
            total += abs(np.float64(entries[k]))
        sums[(start // inner) % units] += total


@compiled
def magnitudes(
    rows: Ints, addresses: Ints, sizes: Ints, wide: Any, geometry: Ints, out: Floats
) -> None:
    """Add Σ|x| of each unit of [any, units, inner] to a row's sums.

    Args:
        geometry: samples, inner, units of each tensor, [tensors, 3]; where there are no units,
            nothing is read.
        out: float64 [rows, most units].
    """
    for k in range(len(rows)):
        inner, units = geometry[k, 1], geometry[k, 2]
        sums = out[rows[k], :units]
        if not units or not sizes[k]:
            continue
        if wide[k]:
            _magnitudes(carray(_pointer(addresses[k]), sizes[k], np.float64), inner, sums)
        else:
            _magnitudes(carray(_pointer(addresses[k]), sizes[k], np.float32), inner, sums)


@compiled
def shares(sums: Floats, tau: float) -> tuple[float, float]:
    """Shares of units that are dead and dormant, from Σ|h| of each, [units]."""
    dead, dormant, scale = 0, 0, sums.mean()
    for unit in range(len(sums)):
        dead += np.int64(sums[unit] == 0)
        dormant += np.int64(sums[unit] <= tau * scale)
    return dead / len(sums), dormant / len(sums) if np.isfinite(scale) else np.nan


@compiled
def count_units(
    calls: Ints, layers: Ints, geometry: Ints, of_calls: Floats,
    samples: int, tau: float, sums: Floats, units: Ints, seen: Ints, dead: Floats, dormant: Floats,
) -> None:  # fmt: skip
    """Add Σ|h| of calls to their layers'; after enough samples a layer's shares are renewed.

    Args:
        layers: of each call, the layer.
        geometry: samples, inner, units of each call, [calls, 3].
        samples: how many are enough.
        sums, units, seen: of each layer so far; with other units it begins anew.
    """
    for call in calls:
        i, width = layers[call], geometry[call, 2]
        if not width:
            continue
        if units[i] != width:
            sums[i], seen[i], units[i] = 0.0, 0, width
        sums[i, :width] += of_calls[call, :width]
        seen[i] += geometry[call, 0]
        if seen[i] >= samples:
            dead[i], dormant[i] = shares(sums[i, :width], tau)
            sums[i], seen[i] = 0.0, 0


@compiled
def _change(before: Any, after: Any, last: Any, row: Any) -> None:
    w, ww, d, dd, dl, ll = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(before.size):
        now = np.float64(after[i])
        off = now - np.float64(before[i])
        was = np.float64(last[i])
        before[i] = after[i]
        last[i] = off
        w += now
        ww += now * now
        d += off
        dd += off * off
        dl += off * was
        ll += was * was
    row.sum, row.squares, row.moved, row.moved_squares = w, ww, d, dd
    row.along, row.last_squares = dl, ll


@compiled
def change(
    rows: Ints, before: Ints, after: Ints, last: Ints, sizes: Ints, strides: Ints, out: Any
) -> None:
    """Fill the sums of a row of ``CHANGE`` for each triple of float32 stretches.

    Of ``after`` only every so manyeth entry counts; ``before`` holds just those, and is made to
    hold those that came after, ``last`` what lies between.

    Args:
        rows: of some weights; ``after`` and ``last`` are of these, all else of every weight.
    """
    for k in range(len(rows)):
        i = rows[k]
        now = carray(_pointer(after[k]), sizes[i] * strides[i], np.float32)
        old = carray(_pointer(before[i]), sizes[i], np.float32)
        step = carray(_pointer(last[k]), sizes[i], np.float32)
        if strides[i] == 1:  # compiled apart: without gaps it goes in parallel lanes
            _change(old, now, step, out[i])
        else:
            _change(old, now[:: strides[i]], step, out[i])


@compiled
def _surprise(gradient: Any, squares: Any, weight: Any, told: Any) -> float:
    """A v that is not even what the newest gradient alone adds to it is of something else."""
    total, strange = 0.0, 0
    share, newest, floor, decay = told.share, told.newest, told.floor, told.decay
    for i in range(weight.size):
        x = np.float64(gradient[i]) + decay * np.float64(weight[i])
        square, kept = x * x, np.float64(squares[i])
        total += square / max(max(kept / share, floor), 1e-300)
        strange += np.int64(newest * square > ROUGH * kept + SUBNORMAL)
    return np.nan if strange else total


@compiled
def surprises(
    gradients: Ints, squares: Ints, weights: Ints, sizes: Ints, strides: Ints, told: Any
) -> Floats:
    """Σg²/max(v̂, ε²) of float32 stretches, v̂ without what it falls short by; NaN where v is of
    something else.

    Of ``gradients`` and ``squares`` every so manyeth entry counts; ``weights``, as they were
    before the step, holds just those.

    Args:
        told: rows of ``MEMORY``.
    """
    found = np.empty(len(sizes))
    for i in range(len(sizes)):
        one = carray(_pointer(gradients[i]), sizes[i] * strides[i], np.float32)
        kept = carray(_pointer(squares[i]), sizes[i] * strides[i], np.float32)
        weight = carray(_pointer(weights[i]), sizes[i], np.float32)
        if strides[i] == 1:
            found[i] = _surprise(one, kept, weight, told[i])
        else:
            found[i] = _surprise(one[:: strides[i]], kept[:: strides[i]], weight, told[i])
    return found


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
def pool_signals(sizes: Any, rows: Ints, owner: Ints, scales: Floats, pooled: Any) -> None:
    """What signals come to, together for each layer.

    Args:
        sizes: rows of ``SIZE``.
        rows: which of them.
        owner: of each row, the layer.
        scales: what the row's loss was multiplied with.
        pooled: rows of ``SIZE``, 0 as yet, [layers].
    """
    for k in range(len(rows)):
        one, whole = sizes[rows[k]], pooled[owner[k]]
        whole.entries += one.entries
        whole.norm = np.hypot(whole.norm, one.norm / scales[k])
        whole.root = fourth(whole.root, one.root / scales[k])
        whole.small += one.small
        _raise_to(whole, one.largest / scales[k])


@compiled
def signals(pooled: Any, out: Any) -> None:
    """From rows of ``SIZE``, [layers], rows of metrics; NaN where no signal was seen.

    The kurtosis is E[δ⁴]/E[δ²]², about 0.
    """
    for i in range(len(out)):
        seen, row = pooled[i], out[i]
        known = seen.entries > 0
        row.signal_grad_norm = seen.norm if known else np.nan
        row.signal_grad_rms = seen.norm / np.sqrt(seen.entries) if known else np.nan
        row.signal_grad_max = seen.largest if known else np.nan
        row.signal_grad_kurtosis = seen.entries * (seen.root / seen.norm) ** 4 if known else np.nan
        row.signal_small = seen.small / seen.entries if known else np.nan


@compiled
def present(rows: Ints, sizes: Any, out: Any) -> Floats:
    """Norms of gradients that were just read, NaN where there is none that can be; these are known.

    Args:
        rows: whose they are.
        sizes: rows of ``SIZE``, in that order; without a number of entries where none was read.
        out: rows of ``GRADIENT``.
    """
    norms = np.empty(len(rows))
    for k in range(len(rows)):
        known = not np.isnan(sizes[k].entries)
        out[rows[k]].present = known
        norms[k] = sizes[k].norm if known else np.nan
    return norms


@compiled
def fill(rows: Ints, sizes: Any, fresh: Flags, filled: Any, out: Any) -> int:
    """A backward pass filled these gradients; how many of them can be read.

    Args:
        sizes: as for ``present``.
        fresh: those that were filled before and that no step has applied, [parameters].
        filled: those that this pass filled, [parameters].
    """
    norms, count = present(rows, sizes, out), 0
    for k in range(len(rows)):
        one = out[rows[k]]
        if one.present:
            one.norm, one.zeros = norms[k], sizes[k].zeros / sizes[k].entries
            one.first = one.first if fresh[rows[k]] else norms[k]
            one.under, one.left = np.hypot(one.under, one.left), 0.0
            filled[rows[k]] = True
            count += 1
    return count


@compiled
def settle(
    rows: Ints, clipped: Ints, sizes: Any, scale: float, fresh: Flags, out: Any
) -> tuple[float, bool]:
    """An optimizer is about to step by gradients; the norm of what lay under them before the step
    began, and whether all are finite.

    Args:
        clipped: which of them were written to since they were read, and ``sizes`` of these.
        scale: what the loss was multiplied with, and what was written to no longer is.
        fresh: those that passes of this step have filled, [parameters].
    """
    under, finite = 0.0, True
    for row in rows:
        one = out[row]
        one.unclipped = one.applied = one.norm / scale if one.present else np.nan
        one.first /= scale
    now = present(clipped, sizes, out)
    for k in range(len(clipped)):
        out[clipped[k]].applied = now[k]
    for row in rows:
        one = out[row]
        one.stepped = one.present
        finite &= not one.present or np.isfinite(one.applied)
        if fresh[row]:
            under, one.under = np.hypot(under, one.under), 0.0
    return under, bool(finite)


@compiled
def meet(one: Flags, other: Flags) -> bool:
    """Whether both hold somewhere."""
    return bool((one & other).any())


@compiled
def begin(out: Any) -> None:
    """Another step begins: what was applied before says nothing of it, but may still lie there."""
    for k in range(len(out)):
        one = out[k]
        one.lying, one.left, one.under = one.applied, 0.0, 0.0
        one.applied = one.unclipped = np.nan
        one.stepped = one.present = False


@compiled
def _joined(norm: float, other: float, begun: bool) -> float:
    return np.hypot(norm, other) if begun else other


@compiled
def gradients(
    of: Any, weights: Ints, weight_owner: Ints, biases: Ints, bias_owner: Ints,
    share: float, out: Any,
) -> tuple[float, float, bool]:  # fmt: skip
    """Norms of each layer's gradients; of all that were stepped the global norm, the same as it was
    applied, and whether these are finite.

    Args:
        of: rows of ``GRADIENT``.
        weights, biases: which of them are a layer's.
        share: of the step's loss that a backward pass was for.
        out: rows of metrics, [layers]; NaN where no gradient is known.
    """
    begun = np.zeros((4, len(out)), np.bool_)
    zeros, entries, whole = np.zeros(len(out)), np.zeros(len(out)), np.zeros(len(out))
    for i in range(len(out)):
        row = out[i]
        row.weight_grad_norm = row.weight_grad_rms = row.bias_grad_norm = np.nan
        row.clipped_grad_norm = row.computed_grad_norm = row.grad_zeros = np.nan
    for k in range(len(weights)):
        i, one = weight_owner[k], of[weights[k]]
        row, first = out[i], np.nan if np.isnan(one.applied) else one.first
        whole[i] += one.entries
        if one.stepped or np.isfinite(one.unclipped):
            row.weight_grad_norm = _joined(row.weight_grad_norm, one.unclipped, begun[0, i])
            begun[0, i] = True
        if one.stepped or np.isfinite(one.applied):
            row.clipped_grad_norm = _joined(row.clipped_grad_norm, one.applied, begun[1, i])
            begun[1, i] = True
        if one.stepped or np.isfinite(first):
            row.computed_grad_norm = _joined(row.computed_grad_norm, first / share, begun[2, i])
            begun[2, i] = True
        if one.stepped:
            zeros[i] += one.zeros * one.entries
            entries[i] += one.entries
    for k in range(len(biases)):
        i, one = bias_owner[k], of[biases[k]]
        if one.stepped or np.isfinite(one.unclipped):
            out[i].bias_grad_norm = _joined(out[i].bias_grad_norm, one.unclipped, begun[3, i])
            begun[3, i] = True
    for i in range(len(out)):
        out[i].weight_grad_rms = out[i].weight_grad_norm / np.sqrt(whole[i])
        if entries[i] > 0:
            out[i].grad_zeros = zeros[i] / entries[i]
    return _together(of)


@compiled
def _together(of: Any) -> tuple[float, float, bool]:
    computed, applied, count = np.empty(len(of)), np.empty(len(of)), 0
    for k in range(len(of)):
        if of[k].stepped:
            computed[count], applied[count] = of[k].unclipped, of[k].applied
            count += 1
    if not count:
        return np.nan, np.nan, True
    norm, clipped = together(computed[:count]), together(applied[:count])
    return norm, clipped, bool(np.isfinite(applied[:count]).all())


@compiled
def _std(size: float, total: float, squares: float) -> float:
    mean_square = squares / size
    variance = mean_square - (total / size) ** 2
    return float(np.sqrt(0.0 * variance if variance <= ROUNDING * mean_square else variance))


@compiled
def _gather(pool: Any, one: Any) -> None:
    """Each entry that is looked at stands for as many as there are of its weight."""
    each = one.entries / one.seen
    pool.entries += one.entries
    pool.sum += each * one.sum
    pool.squares += each * one.squares
    pool.moved += each * one.moved
    pool.moved_squares += each * one.moved_squares
    pool.along += each * one.along
    pool.last_squares += each * one.last_squares


@compiled
def updates(changes: Any, owner: Ints, out: Any) -> bool:
    """‖W‖, ‖ΔW‖, std(ΔW)/std(W), the cosine of ΔW with the one before, and RMS(g/√v) of each
    owner's weights; whether all norms are finite.

    Args:
        changes: rows of ``CHANGE``, [weights].
        owner: of each weight.
        out: rows of metrics, [owners]; a ratio is NaN where all weights are alike. Of weights that
            nothing moved there is a norm alone.
    """
    pooled, moved = np.zeros(len(out), changes.dtype), np.zeros(len(out), changes.dtype)
    for k in range(len(owner)):
        one = changes[k]
        _gather(pooled[owner[k]], one)
        if not np.isnan(one.moved_squares):
            _gather(moved[owner[k]], one)
        if not np.isnan(one.surprise):
            told = moved[owner[k]]
            told.seen += one.entries
            told.surprise += one.entries / one.seen * one.surprise
    finite = True
    for i in range(len(out)):
        pool, step, row = pooled[i], moved[i], out[i]
        known = pool.entries > 0
        row.weight_norm = np.sqrt(pool.squares) if known else np.nan
        row.update_norm = np.sqrt(step.moved_squares) if step.entries > 0 else np.nan
        std = _std(step.entries, step.sum, step.squares)
        change = _std(step.entries, step.moved, step.moved_squares)
        row.update_ratio = np.nan if std == 0 else change / std
        row.update_cosine = step.along / np.sqrt(step.moved_squares) / np.sqrt(step.last_squares)
        row.surprise = np.sqrt(step.surprise / step.seen)
        finite &= np.isfinite(row.weight_norm)
    return bool(finite)


@compiled
def rounded(values: Floats) -> Any:
    """As float32, yet what is finite stays finite and what is not 0 stays apart from 0.

    A gradient of 1e−60 is vanishing and one of 1e60 exploding; 0 and ∞ would say dead and diverged.
    """
    found = np.empty(values.shape, np.float32)
    for i in range(values.shape[0]):
        for k in range(values.shape[1]):
            x = values[i, k]
            if np.isfinite(x) and x != 0:
                x = np.copysign(min(max(abs(x), SMALLEST), LARGEST), x)
            found[i, k] = x
    return found
