"""What steps make of weights."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from diagnostics.engine.measure import gate, kernels
from diagnostics.engine.measure.kernels import CHANGE, Ints, Records
from diagnostics.engine.measure.reductions import ALL_ENTRIES, FLOATS, KIND, addresses

Written = tuple[int, int]
"""Changes with every write that torch counts, and with a tensor put in a weight's place."""


class Updates:
    """What a step makes of weights: kept before it, compared after it.

    Of a weight with more than ``most`` entries evenly spread ones are looked at, at a stride that
    meets every column. What came after one step is what was before the next, unless somebody
    wrote to a weight; a write to its ``.data``, of which torch keeps no count, is taken to be part
    of the next step.

    Attributes:
        rows: of ``CHANGE``, [weights]; what no step moved has no sums of changes.
    """

    def __init__(self, weights: Sequence[Tensor], most: int = ALL_ENTRIES) -> None:
        self._weights = weights
        self._strides = np.array([_stride(weight, most) for weight in weights], np.int64)
        full = np.array([w.numel() * (2 if w.is_complex() else 1) for w in weights], np.int64)
        self._sizes = -(-full // self._strides)
        self.rows = np.full(len(weights), np.nan, CHANGE)
        self.rows["entries"], self.rows["seen"] = full, self._sizes
        self._before: list[Tensor | None] = [None] * len(weights)
        self._kept: list[Written | None] = [None] * len(weights)
        self._moved = np.zeros(len(weights), np.bool_)

    def remember(self, which: Ints) -> None:
        """Keep some weights as they are."""
        if all(self._kept[k] == _written(self._weights[k]) for k in which.tolist()):
            return
        if not self._native(which):
            for k in which.tolist():
                seen = self._seen(k)
                self._before[k] = None if seen is None else seen.clone()
            return
        for k in which.tolist():
            if self._before[k] is None:
                self._before[k] = torch.empty(int(self._sizes[k]))
        kernels.copy(*self._addresses(which), self._sizes[which], self._strides[which])

    def read(self, which: Ints) -> None:
        """A step was made that may have moved these."""
        self._moved[which] = True
        self._compare(which)

    def finish(self) -> Records:
        """The step is over: weights that nothing moved are known as well, but no update of them."""
        rest = np.flatnonzero(~self._moved)
        if len(rest):
            self.remember(rest)
            self._compare(rest)
            self.rows["moved"][rest] = self.rows["moved_squares"][rest] = np.nan
        self._moved.fill(False)
        return self.rows

    def pause(self) -> None:
        """Steps will be taken that nobody looks at."""
        self._kept = [None] * len(self._weights)

    def _compare(self, which: Ints) -> None:
        rows = self.rows[which]
        if self._native(which) and all(self._before[k] is not None for k in which.tolist()):
            now, before = self._addresses(which)
            kernels.change(before, now, self._sizes[which], self._strides[which], rows)
            for k in which.tolist():
                self._kept[k] = _written(self._weights[k])
        else:
            for row, k in enumerate(which.tolist()):
                self._compare_by_torch(rows[row], k)
        self.rows[which] = rows

    def _compare_by_torch(self, row: Records, k: int) -> None:
        now, before = self._seen(k), self._before[k]
        if now is None or before is None:
            return
        now, before = now.double(), before.double()
        off = now - before
        row["sum"], row["squares"] = float(now.sum()), float(now.square().sum())
        row["moved"], row["moved_squares"] = float(off.sum()), float(off.square().sum())

    def _addresses(self, which: Ints) -> tuple[Ints, Ints]:
        pairs = [(self._weights[k], self._before[k]) for k in which.tolist()]
        now, before = zip(*pairs, strict=True) if pairs else ((), ())
        return addresses(now), addresses(before)

    def _native(self, which: Ints) -> bool:
        """Whether weights lie as kernels want them; what was kept of them lies as they did."""
        some = [self._weights[k] for k in which.tolist()]
        before = [b for b in (self._before[k] for k in which.tolist()) if b is not None]
        return (
            FLOATS.issuperset(map(KIND, (*some, *before)))
            and gate.PLAIN.issuperset(map(type, some))
            and all(map(Tensor.is_contiguous, some))
        )

    def _seen(self, k: int) -> Tensor | None:
        """The entries looked at of a weight; None where it can't be read."""
        weight = gate.readable(self._weights[k])
        return None if weight is None else weight.reshape(-1)[:: int(self._strides[k])]


def _written(weight: Tensor) -> Written:
    """Looking costs less than copying; so what ``change`` kept needn't be kept again."""
    return weight._version, weight.data_ptr() if type(weight) in gate.PLAIN else id(weight)


def _stride(weight: Tensor, most: int) -> int:
    stride = max(1, -(-weight.numel() // most))
    while stride > 1 and math.gcd(stride, weight.shape[-1]) > 1:
        stride += 1
    return stride
