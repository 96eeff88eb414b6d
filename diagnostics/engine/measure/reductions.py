"""Tensor → number: the reductions behind every measurement, in one room.

What lies in a CPU's memory as float32 or float64 is read by native passes (``kernels``), all else
by torch (``portable``).
"""

import math
from collections.abc import Sequence
from itertools import compress
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from diagnostics.engine.measure import gate, kernels, portable
from diagnostics.engine.measure.kernels import SIZE, TALLY, Floats, Ints, Records, Stretches
from diagnostics.engine.measure.layers import EVERYWHERE
from diagnostics.subject.activations import Span

KIND = attrgetter("is_cpu", "dtype", "layout", "is_nested")
FLOATS = {(True, torch.float32, torch.strided, False)}
NATIVE = FLOATS | {(True, torch.float64, torch.strided, False)}
"""Kinds of tensors that kernels read, once they are contiguous."""
ALL_ENTRIES = 1 << 62


class Gathered(NamedTuple):
    """Tensors, each of some row, sorted by who can read them.

    ``kept`` holds the memory that ``stretches`` points to; ``others`` are left to torch. Rows of
    what can't be read at all are ``unread``, with the class that says why.
    """

    stretches: Stretches
    kept: Sequence[Tensor]
    other_rows: list[int]
    others: list[Tensor]
    unread: list[tuple[int, str]]


def gather(rows: Sequence[int], tensors: Sequence[Tensor]) -> Gathered:
    """Sort tensors by who can read them."""
    other_rows: list[int] = []
    others: list[Tensor] = []
    unread: list[tuple[int, str]] = []
    kinds = set(map(KIND, tensors))
    if not (NATIVE.issuperset(kinds) and gate.lie_plainly(tensors)):
        rows, tensors, unread = _readable(rows, tensors)
        native = [KIND(tensor) in NATIVE for tensor in tensors]
        foreign = [not one for one in native]
        other_rows, others = list(compress(rows, foreign)), list(compress(tensors, foreign))
        rows, tensors = list(compress(rows, native)), list(compress(tensors, native))
    if not all(map(Tensor.is_contiguous, tensors)):
        tensors = [tensor.detach().contiguous() for tensor in tensors]
    wide = np.zeros(len(tensors), np.bool_)
    if not FLOATS.issuperset(kinds):
        wide[:] = [tensor.dtype is torch.float64 for tensor in tensors]
    stretches = Stretches(np.array(rows, np.int64), addresses(tensors), _sizes(tensors), wide)
    return Gathered(stretches, tensors, other_rows, others, unread)


def _readable(
    rows: Sequence[int], tensors: Sequence[Tensor]
) -> tuple[list[int], list[Tensor], list[tuple[int, str]]]:
    """Rows and tensors that can be read, as what they can be read as, and the others' classes."""
    pairs = [(row, t, gate.readable(t)) for row, t in zip(rows, tensors, strict=True)]
    unread = [(row, gate.name_of(tensor)) for row, tensor, found in pairs if found is None]
    known = [(row, found) for row, _, found in pairs if found is not None]
    return [row for row, _ in known], [found for _, found in known], unread


def addresses(tensors: Sequence[Tensor]) -> Ints:
    """Where each tensor lies, [tensors]."""
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
    """Rows of ``SIZE``; what is added to a row is one vector with it.

    Args:
        tails: whether the largest entries are looked at as well, and those below normal range.
    """

    def __init__(self, rows: int, tails: bool = False) -> None:
        self._tails = tails
        self._plain, self.rows = named(rows, SIZE)

    @property
    def values(self) -> Floats:
        """L2 norms, [rows]."""
        return self.rows["norm"]

    @property
    def entries(self) -> Floats:
        """How many were seen, [rows]."""
        return self.rows["entries"]

    def fit(self, rows: int) -> None:
        """Have room for so many rows."""
        missing = rows - len(self._plain)
        if missing > 0:
            room = np.zeros((missing + len(self._plain), self._plain.shape[1]))
            self._plain = np.concatenate([self._plain, room])
            self.rows = self._plain.view(SIZE)[:, 0]

    def add(self, these: Gathered) -> bool:
        """Take tensors into their rows; whether all of them are known to be finite."""
        read = kernels.tails if self._tails else kernels.norms
        finite = bool(read(*these.stretches, self.rows))
        if these.others:
            try:
                finite &= portable.sizes(these.other_rows, these.others, self._tails, self.rows)
            except gate.BARRED:
                finite = False
                self._plain[these.other_rows] = np.nan
                self.entries[these.other_rows] = list(map(Tensor.numel, these.others))
        self.lose([row for row, _ in these.unread])
        return finite

    def take(self, rows: list[int], sizes: Records) -> None:
        """Rows as somebody else has summed them up."""
        self.fit(max(rows, default=-1) + 1)
        self.rows[rows] = sizes

    def lose(self, rows: list[int]) -> None:
        """Of these something wasn't seen: nothing can be said of them until ``clear``."""
        self.entries[rows] = np.nan

    def clear(self) -> None:
        """Begin anew."""
        self._plain.fill(0.0)


