"""Numbers that are not finite: where they were seen, in the order in which they were."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor, nn

from diagnostics.engine.measure import gate, portable
from diagnostics.engine.measure.kernels import Flags, Floats, Ints
from diagnostics.engine.measure.layers import Layer, own

NO_CALL = -1


class Suspect(NamedTuple):
    """Entries of one tensor that are not finite.

    Attributes:
        name: what the tensor is; a weight where the layer had such a weight already.
        call: the row of the call that it is of.
    """

    layer: int
    name: str
    entries: float
    call: int


class Suspects:
    """What was seen of a step; a call's counts once it is known to be part of training.

    Args:
        others: parameters of no layer.
    """

    def __init__(self, layers: Sequence[Layer], others: Sequence[nn.Parameter]) -> None:
        self._weights = [(i, p) for i, layer in enumerate(layers) for p in own(layer.linear)]
        self._layers, self._others = len(layers), list(others)
        self._found: list[Suspect] = []
        self._ill: tuple[list[int | None], Flags] | None = None

    def __len__(self) -> int:
        return len(self._found)

    def look(self, these: Sequence[tuple[int, str, Tensor, int]]) -> None:
        """Count what is not finite in tensors: each with its layer, its name and its call."""
        counts = _nonfinite([tensor for _, _, tensor, _ in these]).tolist()
        for (layer, name, _, call), entries in zip(these, counts, strict=True):
            self.add(layer, name, entries, call)

    def add(self, layer: int, name: str, entries: float, call: int) -> None:
        """So many entries of a tensor are not finite; NaN where there may be some."""
        if entries:
            name = "weight" if self._ill_layers()[layer] else name
            self._found.append(Suspect(layer, name, entries, call))

    def spoilt_weights(self) -> bool:
        """Whether a step left weights that are not finite; the next one shows them as its cause."""
        weights = _nonfinite([*(p for _, p in self._weights), *self._others])
        counts = self._by_layer(weights[: len(self._weights)])
        found = (Suspect(i, "", n, NO_CALL) for i, n in enumerate(counts.tolist()) if n)
        self._found.extend(found)
        return bool((weights > 0).any())

    def _ill_layers(self) -> Flags:
        """Which layers' weights are known to have such entries; looked at once for all of them."""
        marks = [gate.version_of(p) for _, p in self._weights]
        if self._ill is None or self._ill[0] != marks:
            counts = self._by_layer(np.nan_to_num(_nonfinite([p for _, p in self._weights])))
            self._ill = marks, counts > 0
        return self._ill[1]

    def _by_layer(self, counts: Floats) -> Floats:
        owners = np.array([i for i, _ in self._weights], np.int64)
        return np.asarray(np.bincount(owners, counts, self._layers), np.float64)

    def counts(self, calls: Ints) -> Floats:
        """Of each layer, how many entries were not finite, [layers]."""
        found = np.zeros(self._layers)
        for one in self._of(calls):
            found[one.layer] += one.entries
        return found

    def first(self, calls: Ints) -> tuple[int, str] | None:
        """The first that is known by its name."""
        return next(((one.layer, one.name) for one in self._of(calls) if one.name), None)

    def unused(self, calls: Ints) -> bool:
        """Whether there was any at a call that is not among these."""
        return len(self._of(calls)) < len(self._found)

    def clear(self) -> None:
        """A new step begins."""
        self._found, self._ill = [], None

    def _of(self, calls: Ints) -> list[Suspect]:
        known = {NO_CALL, *calls.tolist()}
        return [one for one in self._found if one.call in known]


def _nonfinite(tensors: Sequence[Tensor]) -> Floats:
    """How many entries of each are not finite; NaN where they can't be counted now."""
    known = [(k, one) for k, one in enumerate(map(gate.readable, tensors)) if one is not None]
    found = np.zeros(len(tensors))
    try:
        found[[k for k, _ in known]] = portable.nonfinite([one for _, one in known])
    except gate.BARRED:
        found[[k for k, _ in known]] = math.nan
    return found
