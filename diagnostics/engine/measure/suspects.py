"""Numbers that are not finite: where they were seen, in the order in which they were."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor, nn

from diagnostics.engine.measure import gate, portable
from diagnostics.engine.measure.kernels import Floats, Ints
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
        self._weights, self._others = [own(layer.linear) for layer in layers], others
        self._found: list[Suspect] = []

    def __len__(self) -> int:
        return len(self._found)

    def look(self, layer: int, name: str, tensor: Tensor, call: int = NO_CALL) -> None:
        """Count what is not finite in a tensor."""
        self.add(layer, name, _nonfinite(tensor), call)

    def add(self, layer: int, name: str, entries: float, call: int) -> None:
        """So many entries of a tensor are not finite; NaN where there may be some."""
        if entries:
            sick = any(map(_sick, self._weights[layer]))
            self._found.append(Suspect(layer, "weight" if sick else name, entries, call))

    def spoilt_weights(self) -> bool:
        """Whether a step left weights that are not finite; the next one shows them as its cause."""
        counts = [sum(map(_nonfinite, weights)) for weights in self._weights]
        spoilt = any(entries > 0 for entries in counts)
        if spoilt:
            found = (Suspect(layer, "", n, NO_CALL) for layer, n in enumerate(counts) if n)
            self._found.extend(found)
        return spoilt or any(map(_sick, self._others))

    def counts(self, calls: Ints) -> Floats:
        """Of each layer, how many entries were not finite, [layers]."""
        found = np.zeros(len(self._weights))
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
        self._found = []

    def _of(self, calls: Ints) -> list[Suspect]:
        known = {NO_CALL, *calls.tolist()}
        return [one for one in self._found if one.call in known]


def _sick(tensor: Tensor) -> bool:
    """Whether it is known to have such entries."""
    return _nonfinite(tensor) > 0


def _nonfinite(tensor: Tensor) -> float:
    """How many entries are not finite; NaN where they can't be counted now."""
    known = gate.readable(tensor)
    if known is None:
        return 0
    try:
        return portable.nonfinite(known)
    except gate.BARRED:
        return math.nan
