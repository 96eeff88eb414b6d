"""What steps make of weights."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from diagnostics.engine.measure import gate, kernels, portable
from diagnostics.engine.measure.kernels import CHANGE, Floats, Ints, Records
from diagnostics.engine.measure.reductions import ALL_ENTRIES, FLOATS, KIND, addresses
from diagnostics.engine.measure.running import Memory

Written = tuple[int, int]
"""Changes with every write that torch counts, and with a tensor put in a weight's place."""

ELSEWHERE = -1

OF_STEPS = ["moved", "moved_squares", "along", "last_squares", "surprise"]
"""What nobody knows of a weight that nothing moved."""


class Shelf:
    """Entries that are kept of each weight.

    Attributes:
        tensors: [weights]; None where nothing is kept.
        addresses: where they lie, [weights]; 0 where nothing is kept, and ``ELSEWHERE`` where
            kernels may not read it.
    """

    def __init__(self, weights: int) -> None:
        self.tensors: list[Tensor | None] = [None] * weights
        self.addresses = np.zeros(weights, np.int64)

    def put(self, k: int, tensor: Tensor | None) -> None:
        """Keep a tensor, or nothing."""
        self.tensors[k] = tensor
        if tensor is None:
            self.addresses[k] = 0
        else:
            self.addresses[k] = tensor.data_ptr() if _plain((tensor,)) else ELSEWHERE

    def of(self, rows: list[int]) -> list[Tensor]:
        """What is kept of some weights."""
        return [one for k in rows if (one := self.tensors[k]) is not None]

    def make_room(self, rows: list[int], sizes: Ints) -> Ints:
        """Where their entries lie, of which there are so many; 0 as yet where none were kept."""
        found = self.addresses[rows]
        if not found.all():
            for k in rows:
                if self.tensors[k] is None:
                    self.put(k, torch.zeros(int(sizes[k]), dtype=torch.float32, device="cpu"))
            found = self.addresses[rows]
        return found


