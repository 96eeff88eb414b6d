"""Tensor → number: the reductions behind every measurement, in one room.

What lies in a CPU's memory as float32 or float64 is read by native passes (``kernels``), all else
by torch (``portable``).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from diagnostics.engine import kernels, portable
from diagnostics.engine.kernels import Floats, Ints, Stretches

NATIVE = (torch.float32, torch.float64)
ALL_ENTRIES = 1 << 62

TINY, HUGE = 1e-140, 1e140
"""Numbers whose squares are far from the ends of float64."""


class Gathered(NamedTuple):
    """Tensors, each of some row, sorted by who can read them.

    ``kept`` holds the memory that ``stretches`` points to; ``others`` are left to torch.
    """

    stretches: Stretches
    kept: list[Tensor]
    other_rows: list[int]
    others: list[Tensor]


def gather(rows: Sequence[int], tensors: Sequence[Tensor]) -> Gathered:
    """Sort tensors by who can read them."""
    own_rows: list[int] = []
    kept: list[Tensor] = []
    other_rows: list[int] = []
    others: list[Tensor] = []
    strided = torch.strided
    for i, tensor in zip(rows, tensors, strict=True):
        if tensor.is_cpu and tensor.dtype in NATIVE and tensor.layout is strided:
            own_rows.append(i)
            kept.append(tensor if tensor.is_contiguous() else tensor.detach().contiguous())
        else:
            other_rows.append(i)
            others.append(tensor)
    return Gathered(_stretches(own_rows, kept), kept, other_rows, others)


def _stretches(rows: list[int], tensors: list[Tensor]) -> Stretches:
    wide = [tensor.dtype is torch.float64 for tensor in tensors]
    return Stretches(
        np.array(rows, np.int64), _addresses(tensors), _sizes(tensors), np.array(wide, np.bool_)
    )


def _addresses(tensors: Sequence[Tensor]) -> Ints:
    return np.array([tensor.data_ptr() for tensor in tensors], np.int64)


def _sizes(tensors: Sequence[Tensor]) -> Ints:
    return np.array([tensor.numel() for tensor in tensors], np.int64)


def norms(tensors: Sequence[Tensor]) -> Floats:
    """The L2 norm of each tensor, float64 [tensors]; NaN or inf where entries are."""
    found = np.zeros(len(tensors))
    add_norms(range(len(tensors)), tensors, found)
    return found


def add_norms(rows: Sequence[int], tensors: Sequence[Tensor], out: Floats) -> bool:
    """Take tensors into rows of norms, as parts of one vector each; whether all are finite."""
    these = gather(rows, tensors)
    finite = bool(kernels.norms(*these.stretches, out))
    if these.others:
        found = portable.norms(these.others)
        finite &= bool(np.isfinite(found).all())
        for i, norm in zip(these.other_rows, found, strict=True):
            out[i] = np.hypot(out[i], norm)
    return finite


class Tally:
    """Running sums over what is seen of each of several layers, ``kernels.TALLY``.

    Attributes:
        low, high: the range of each layer outside of which entries are counted, [layers].
        sums: [layers, 6]
    """

    def __init__(self, layers: int) -> None:
        self.low, self.high = np.full(layers, -math.inf), np.full(layers, math.inf)
        self.sums = np.zeros((layers, len(kernels.TALLY)))

    def add(self, these: Gathered) -> bool:
        """Add tensors to their layers; whether all sums are still finite."""
        finite = bool(kernels.tallies(*these.stretches, self.low, self.high, self.sums))
        if these.others:
            portable.tally(these.other_rows, these.others, self.low, self.high, self.sums)
            squares = self.sums[these.other_rows, kernels.SQUARES]
            finite &= bool(np.isfinite(squares).all())
        return finite


class Updates:
    """What a step makes of weights: kept before it, compared after it.

    Of a weight with more than ``most`` entries evenly spread ones are looked at, at a stride that
    meets every column.
    """

    def __init__(self, weights: Sequence[Tensor], most: int = ALL_ENTRIES) -> None:
        self._weights = weights
        self._strides = np.array([_stride(weight, most) for weight in weights], np.int64)
        full = _sizes(weights)
        self._sizes = -(-full // self._strides)
        self._before: list[Tensor] = []
        self.entries = np.column_stack([full, self._sizes]).astype(np.float64)
        """Of each weight, and how many of them are looked at, [weights, 2]."""

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
        """For each weight the sums of ``kernels.change``, [weights, 4]; NaN if nothing was kept."""
        sums = np.full((len(self._weights), kernels.CHANGE), np.nan)
        if self._before and self._native():
            before, after = _addresses(self._before), _addresses(self._weights)
            kernels.change(before, after, self._sizes, self._strides, sums)
        elif self._before:
            now = [portable.plain(s) for s in self._seen()]
            old = [portable.plain(before) for before in self._before]
            sums[:] = np.column_stack([*_sums(now), *_sums(torch._foreach_sub(now, old))])
        return sums

    def _native(self) -> bool:
        every = (*self._weights, *self._before)
        return all(t.is_cpu and t.dtype is torch.float32 and t.is_contiguous() for t in every)

    def _seen(self) -> list[Tensor]:
        """The entries looked at."""
        strides = self._strides.tolist()
        return [
            w if s == 1 else w.reshape(-1)[::s] for w, s in zip(self._weights, strides, strict=True)
        ]


def _sums(tensors: Sequence[Tensor]) -> tuple[Floats, Floats]:
    """Σx and Σx² of each tensor."""
    found = portable.moments(tensors)
    return found.mean * found.size, found.norm**2


def _stride(weight: Tensor, most: int) -> int:
    stride = max(1, -(-weight.numel() // most))
    while stride > 1 and math.gcd(stride, weight.shape[-1]) > 1:
        stride += 1
    return stride


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
    return portable.exact_norm(torch.from_numpy(norms))
