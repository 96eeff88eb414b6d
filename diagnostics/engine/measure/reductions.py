"""Tensor → number: the reductions behind every measurement, in one room.

What lies in a CPU's memory as float32 or float64 is read by native passes (``kernels``), all else
by torch (``portable``).
"""

import math
from collections.abc import Sequence
from itertools import compress
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from diagnostics.engine.measure import kernels, portable
from diagnostics.engine.measure.kernels import CHANGE, TALLY, Floats, Ints, Records, Stretches
from diagnostics.engine.measure.layers import EVERYWHERE
from diagnostics.subject.activations import Span

KIND = attrgetter("is_cpu", "dtype", "layout")
VERSION = attrgetter("_version")
FLOATS = {(True, torch.float32, torch.strided)}
NATIVE = FLOATS | {(True, torch.float64, torch.strided)}
"""Kinds of tensors that kernels read, once they are contiguous."""
ALL_ENTRIES = 1 << 62


class Gathered(NamedTuple):
    """Tensors, each of some row, sorted by who can read them.

    ``kept`` holds the memory that ``stretches`` points to; ``others`` are left to torch.
    """

    stretches: Stretches
    kept: Sequence[Tensor]
    other_rows: Sequence[int]
    others: Sequence[Tensor]


def gather(rows: Sequence[int], tensors: Sequence[Tensor]) -> Gathered:
    """Sort tensors by who can read them."""
    kinds = list(map(KIND, tensors))
    other_rows: Sequence[int] = ()
    others: Sequence[Tensor] = ()
    if not NATIVE.issuperset(kinds):
        native = [kind in NATIVE for kind in kinds]
        foreign = [not one for one in native]
        other_rows, others = list(compress(rows, foreign)), list(compress(tensors, foreign))
        rows, tensors = list(compress(rows, native)), list(compress(tensors, native))
        kinds = list(compress(kinds, native))
    if not all(map(Tensor.is_contiguous, tensors)):
        tensors = [tensor.detach().contiguous() for tensor in tensors]
    wide = np.array([kind[1] is torch.float64 for kind in kinds], np.bool_)
    stretches = Stretches(np.array(rows, np.int64), _addresses(tensors), _sizes(tensors), wide)
    return Gathered(stretches, tensors, other_rows, others)


def _addresses(tensors: Sequence[Tensor]) -> Ints:
    return np.array(list(map(Tensor.data_ptr, tensors)), np.int64)


def _sizes(tensors: Sequence[Tensor]) -> Ints:
    return np.array(list(map(Tensor.numel, tensors)), np.int64)


def norms(tensors: Sequence[Tensor]) -> Floats:
    """The L2 norm of each tensor, float64 [tensors]; NaN or inf where entries are."""
    found = Norms(len(tensors))
    found.add(gather(range(len(tensors)), tensors))
    return found.values


def named(rows: int, names: np.dtype[np.void]) -> tuple[Floats, Records]:
    """Numbers with names for a kernel, and the same memory without, which is cleared at once."""
    plain = np.zeros((rows, len(names.fields or ())))
    return plain, plain.view(names)[:, 0]


class Norms:
    """L2 norms and numbers of entries, [rows]; what is added to a row is one vector with it."""

    def __init__(self, rows: int) -> None:
        self.values, self.entries = np.zeros(rows), np.zeros(rows)

    def add(self, these: Gathered) -> bool:
        """Take tensors into their rows; whether all of them are finite."""
        finite = bool(kernels.norms(*these.stretches, self.values, self.entries))
        if these.others:
            found = portable.norms(these.others)
            finite &= bool(np.isfinite(found).all())
            for i, tensor, norm in zip(these.other_rows, these.others, found, strict=True):
                self.values[i] = np.hypot(self.values[i], norm)
                self.entries[i] += tensor.numel()
        return finite

    def lose(self, rows: list[int]) -> None:
        """Of these something wasn't seen: nothing can be said of them until ``clear``."""
        self.entries[rows] = np.nan

    def clear(self) -> None:
        """Begin anew."""
        self.values.fill(0.0)
        self.entries.fill(0.0)