class Updates:
    """What a step makes of weights: kept before it, compared after it.

    Of a weight with more than ``most`` entries evenly spread ones are looked at, at a stride that
    meets every column. What came after one step is what was before the next, unless somebody
    wrote to a weight; a write to its ``.data``, of which torch keeps no count, is taken to be part
    of the next step. Beside it the last update is kept, an entry for each that is looked at.

    Attributes:
        rows: of ``CHANGE``, [weights]; what no step moved has no sums of changes.
        last: the last update of each weight that was measured.
    """

    def __init__(self, weights: Sequence[Tensor], most: int = ALL_ENTRIES) -> None:
        self._whole = weights
        self._weights = weights = [gate.local(weight) for weight in weights]
        self._most = most
        self._strides, self._sizes = np.ones((2, len(weights)), np.int64)
        self.rows = np.full(len(weights), np.nan, CHANGE)
        self._before, self.last = Shelf(len(weights)), Shelf(len(weights))
        self._kept: list[Written | None] = [None] * len(weights)
        self._counts = [-1] * len(weights)
        self._fit(list(range(len(weights))))
        self._moved = np.zeros(len(weights), np.bool_)

    def remember(self, which: Ints) -> None:
        """Keep some weights as they are."""
        rows = which.tolist()
        self._fit(rows)
        if all(self._kept[k] == _written(self._whole[k]) for k in rows):
            return
        if not self._native(rows):
            for k in rows:
                self._before.put(k, self._copy_of(k))
            return
        before = self._before.make_room(rows, self._sizes)
        now = addresses([self._weights[k] for k in rows])
        kernels.copy(now, before, self._sizes[which], self._strides[which])

    def weigh(self, which: Ints, memories: Sequence[Memory | None]) -> None:
        """Right after a step, before it is read: its gradients by what is left of those before.

        Args:
            memories: of each of these weights.
        """
        self._fit(which.tolist())
        self.rows["surprise"][which] = np.nan
        kept, pairs = self._before.tensors, zip(which.tolist(), memories, strict=True)
        known = {k: one for k, one in pairs if one is not None and kept[k] is not None}
        if known:
            rows, found = self._surprises(known)
            self.rows["surprise"][rows] = found

    def _surprises(self, known: Mapping[int, Memory]) -> tuple[list[int], Floats]:
        rows, memories = list(known), list(known.values())
        gradients, squares = [one.gradient for one in memories], [one.squares for one in memories]
        if self._native(rows) and _plain((*gradients, *squares)):
            return rows, kernels.surprises(
                addresses(gradients), addresses(squares), self._before.addresses[rows],
                self._sizes[rows], self._strides[rows], portable.told(memories),
            )  # fmt: skip
        seen = {
            k: (self._seen(k, one.gradient), self._seen(k, one.squares)) for k, one in known.items()
        }
        there = {k: (g, v) for k, (g, v) in seen.items() if g is not None and v is not None}
        rows = list(there)
        g, v = ([pair[i] for pair in there.values()] for i in (0, 1))
        try:
            told = portable.told([known[k] for k in rows])
            return rows, portable.surprises(g, v, self._before.of(rows), told)
        except gate.BARRED:
            return [], np.empty(0)

    def read(self, which: Ints) -> None:
        """A step was made that may have moved these."""
        self._moved[which] = True
        self._compare(which, self.last)

    def finish(self) -> Records:
        """The step is over: weights that nothing moved are known as well, but no update of them."""
        if not self._moved.all():
            rest = np.flatnonzero(~self._moved)
            self.remember(rest)
            self._compare(rest, Shelf(len(self._weights)))
            for key in OF_STEPS:
                self.rows[key][rest] = np.nan
        self._moved.fill(False)
        return self.rows

    def pause(self) -> None:
        """Steps will be taken that nobody looks at."""
        self._kept = [None] * len(self._weights)

    def _fit(self, rows: list[int]) -> None:
        """A weight that was given another size, as where it is pruned, begins anew."""
        for k in rows:
            if (count := self._weights[k].numel()) != self._counts[k]:
                self._begin(k, count)

    def _begin(self, k: int, count: int) -> None:
        weight = self._weights[k]
        self._counts[k], self._strides[k] = count, _stride(weight, self._most)
        full = count * (2 if weight.is_complex() else 1)
        self._sizes[k] = -(-full // self._strides[k])
        self.rows[k] = np.nan
        self.rows["entries"][k], self.rows["seen"][k] = full, self._sizes[k]
        self._before.put(k, None)
        self.last.put(k, None)
        self._kept[k] = None

    def _compare(self, which: Ints, last: Shelf) -> None:
        """Weights with what they were, and updates with the last ones, which they become."""
        rows = which.tolist()
        native = self._native(rows) and self._before.addresses[which].all()
        if native:
            self._compare_by_kernel(which, last)
        else:
            self._compare_by_torch(rows, last)
        for k in rows:
            self._kept[k] = _written(self._whole[k])

    def _compare_by_kernel(self, which: Ints, last: Shelf) -> None:
        rows = which.tolist()
        kernels.change(
            which, self._before.addresses, addresses([self._weights[k] for k in rows]),
            last.make_room(rows, self._sizes), self._sizes, self._strides, self.rows,
        )  # fmt: skip

    def _compare_by_torch(self, rows: list[int], last: Shelf) -> None:
        kept = self._before.tensors
        seen = {k: self._seen(k, self._weights[k]) for k in rows if kept[k] is not None}
        there = {k: now for k, now in seen.items() if now is not None}
        known = list(there)
        try:
            found, entries, moved = portable.changes(
                list(there.values()), self._before.of(known), [last.tensors[k] for k in known]
            )
        except gate.BARRED:
            self._lose(known)
            return
        for key, sums in found.items():
            self.rows[key][known] = sums
        for k, now, off in zip(known, entries, moved, strict=True):
            self._before.put(k, now)
            last.put(k, off)

    def _native(self, rows: list[int]) -> bool:
        """Whether weights lie as kernels want them, and what was kept of them does."""
        apart = ELSEWHERE in self._before.addresses or ELSEWHERE in self.last.addresses
        return not apart and _plain([self._weights[k] for k in rows])

    def _seen(self, k: int, tensor: Tensor) -> Tensor | None:
        """The entries looked at of a weight, or of what belongs to it; None if it can't be read."""
        known = gate.readable(tensor)
        return None if known is None else self._some_of(k, known)

    def _copy_of(self, k: int) -> Tensor | None:
        try:
            gate.refuse_captured([self._weights[k]])
            seen = self._seen(k, self._weights[k])
            return None if seen is None else seen.clone()
        except gate.BARRED:
            return None

    def _lose(self, rows: list[int]) -> None:
        """Of these something wasn't seen: they begin anew."""
        for k in rows:
            self._begin(k, self._counts[k])

    def _some_of(self, k: int, tensor: Tensor) -> Tensor:
        stride = int(self._strides[k])
        return tensor.reshape(-1) if stride == 1 else tensor.reshape(-1)[::stride]


def _plain(tensors: Sequence[Tensor]) -> bool:
    """Whether kernels may read all."""
    return (
        FLOATS.issuperset(map(KIND, tensors))
        and gate.lie_plainly(tensors)
        and all(map(Tensor.is_contiguous, tensors))
    )


def _written(weight: Tensor) -> Written:
    """Looking costs less than copying; so what ``change`` kept needn't be kept again."""
    return weight._version, weight.data_ptr() if type(weight) in gate.PLAIN else id(weight)


def _stride(weight: Tensor, most: int) -> int:
    stride = max(1, -(-weight.numel() // most))
    while stride > 1 and math.gcd(stride, weight.shape[-1]) > 1:
        stride += 1
    return stride
