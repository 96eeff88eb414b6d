"""Reductions by torch, for devices and types that no kernel reads.

Each is a fast pass in the tensor's own type, small tensors of one size together, and one transfer
for all; a result that the type's range may have spoilt (squares of entries below ~1e-23 underflow
in float32, above ~1e19 overflow) is computed again in float64, so that norms are right wherever the
entries are.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from diagnostics.engine.measure import gate, kernels
from diagnostics.engine.measure.kernels import Floats, Records
from diagnostics.engine.measure.layers import EVERYWHERE

Reducer = Callable[[Tensor], Tensor]
"""[tensors, entries] → [tensors]"""

HALF = (torch.float16, torch.bfloat16)

SMALL = 1 << 13
"""Entries up to which copying tensors side by side is cheaper than a call for each."""

SAFE_LOW, SAFE_HIGH = 1e-25, 1e35
"""Sums of float32 squares in here are right to ~1e-6: what underflowed in them is negligible."""

CANCELLATION = 1e-4
"""A variance below this share of the mean square has lost too many digits to float32."""


def plain(tensor: Tensor) -> Tensor:
    """Dense, detached, and in a type that holds sums."""
    known = gate.readable(tensor)
    assert known is not None
    return known.float() if known.dtype in HALF else known


def norms(tensors: Sequence[Tensor]) -> Floats:
    """The L2 norm of each tensor; NaN or inf where entries are."""
    dense = [plain(tensor) for tensor in tensors]
    found = _transferred(torch._foreach_norm(dense))
    safe = (found > math.sqrt(SAFE_LOW)) & (found < math.sqrt(SAFE_HIGH))
    for i in np.flatnonzero(~safe).tolist():
        found[i] = exact_norm(dense[i])
    return found


def sizes(rows: Sequence[int], tensors: Sequence[Tensor], tails: bool, out: Records) -> bool:
    """Take tensors into rows of ``kernels.SIZE``; whether all are finite.

    Args:
        tails: as ``kernels.tails`` does, else as ``kernels.norms``.
    """
    found = norms(tensors)
    counts = _tails(tensors) if tails else reduce([plain(t) for t in tensors], _zeros)
    for k, (row, tensor) in enumerate(zip(rows, tensors, strict=True)):
        one = out[row]
        one["norm"] = np.hypot(one["norm"], found[k])
        one["entries"] += tensor.numel()
        one["zeros"] += counts[0][k]
        if tails:
            one["small"] += counts[1][k] - counts[0][k]
            one["largest"] = np.maximum(one["largest"], counts[2][k])
            one["root"] = kernels.fourth(one["root"], counts[3][k])
    return bool(np.isfinite(found).all())


def _tails(tensors: Sequence[Tensor]) -> Floats:
    """Zeros, entries below normal range, max |x| and (Σx⁴)^¼ of each: float64 [4, tensors]."""
    found = np.zeros((4, len(tensors)))
    starts = [torch.finfo(t.dtype).tiny if t.is_floating_point() else 0.0 for t in tensors]
    for start in set(starts):
        where = [k for k, other in enumerate(starts) if other == start and tensors[k].numel()]
        order, parts = [], []
        for rows, matrix in _side_by_side([plain(tensors[k]) for k in where]):
            order += [where[row] for row in rows]
            parts.append(_tailed(matrix, start))
        if parts:
            whole = torch.cat([part.to(parts[0]) for part in parts], 1)
            found[:, order] = _transferred([whole]).reshape(4, -1)
    found[3] = np.where(found[2] > 0, found[2] * found[3] ** 0.25, found[2])
    return found


def _tailed(rows: Tensor, start: float) -> Tensor:
    """The same with fourth powers over the largest's, which can't leave the type's range."""
    sizes = rows.abs()
    counts = [(sizes == 0).sum(1), (sizes < start).sum(1)]
    largest = sizes.amax(1)
    fourths = sizes.div_(largest[:, None]).square_().square_().sum(1)
    return torch.stack([*(count.to(largest) for count in counts), largest, fourths])


def tally(
    rows: Sequence[int], tensors: Sequence[Tensor], low: Floats, high: Floats, out: Records
) -> None:
    """Add to rows what ``kernels.tallies`` adds.

    Args:
        low, high: of each tensor the linear range, [tensors].
    """
    dense = [plain(tensor) for tensor in tensors]
    spans = list(zip(low.tolist(), high.tolist(), strict=True))
    for span in set(spans):
        where = [k for k, other in enumerate(spans) if other == span]
        counters = (_zeros,) if span == EVERYWHERE else (_zeros, _outside(*span))
        found, counts = moments([dense[k] for k in where], *counters)
        outside = counts[1] if len(counts) > 1 else 0.0 * counts[0]
        shapes = _shapes([dense[k] for k in where])
        with np.errstate(all="ignore"):
            for n, k in enumerate(where):
                _add(out[rows[k]], found, shapes, n)
                out[rows[k]]["zeros"] += counts[0][n]
                out[rows[k]]["outside"] += outside[n]


def _add(row: Any, found: "Moments", shapes: Floats, n: int) -> None:
    """Moments about the mean, as moments about the shift (Pébay 2008, equation 2.1)."""
    size, mean, std, _ = (column[n] for column in found)
    largest, third, fourth = shapes[:, n]
    if not size:
        return
    if row["count"] == 0:
        row["shift"] = mean
    off = mean - row["shift"]
    third, fourth = (third * std**3, fourth * std**4) if std else (0.0, 0.0)
    row["count"] += size
    row["total"] += size * off
    row["squares"] += size * (std**2 + off**2)
    row["cubes"] += size * (third + 3 * off * std**2 + off**3)
    row["fourths"] += size * (fourth + 4 * off * third + 6 * off**2 * std**2 + off**4)
    row["largest"] = np.maximum(row["largest"], largest)


