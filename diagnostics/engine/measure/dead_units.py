"""Units of which little comes: dead ones, which are 0 for every sample, and dormant ones.

They are counted over a fixed probe set, or over a thousand samples in passing. A unit is dormant
whose mean |h| is at most τ times the layer's mean of that (Sokar et al. 2023, definition 1), which
a GELU's may be that is never exactly 0.
"""

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from diagnostics.engine.measure import gate, kernels, portable
from diagnostics.engine.measure.kernels import Flags, Floats, Ints
from diagnostics.engine.measure.layers import Layer
from diagnostics.engine.measure.reductions import Gathered

SAMPLES = 1000
"""A batch of 16 calls 6% of healthy units dead, a thousand samples hardly any."""

TAU = 0.025
"""The τ of the paper's experiments."""


def shares(sums: Floats) -> tuple[float, float]:
    """Shares of units that are dead, and that are dormant.

    Args:
        sums: of each unit Σ|h| over all samples, [units].
    """
    dead, dormant = kernels.shares(sums, TAU)
    return float(dead), float(dormant)


def looked_at(
    layers: Sequence[Layer], forward: Callable[[Tensor], object], parts: Sequence[Tensor]
) -> dict[int, Floats]:
    """Σ|h| of each unit of each layer with an activation, [units] by the layer's index.

    Args:
        parts: the probe set; once no unit is left that might be dead, the rest of it is spared.
    """
    found: dict[int, Floats] = {}
    handles = [
        layer.activation.register_forward_hook(_look(i, found))
        for i, layer in enumerate(layers)
        if layer.activation is not None
    ]
    try:
        with torch.no_grad():
            for part in parts:
                forward(part)
                if all(bool(sums.all()) for sums in found.values()):
                    break
    finally:
        for handle in handles:
            handle.remove()
    return found


def _look(i: int, found: dict[int, Floats]) -> Callable[..., None]:
    def look(module: object, args: object, h: Tensor) -> None:
        sums = h.reshape(-1, h.shape[-1]).abs().sum(0, dtype=torch.float64).numpy()
        found[i] = found[i] + sums if i in found else sums

    return look


class Geometry(NamedTuple):
    """How activations lie: samples, entries of a unit that lie together, units."""

    samples: int
    inner: int
    units: int


NOTHING = Geometry(0, 1, 0)


class InPassing:
    """What units put out over the samples seen since the last count.

    A unit is a column of the last axis; of a convolution's output, a channel. What is seen at a
    call counts once it is known that the call was part of training.

    Args:
        channels: which layers are convolutions, [layers].

    Attributes:
        dead, dormant: of each layer the shares at its last count; NaN before the first, [layers].
    """

    def __init__(self, channels: Flags) -> None:
        layers = len(channels)
        self._channels = channels.tolist()
        self._sums = np.zeros((layers, 1))
        self._units, self._seen = np.zeros((2, layers), np.int64)
        self._of_calls, self._geometry = np.zeros((0, 1)), np.zeros((0, 3), np.int64)
        self._last: tuple[Any, Ints] = (None, self._geometry)
        self.dead, self.dormant = np.full((2, layers), np.nan)

    def see(self, these: Gathered, layers: Ints, bare: Collection[int]) -> None:
        """Take activations of calls.

        Args:
            layers: of each call so far, the layer.
            bare: layers without activation, which are passed over.
        """
        rows = [*these.stretches.rows.tolist(), *these.other_rows]
        found = self._geometry_of([*these.kept, *these.others], layers[rows].tolist(), bare)
        self._fit(len(layers), int(found[:, 2].max(initial=0)))
        self._geometry[rows] = found
        kernels.magnitudes(*these.stretches, found, self._of_calls)
        if these.others:
            self._see_others(these, layers)

    def count(self, calls: Ints, layers: Ints) -> None:
        """These calls were part of training; after enough samples a layer's shares are renewed."""
        self._fit(len(layers), 0)
        kernels.count_units(
            *(calls, layers, self._geometry, self._of_calls, SAMPLES, TAU),
            *(self._sums, self._units, self._seen, self.dead, self.dormant),
        )

    def clear(self) -> None:
        """A new step begins."""
        self._geometry.fill(0)
        self._of_calls.fill(0.0)

    def _see_others(self, these: Gathered, layers: Ints) -> None:
        pairs = zip(these.other_rows, these.others, strict=True)
        known = [(call, h) for call, h in pairs if self._geometry[call, 2]]
        units_last = [h.movedim(self._axis(layers[call], h), -1) for call, h in known]
        try:
            found = portable.magnitudes(units_last)
        except gate.BARRED:
            self._geometry[[call for call, _ in known]] = NOTHING
            return
        for (call, _), sums in zip(known, found, strict=True):
            self._of_calls[call, : len(sums)] += sums

    def _fit(self, calls: int, units: int) -> None:
        """Room for so many calls, of so many units."""
        missing, wider = calls - len(self._of_calls), units - self._of_calls.shape[1]
        if missing > 0:
            room = (0, missing + calls), (0, 0)
            self._of_calls = np.pad(self._of_calls, room)
            self._geometry = np.pad(self._geometry, room)
        if wider > 0:
            self._of_calls = np.pad(self._of_calls, ((0, 0), (0, wider)))
            self._sums = np.pad(self._sums, ((0, 0), (0, wider)))

    def _geometry_of(self, tensors: list[Tensor], owner: list[int], bare: Collection[int]) -> Ints:
        """Of tensors of layers, [tensors, 3]; most steps are as the one before."""
        mark = owner, [h.shape for h in tensors], len(bare)
        if mark != self._last[0]:
            pairs = zip(owner, tensors, strict=True)
            found = [
                NOTHING if i in bare or not h.ndim else self._of_one(self._axis(i, h), h.shape)
                for i, h in pairs
            ]
            self._last = mark, np.array(found, np.int64).reshape(-1, 3)
        return self._last[1]

    def _of_one(self, axis: int, shape: torch.Size) -> Geometry:
        samples = shape[0] if len(shape) > 1 else 1
        return Geometry(samples, math.prod(shape[axis + 1 :]), shape[axis])

    def _axis(self, i: int, h: Tensor) -> int:
        return 1 if self._channels[i] and h.ndim > 2 else h.ndim - 1
