"""Tensor → number: the reductions behind every measurement, in one room.

On a CPU they are native passes (``kernels``). On other devices and for other types each is a fast
pass in the tensor's own type, small tensors of one size together; a result that the type's range
may have spoilt (squares of entries below ~1e-23 underflow in float32, above ~1e19 overflow) is
computed again in float64, so that norms are right wherever the entries are.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diagnostics.engine import kernels
from diagnostics.engine.kernels import COUNT, OUTSIDE, SHIFT, SQUARES, TOTAL, ZEROS

Floats = NDArray[np.float64]
Reducer = Callable[[Tensor], Tensor]
"""[tensors, entries] → [tensors]"""

NATIVE = (torch.float32, torch.float64)
HALF = (torch.float16, torch.bfloat16)

ALL_ENTRIES = 1 << 62

SMALL = 1 << 13
"""Entries up to which copying tensors side by side is cheaper than a call for each."""

SAFE_LOW, SAFE_HIGH = 1e-25, 1e35
"""Sums of float32 squares in here are right to ~1e-6: what underflowed in them is negligible."""

TINY, HUGE = 1e-140, 1e140
"""Numbers whose squares are far from the ends of float64."""

CANCELLATION = 1e-4
"""A variance below this share of the mean square has lost too many digits to float32."""


def is_native(tensor: Tensor) -> bool:
    """Whether the kernels can read it, once it is contiguous."""
    return tensor.is_cpu and tensor.dtype in NATIVE and tensor.layout == torch.strided


def norm(tensor: Tensor) -> float:
    """The L2 norm of one tensor; NaN or inf where entries are."""
    if not is_native(tensor):
        return exact_norm(tensor)
    plain = _contiguous(tensor)
    wide = plain.dtype == torch.float64
    return float(kernels.norm(plain.data_ptr(), plain.numel(), wide))


def norms(tensors: Sequence[Tensor]) -> Floats:
    """The L2 norm of each tensor, float64 [tensors]; NaN or inf where entries are."""
    if not len(tensors):
        return np.empty(0)
    wide = tensors[0].dtype == torch.float64
    if all(is_native(t) and (t.dtype == torch.float64) == wide for t in tensors):
        plain = [_contiguous(tensor) for tensor in tensors]
        found = np.empty(len(plain))
        kernels.norms(_addresses(plain), _sizes(plain), wide, found)
        return found
    return _norms_by_torch([_plain(tensor) for tensor in tensors])


def _contiguous(tensor: Tensor) -> Tensor:
    return tensor if tensor.is_contiguous() else tensor.detach().contiguous()


def _plain(tensor: Tensor) -> Tensor:
    """Dense, and in a type that holds sums."""
    dense = tensor.coalesce().values() if tensor.is_sparse else tensor
    return dense.float() if dense.dtype in HALF else dense


def _addresses(tensors: Sequence[Tensor]) -> NDArray[np.int64]:
    return np.array([tensor.data_ptr() for tensor in tensors], np.int64)


def _sizes(tensors: Sequence[Tensor]) -> NDArray[np.int64]:
    return np.array([tensor.numel() for tensor in tensors], np.int64)


class Spread(NamedTuple):
    """Mean, std (population) and the shares of zeros and of entries out of range, [rows]."""

    mean: Floats
    std: Floats
    zeros: Floats
    outside: Floats


class Tally:
    """Running sums over what is seen of each of several layers."""

    def __init__(self, rows: int) -> None:
        self._rows = np.zeros((rows, len(kernels.TALLY)))

    def add(self, i: int, tensor: Tensor, span: tuple[float, float]) -> bool:
        """Add a tensor to a row; False once the row's sums are not finite."""
        if not is_native(tensor):
            return self._add_by_torch(self._rows[i], _plain(tensor.detach()), *span)
        plain = _contiguous(tensor)
        wide = plain.dtype == torch.float64
        return bool(kernels.tally(plain.data_ptr(), plain.numel(), wide, *span, self._rows, i))

    def _add_by_torch(self, row: Floats, h: Tensor, low: float, high: float) -> bool:
        if row[COUNT] == 0 and h.numel():
            row[SHIFT] = float(h.reshape(-1)[0])
        off = h.double() - row[SHIFT]
        sums = [off.sum(), off.square().sum(), (h == 0).sum(), ((h < low) | (h > high)).sum()]
        row[TOTAL : OUTSIDE + 1] += torch.stack([part.double() for part in sums]).cpu().numpy()
        row[COUNT] += h.numel()
        return math.isfinite(row[SQUARES])

    def clear(self, i: int | slice = slice(None)) -> None:
        """Forget one row, or all."""
        self._rows[i] = 0.0

    def read(self) -> Spread:
        """NaN where nothing was seen."""
        with np.errstate(all="ignore"):
            size = self._rows[:, COUNT]
            offset = self._rows[:, TOTAL] / size
            variance = self._rows[:, SQUARES] / size - offset**2
            return Spread(
                self._rows[:, SHIFT] + offset,
                np.sqrt(np.maximum(variance, 0)),
                self._rows[:, ZEROS] / size,
                self._rows[:, OUTSIDE] / size,
            )