def _shapes(tensors: Sequence[Tensor]) -> Floats:
    """max |x|, E[u³] and E[u⁴] of each tensor, u = (x − mean)/std: float64 [3, tensors].

    Of entries over the largest, whose squares can't leave the type's range.
    """
    found, order = np.zeros((3, len(tensors))), []
    parts = []
    for rows, matrix in _side_by_side(tensors):
        if matrix.shape[1]:
            order += rows
            largest = matrix.abs().amax(1, keepdim=True)
            scaled = matrix / largest
            off = scaled - scaled.mean(1, keepdim=True)
            squares = off.square()
            variance = squares.mean(1)
            third = (squares * off).mean(1) / variance**1.5
            fourth = squares.square().mean(1) / variance**2
            parts.append(torch.stack([largest[:, 0], third, fourth]))
    if parts:
        whole = torch.cat([part.to(parts[0]) for part in parts], 1)
        found[:, order] = _transferred([whole]).reshape(3, -1)
    return found


def _zeros(rows: Tensor) -> Tensor:
    return (rows == 0).sum(1)


def _outside(low: float, high: float) -> Reducer:
    return lambda rows: ((rows < low) | (rows > high)).sum(1)


class Moments(NamedTuple):
    """Per tensor: number of entries, mean, std (population) and L2 norm, each float64 [tensors]."""

    size: Floats
    mean: Floats
    std: Floats
    norm: Floats


def moments(tensors: Sequence[Tensor], *counters: Reducer) -> tuple[Moments, list[Floats]]:
    """Mean, std and norm of each dense tensor, and what else is counted in the same pass."""
    size = np.array([tensor.numel() for tensor in tensors], np.float64)
    total, squares, *counts = reduce(tensors, _sum, square_sum, *counters)
    with np.errstate(all="ignore"):
        mean, mean_square = total / size, squares / size
        variance = mean_square - mean**2
        spoilt = ~((squares > SAFE_LOW) & (squares < SAFE_HIGH)) | (
            variance < CANCELLATION * mean_square
        )
        std = np.sqrt(np.maximum(variance, 0))
        norm = np.sqrt(size) * np.hypot(mean, std)
    for i in np.flatnonzero(spoilt).tolist():
        mean[i], std[i], norm[i] = exact_moments(tensors[i])
    return Moments(size, mean, std, norm), counts


def reduce(tensors: Sequence[Tensor], *reducers: Reducer) -> list[Floats]:
    """Each reducer's number for each tensor, in one transfer: float64 [tensors] per reducer."""
    order: list[int] = []
    parts: list[list[Tensor]] = [[] for _ in reducers]
    for rows, matrix in _side_by_side(tensors):
        order += rows
        for part, reducer in zip(parts, reducers, strict=True):
            part.append(reducer(matrix))
    if not order:
        return [np.empty(0) for _ in reducers]
    found = np.empty((len(reducers), len(tensors)))
    numbers = _transferred([number for part in parts for number in part])
    found[:, order] = numbers.reshape(len(reducers), -1)
    return list(found)


def _transferred(numbers: Sequence[Tensor]) -> Floats:
    """Several tensors in one, in one transfer."""
    first = numbers[0].device
    whole = torch.cat([number.reshape(-1).to(first) for number in numbers])
    return whole.detach().cpu().numpy().astype(np.float64)


def square_sum(rows: Tensor) -> Tensor:
    """Σx² of each row, in the tensor's type."""
    if len(rows) == 1:
        return torch.dot(rows[0], rows[0]).reshape(1)
    sums: Tensor = torch.linalg.vecdot(rows, rows)
    return sums


def _sum(rows: Tensor) -> Tensor:
    return rows.sum(1)


def _side_by_side(tensors: Sequence[Tensor]) -> Iterator[tuple[list[int], Tensor]]:
    """Indices and matrix [tensors, entries]: small ones alike together, others alone."""
    alike: dict[tuple[torch.Size, torch.dtype, torch.device], list[int]] = {}
    for i, tensor in enumerate(tensors):
        alike.setdefault((tensor.shape, tensor.dtype, tensor.device), []).append(i)
    for (shape, _, _), rows in alike.items():
        if shape.numel() <= SMALL and len(rows) > 1:
            yield rows, torch.stack([tensors[i] for i in rows]).reshape(len(rows), -1)
        else:
            for i in rows:
                yield [i], tensors[i].reshape(1, -1)


def exact_norm(tensor: Tensor) -> float:
    """The L2 norm in float64, rescaled by the largest entry: right at any scale."""
    exact = plain(tensor).double()
    largest = float(exact.abs().max()) if exact.numel() else 0.0
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * float(torch.linalg.vector_norm(exact / largest))


def exact_moments(tensor: Tensor) -> tuple[float, float, float]:
    """Mean, std and norm in float64, at any scale."""
    exact = plain(tensor).double()
    largest = float(exact.abs().max()) if exact.numel() else 0.0
    if largest == 0 or not math.isfinite(largest):
        return float(exact.mean()), largest, largest
    scaled = exact / largest
    std, mean = torch.std_mean(scaled, correction=0)
    return float(mean) * largest, float(std) * largest, exact_norm(exact)