class Tally:
    """Running sums over what is seen at each of several calls: rows of ``TALLY``, [calls].

    Args:
        layers: how many layers may be called.
    """

    def __init__(self, layers: int) -> None:
        self._plain, self.rows = named(0, TALLY)
        self._active = np.zeros(layers, np.bool_)
        self._low, self._high = (np.full(layers, end) for end in EVERYWHERE)
        self._pooled_plain, self._pooled = named(layers, TALLY)

    def activate(self, layer: int, calls: list[int], span: Span | None) -> None:
        """From now on what is seen is an activation, with its linear range where it has one."""
        self._fit(max(calls, default=-1) + 1)
        self._plain[calls] = 0.0
        self._active[layer] = True
        self._low[layer], self._high[layer] = span or EVERYWHERE

    def add(self, these: Gathered, layers: Ints) -> bool:
        """Add tensors to their calls; whether all sums are known, and still finite.

        Args:
            layers: of each call so far, the layer.
        """
        self._fit(len(layers))
        finite = bool(kernels.tallies(*these.stretches, layers, self._low, self._high, self.rows))
        if these.others:
            try:
                finite &= self._add_others(these.other_rows, these.others, layers)
            except gate.BARRED as bar:
                finite = False
                these.unread.extend((row, gate.why(bar)) for row in these.other_rows)
        self.lose([row for row, _ in these.unread])
        return finite

    def _add_others(self, calls: list[int], tensors: list[Tensor], layers: Ints) -> bool:
        owner = layers[calls]
        portable.tally(calls, tensors, self._low[owner], self._high[owner], self.rows)
        return bool(np.isfinite(self.rows["squares"][calls]).all())

    def take(self, calls: list[int], rows: Records) -> None:
        """Rows as somebody else has summed them up."""
        self._fit(max(calls, default=-1) + 1)
        self.rows[calls] = rows

    def _fit(self, calls: int) -> None:
        missing = calls - len(self._plain)
        if missing > 0:
            room = np.zeros((len(self._plain) + missing, self._pooled_plain.shape[1]))
            self._plain = np.concatenate([self._plain, room])
            self.rows = self._plain.view(TALLY)[:, 0]

    def lose(self, calls: list[int]) -> None:
        """Of these something wasn't seen: nothing can be said of them until ``clear``."""
        self._fit(max(calls, default=-1) + 1)
        self.rows["count"][calls] = np.nan

    def pooled(self, calls: Ints, layers: Ints) -> Records:
        """What some calls come to, together for each layer."""
        self._fit(len(layers))
        self._pooled_plain.fill(0.0)
        kernels.pool(self.rows, calls, layers, self._pooled)
        return self._pooled

    def write(self, out: Records) -> None:
        """What was pooled, into rows of metrics."""
        kernels.activations(self._pooled, self._active, self._low, out)

    def clear(self) -> None:
        """Begin anew."""
        self._plain.fill(0.0)


def cosine(before: Sequence[Tensor], after: Sequence[Tensor]) -> float:
    """The cosine between two lists of tensors taken as one vector each; NaN if either is 0."""
    pairs = list(zip(before, after, strict=True))
    product = sum(float((a.double() * b.double()).sum()) for a, b in pairs)
    size = global_norm(norms(before)) * global_norm(norms(after))
    return product / size if 0 < size < math.inf else math.nan


def global_norm(norms: Floats) -> float:
    """The norm of several tensors taken together, from their norms."""
    return float(kernels.together(norms))
