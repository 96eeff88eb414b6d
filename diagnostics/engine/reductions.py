"""Tensor → number: the reductions behind every measurement, in one room.

Each is a single fast pass in the tensor's own type, small tensors of one size together. A result
that the type's range may have spoilt (squares of entries below ~1e-23 underflow in float32, above
~1e19 overflow) is computed again in float64, so that norms are right wherever the entries are.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]
Reducer = Callable[[Tensor], Tensor]
"""[tensors, entries] → [tensors]"""

SMALL = 1 << 13
"""Entries up to which copying tensors side by side is cheaper than a call for each."""

SAFE_LOW, SAFE_HIGH = 1e-25, 1e35
"""Sums of float32 squares in here are right to ~1e-6: what underflowed in them is negligible."""

CANCELLATION = 1e-4
"""A variance below this share of the mean square has lost too many digits to float32."""


class Moments(NamedTuple):
    """Per tensor: number of entries, mean, std (population) and L2 norm, each float64 [tensors]."""

    size: Floats
    mean: Floats
    std: Floats
    norm: Floats


def norms(tensors: Sequence[Tensor]) -> Floats:
    """The L2 norm of each tensor, float64 [tensors]; NaN or inf where entries are."""
    (sums,) = reduce(tensors, square_sum)
    found = np.sqrt(sums)
    for i in np.flatnonzero(~((sums > SAFE_LOW) & (sums < SAFE_HIGH))).tolist():
        found[i] = exact_norm(tensors[i])
    return found


def moments(tensors: Sequence[Tensor], near: Floats | None = None) -> Moments:
    """Mean, std and norm of each tensor.

    Args:
        near: a guess of each mean; sums around it cancel less.
    """
    size = np.array([tensor.numel() for tensor in tensors], np.float64)
    near = np.zeros(len(tensors)) if near is None else near
    total, squares = reduce(tensors, _sum, square_sum, minus=near)
    with np.errstate(all="ignore"):
        offset, mean_square = total / size, squares / size
        variance = mean_square - offset**2
        spoilt = ~((squares > SAFE_LOW) & (squares < SAFE_HIGH)) | (
            variance < CANCELLATION * mean_square
        )
        mean, std = near + offset, np.sqrt(np.maximum(variance, 0))
        norm = np.sqrt(size) * np.hypot(mean, std)
    for i in np.flatnonzero(spoilt).tolist():
        mean[i], std[i], norm[i] = exact_moments(tensors[i])
    return Moments(size, mean, std, norm)


def share(tensors: Sequence[Tensor], test: Callable[[Tensor], Tensor]) -> Floats:
    """The share of entries that pass an elementwise test, float64 [tensors]."""
    # Summing truth values as numbers of the tensor's type is ten times faster than counting them.
    (counts,) = reduce(tensors, lambda rows: test(rows).to(rows.dtype).sum(1))
    return counts / np.array([tensor.numel() for tensor in tensors], np.float64)


def reduce(
    tensors: Sequence[Tensor], *reducers: Reducer, minus: Floats | None = None
) -> list[Floats]:
    """Each reducer's number for each tensor, in one transfer: float64 [tensors] per reducer.

    Args:
        minus: what to take off each tensor's entries first.
    """
    order: list[int] = []
    parts: list[list[Tensor]] = [[] for _ in reducers]
    for rows, matrix in _side_by_side(tensors):
        if minus is not None and minus[rows].any():
            matrix = matrix - torch.from_numpy(minus[rows, None]).to(matrix)
        order += rows
        for part, reducer in zip(parts, reducers, strict=True):
            part.append(reducer(matrix))
    if not order:
        return [np.empty(0) for _ in reducers]
    numbers = torch.cat([number for part in parts for number in part])
    found = np.empty((len(reducers), len(tensors)))
    found[:, order] = numbers.detach().cpu().numpy().reshape(len(reducers), -1)
    return list(found)


def square_sum(rows: Tensor) -> Tensor:
    """Σx² of each row, in the tensor's type."""
    if len(rows) == 1:
        return torch.dot(rows[0], rows[0]).reshape(1)
    sums: Tensor = torch.linalg.vecdot(rows, rows)
    return sums


def _sum(rows: Tensor) -> Tensor:
    return rows.sum(1)


def _side_by_side(tensors: Sequence[Tensor]) -> Iterator[tuple[list[int], Tensor]]:
    """Indices and matrix [tensors, entries]: small ones of a size together, others alone."""
    sizes: dict[int, list[int]] = {}
    for i, tensor in enumerate(tensors):
        sizes.setdefault(tensor.numel(), []).append(i)
    for size, rows in sizes.items():
        if size <= SMALL and len(rows) > 1:
            yield rows, torch.stack([tensors[i].reshape(-1) for i in rows])
        else:
            for i in rows:
                yield [i], tensors[i].reshape(1, -1)


def exact_norm(tensor: Tensor) -> float:
    """The L2 norm in float64, rescaled by the largest entry: right at any scale."""
    exact = tensor.detach().double()
    largest = float(exact.abs().max()) if exact.numel() else 0.0
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * float(torch.linalg.vector_norm(exact / largest))


def exact_moments(tensor: Tensor) -> tuple[float, float, float]:
    """Mean, std and norm in float64, at any scale."""
    exact = tensor.detach().double()
    largest = float(exact.abs().max()) if exact.numel() else 0.0
    if largest == 0 or not math.isfinite(largest):
        return float(exact.mean()), largest, largest
    scaled = exact / largest
    std, mean = torch.std_mean(scaled, correction=0)
    return float(mean) * largest, float(std) * largest, exact_norm(exact)


def cosine(before: Sequence[Tensor], after: Sequence[Tensor]) -> float:
    """The cosine between two lists of tensors taken as one vector each; NaN if either is 0."""
    pairs = list(zip(before, after, strict=True))
    product = sum(float((a.double() * b.double()).sum()) for a, b in pairs)
    size = global_norm(norms(before)) * global_norm(norms(after))
    return product / size if 0 < size < math.inf else math.nan


def nonfinite(tensor: Tensor) -> int:
    """How many entries are NaN or infinite."""
    return int(tensor.numel() - torch.isfinite(tensor).sum())


def global_norm(norms: Floats) -> float:
    """The norm of several tensors taken together, from their norms."""
    return exact_norm(torch.from_numpy(norms))