class Updates:
    """What a step makes of weights: kept before it, compared after it.

    Of a weight with more than ``most`` entries evenly spread ones are looked at, at a stride that
    meets every column.
    """

    def __init__(self, weights: Sequence[Tensor], most: int = ALL_ENTRIES) -> None:
        self._weights = weights
        self._strides = np.array([_stride(weight, most) for weight in weights], np.int64)
        self._full = _sizes(weights)
        self._sizes = -(-self._full // self._strides)
        self._before: list[Tensor] = []

    def remember(self) -> None:
        """Keep the weights as they are."""
        if not self._before:
            self._before = [s.detach().clone() for s in self._seen()]
        elif self._native():
            source, target = _addresses(self._weights), _addresses(self._before)
            kernels.copy(source, target, self._sizes, self._strides)
        else:
            torch._foreach_copy_(self._before, [s.detach() for s in self._seen()])

    def read(self) -> Floats:
        """For each weight its entries, those looked at, and the sums of ``kernels.change``.

        [weights, 6]; NaN before anything was kept.
        """
        sums = np.full((len(self._weights), kernels.CHANGE), np.nan)
        if self._before and self._native():
            before, after = _addresses(self._before), _addresses(self._weights)
            kernels.change(before, after, self._sizes, self._strides, sums)
        elif self._before:
            now = [_plain(s.detach()) for s in self._seen()]
            old = [_plain(before) for before in self._before]
            sums[:] = np.column_stack([*_sums(now), *_sums(torch._foreach_sub(now, old))])
        return np.column_stack([self._full, self._sizes, sums])

    def _native(self) -> bool:
        every = (*self._weights, *self._before)
        return all(t.is_cpu and t.dtype == torch.float32 and t.is_contiguous() for t in every)

    def _seen(self) -> list[Tensor]:
        """The entries looked at."""
        strides = self._strides.tolist()
        return [
            w if s == 1 else w.reshape(-1)[::s] for w, s in zip(self._weights, strides, strict=True)
        ]


def _sums(tensors: Sequence[Tensor]) -> tuple[Floats, Floats]:
    """Σx and Σx² of each tensor."""
    found = moments(tensors)
    return found.mean * found.size, found.norm**2


def _stride(weight: Tensor, most: int) -> int:
    stride = max(1, -(-weight.numel() // most))
    while stride > 1 and math.gcd(stride, weight.shape[-1]) > 1:
        stride += 1
    return stride


def _norms_by_torch(tensors: Sequence[Tensor]) -> Floats:
    (sums,) = reduce(tensors, square_sum)
    found = np.sqrt(sums)
    for i in np.flatnonzero(~((sums > SAFE_LOW) & (sums < SAFE_HIGH))).tolist():
        found[i] = exact_norm(tensors[i])
    return found


class Moments(NamedTuple):
    """Per tensor: number of entries, mean, std (population) and L2 norm, each float64 [tensors]."""

    size: Floats
    mean: Floats
    std: Floats
    norm: Floats


def moments(tensors: Sequence[Tensor]) -> Moments:
    """Mean, std and norm of each tensor, by torch."""
    size = np.array([tensor.numel() for tensor in tensors], np.float64)
    total, squares = reduce(tensors, _sum, square_sum)
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
    return Moments(size, mean, std, norm)


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
    exact = _plain(tensor.detach()).double()
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
    with np.errstate(all="ignore"):
        found = math.sqrt(float(norms @ norms))
    if TINY < found < HUGE:
        return found
    return exact_norm(torch.from_numpy(norms))