class Tally:
    """Running sums over what is seen of each of several layers: ``rows`` of ``TALLY``, [layers]."""

    def __init__(self, layers: int) -> None:
        self._plain, self.rows = named(layers, TALLY)
        self._active = np.zeros(layers, np.bool_)
        self._low, self._high = (np.full(layers, end) for end in EVERYWHERE)

    def activate(self, layer: int, span: Span | None) -> None:
        """From now on what is seen is an activation, with its linear range where it has one."""
        self._plain[layer] = 0.0
        self._active[layer] = True
        self._low[layer], self._high[layer] = span or EVERYWHERE

    def add(self, these: Gathered) -> bool:
        """Add tensors to their layers; whether all sums are still finite."""
        finite = bool(kernels.tallies(*these.stretches, self._low, self._high, self.rows))
        if these.others:
            portable.tally(these.other_rows, these.others, self._low, self._high, self.rows)
            squares = self.rows["squares"][list(these.other_rows)]
            finite &= bool(np.isfinite(squares).all())
        return finite

    def lose(self, layers: list[int]) -> None:
        """Of these something wasn't seen: nothing can be said of them until ``clear``."""
        self.rows["count"][layers] = np.nan

    def write(self, out: Records) -> None:
        """What it comes to, into rows of metrics."""
        kernels.activations(self.rows, self._active, self._low, out)

    def clear(self) -> None:
        """Begin anew."""
        self._plain.fill(0.0)


class Updates:
    """What a step makes of weights: kept before it, compared after it.

    Of a weight with more than ``most`` entries evenly spread ones are looked at, at a stride that
    meets every column. What came after one step is what was before the next, unless somebody
    wrote to a weight; a write to its ``.data``, of which torch keeps no count, is taken to be part
    of the next step.
    """

    def __init__(self, weights: Sequence[Tensor], most: int = ALL_ENTRIES) -> None:
        self._weights = weights
        self._strides = np.array([_stride(weight, most) for weight in weights], np.int64)
        full = _sizes(weights)
        self._sizes = -(-full // self._strides)
        self._rows = np.full(len(weights), np.nan, CHANGE)
        self._rows["entries"], self._rows["seen"] = full, self._sizes
        self._before: list[Tensor] = []
        self._kinds: set[Any] = set()
        self._versions: list[Any] | None = None

    def remember(self) -> None:
        """Keep the weights as they are."""
        if self._versions is not None and self._versions == self._now():
            return
        if not self._before:
            self._before = [s.detach().clone() for s in self._seen()]
            self._kinds = set(map(KIND, self._before))
        elif self._native():
            source, target = _addresses(self._weights), _addresses(self._before)
            kernels.copy(source, target, self._sizes, self._strides)
        else:
            torch._foreach_copy_(self._before, [s.detach() for s in self._seen()])

    def read(self) -> Records:
        """A row of ``CHANGE`` for each weight; its sums are NaN as long as nothing was kept."""
        rows = self._rows
        if self._before and self._native():
            before, after = _addresses(self._before), _addresses(self._weights)
            kernels.change(before, after, self._sizes, self._strides, rows)
            self._versions = self._now()
        elif self._before:
            now = [portable.plain(s) for s in self._seen()]
            old = [portable.plain(before) for before in self._before]
            rows["sum"], rows["squares"] = _sums(now)
            rows["moved"], rows["moved_squares"] = _sums(torch._foreach_sub(now, old))
        return rows

    def pause(self) -> None:
        """Steps will be taken that nobody looks at."""
        self._versions = None

    def _now(self) -> list[Any]:
        """Changes with every write that torch counts, and with tensors put in a weight's place.

        Looking costs less than copying; so what ``change`` kept needn't be kept again.
        """
        return [*map(VERSION, self._weights), *map(Tensor.data_ptr, self._weights)]

    def _native(self) -> bool:
        """Whether weights lie as kernels want them; what was kept of them lies as they did."""
        kinds = set(map(KIND, self._weights))
        return kinds == FLOATS == self._kinds and all(map(Tensor.is_contiguous, self._weights))

    def _seen(self) -> list[Tensor]:
        """The entries looked at."""
        strides = self._strides.tolist()
        return [
            w if s == 1 else w.reshape(-1)[::s] for w, s in zip(self._weights, strides, strict=True)
        ]


def _sums(tensors: Sequence[Tensor]) -> tuple[Floats, Floats]:
    """Σx and Σx² of each tensor."""
    found, _ = portable.moments(tensors)
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
    return float(kernels.together(norms))
