"""Units of which little comes: dead ones, which are 0 for every sample, and dormant ones.

They are counted over a fixed probe set, or over a thousand samples in passing. A unit is dormant
whose mean |h| is at most τ times the layer's mean of that (Sokar et al. 2023, definition 1), which
a GELU's may be that is never exactly 0.
"""

import math
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from diagnostics.engine.measure import kernels, portable
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
    dead, scale = float((sums == 0).mean()), float(sums.mean())
    return dead, float((sums <= TAU * scale).mean()) if np.isfinite(scale) else math.nan


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
    """

    def __init__(self, channels: Flags) -> None:
        layers = len(channels)
        self._channels = channels.tolist()
        self._shapes: list[torch.Size | None] = [None] * layers
        self._known = [NOTHING] * layers
        self._sums: list[Floats] = [np.zeros(0)] * layers
        self._seen = [0] * layers
        self._of_calls = np.zeros((0, 1))
        self._calls: dict[int, Geometry] = {}
        self.dead, self.dormant = np.full((2, layers), np.nan)
        """Of each layer at its last count; NaN before the first."""

    def see(self, these: Gathered, layers: Ints, bare: Collection[int]) -> None:
        """Take activations of calls.

        Args:
            layers: of each call so far, the layer.
            bare: layers without activation, which are passed over.
        """
        rows = these.stretches.rows.tolist()
        every = list(zip((*rows, *these.other_rows), (*these.kept, *these.others), strict=True))
        owner = layers.tolist()
        found = [
            NOTHING if owner[call] in bare or not h.ndim else self._geometry(owner[call], h)
            for call, h in every
        ]
        self._fit(len(layers), max((one.units for one in found), default=0))
        for (call, _), one in zip(every, found, strict=True):
            self._calls[call] = one
        inner, units = (np.array([one[k] for one in found[: len(rows)]], np.int64) for k in (1, 2))
        kernels.magnitudes(*these.stretches, inner, units, self._of_calls)
        others = [(call, h) for call, h in every[len(rows) :] if self._calls[call].units]
        units_last = [h.movedim(self._axis(owner[call], h), -1) for call, h in others]
        for (call, _), sums in zip(others, portable.magnitudes(units_last), strict=True):
            self._of_calls[call, : len(sums)] += sums

    def count(self, calls: Ints, layers: Ints) -> None:
        """These calls were part of training; after enough samples a layer's shares are renewed."""
        owner = layers.tolist()
        for call in calls.tolist():
            one = self._calls.get(call, NOTHING)
            if one.units:
                self._add(owner[call], call, one)

    def clear(self) -> None:
        """A new step begins."""
        self._calls.clear()
        self._of_calls.fill(0.0)

    def _add(self, i: int, call: int, one: Geometry) -> None:
        self._sums[i] += self._of_calls[call, : one.units]
        self._seen[i] += one.samples
        if self._seen[i] >= SAMPLES:
            self.dead[i], self.dormant[i] = shares(self._sums[i])
            self._begin(i, one.units)

    def _fit(self, calls: int, units: int) -> None:
        """Room for so many calls, of so many units."""
        missing, wider = calls - len(self._of_calls), units - self._of_calls.shape[1]
        if missing > 0 or wider > 0:
            room = (0, max(0, missing) + calls), (0, max(0, wider))
            self._of_calls = np.pad(self._of_calls, room)

    def _begin(self, i: int, units: int) -> None:
        self._sums[i] = np.zeros(units)
        self._seen[i] = 0

    def _geometry(self, i: int, h: Tensor) -> Geometry:
        """A layer's activations may come in several shapes, even in one pass."""
        shape = h.shape
        if shape != self._shapes[i]:
            axis = self._axis(i, h)
            samples = shape[0] if len(shape) > 1 else 1
            self._shapes[i] = shape
            self._known[i] = Geometry(samples, math.prod(shape[axis + 1 :]), shape[axis])
            if len(self._sums[i]) != shape[axis]:
                self._begin(i, shape[axis])
        return self._known[i]

    def _axis(self, i: int, h: Tensor) -> int:
        return 1 if self._channels[i] and h.ndim > 2 else h.ndim - 1
