"""Dead units, which are 0 for every sample: of a fixed probe set, or of a thousand in passing."""

import math
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from diagnostics.engine.measure import kernels
from diagnostics.engine.measure.kernels import Flags, Ints
from diagnostics.engine.measure.layers import Layer
from diagnostics.engine.measure.reductions import Gathered

Masks = dict[int, Tensor]

SAMPLES = 1000
"""A batch of 16 calls 6% of healthy units dead, a thousand samples hardly any."""


def dead_units(
    layers: Sequence[Layer], forward: Callable[[Tensor], object], parts: Sequence[Tensor]
) -> Masks:
    """Which units of each layer with an activation are dead, bool [units] by the layer's index.

    Args:
        parts: the probe set; once no unit is left that might be dead, the rest of it can't change
            anything and is spared.
    """
    masks: Masks = {}
    handles = [
        layer.activation.register_forward_hook(_look(i, masks))
        for i, layer in enumerate(layers)
        if layer.activation is not None
    ]
    try:
        with torch.no_grad():
            for part in parts:
                forward(part)
                if not any(bool(mask.any()) for mask in masks.values()):
                    break
    finally:
        for handle in handles:
            handle.remove()
    return masks


def _look(i: int, masks: Masks) -> Callable[..., None]:
    def look(module: object, args: object, h: Tensor) -> None:
        dead = ~h.reshape(-1, h.shape[-1]).any(dim=0)
        masks[i] = dead & masks[i] if i in masks else dead

    return look


class Geometry(NamedTuple):
    """How activations lie: samples, entries of a unit that lie together, units."""

    samples: int
    inner: int
    units: int


NOTHING = Geometry(0, 1, 0)


class InPassing:
    """Which units were 0 for every sample seen since the last count.

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
        self._alive = np.zeros((layers, 1), np.uint8)
        self._living = np.zeros(layers, np.int64)
        self._seen = [0] * layers
        self._marks = np.zeros((0, 1), np.uint8)
        self._marked = np.zeros(0, np.int64)
        self._calls: dict[int, Geometry] = {}
        self.share = np.full(layers, np.nan)
        """Dead units of each layer at its last count; NaN before the first."""

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
        self._fit(len(layers))
        for (call, _), one in zip(every, found, strict=True):
            self._calls[call] = one
            self._marked[call] = one.units if self._living[owner[call]] == one.units else 0
        inner, units = (np.array([one[k] for one in found[: len(rows)]], np.int64) for k in (1, 2))
        kernels.mark(*these.stretches, inner, units, self._marked, self._marks)
        for (call, h), one in zip(every[len(rows) :], found[len(rows) :], strict=True):
            if self._marked[call] < one.units:
                self._mark(call, self._axis(owner[call], h), h.detach())

    def count(self, calls: Ints, layers: Ints) -> None:
        """These calls were part of training; after enough samples a layer's share is renewed."""
        owner = layers.tolist()
        for call in calls.tolist():
            one = self._calls.get(call, NOTHING)
            if one.units:
                self._add(owner[call], call, one)

    def clear(self) -> None:
        """A new step begins."""
        self._calls.clear()
        self._marks.fill(0)

    def _add(self, i: int, call: int, one: Geometry) -> None:
        if self._living[i] < one.units:
            alive = self._alive[i, : one.units]
            alive |= self._marks[call, : one.units]
            self._living[i] = alive.sum()
        self._seen[i] += one.samples
        if self._seen[i] >= SAMPLES:
            self.share[i] = 1 - self._living[i] / one.units
            self._begin(i)

    def _fit(self, calls: int) -> None:
        """Room for marks of so many calls, of as many units as the widest layer has."""
        missing, wider = calls - len(self._marks), self._alive.shape[1] - self._marks.shape[1]
        if missing > 0 or wider > 0:
            room = (0, max(0, missing) + calls), (0, max(0, wider))
            self._marks = np.pad(self._marks, room)
            self._marked = np.pad(self._marked, room[0])

    def _begin(self, i: int) -> None:
        self._alive[i] = 0
        self._living[i] = self._seen[i] = 0

    def _geometry(self, i: int, h: Tensor) -> Geometry:
        """A layer's activations may come in several shapes, even in one pass."""
        shape = h.shape
        if shape != self._shapes[i]:
            axis, before = self._axis(i, h), self._known[i]
            samples = shape[0] if len(shape) > 1 else 1
            self._shapes[i] = shape
            self._known[i] = Geometry(samples, math.prod(shape[axis + 1 :]), shape[axis])
            if before.units != shape[axis]:
                self._begin(i)
            missing = shape[axis] - self._alive.shape[1]
            if missing > 0:
                self._alive = np.pad(self._alive, ((0, 0), (0, missing)))
        return self._known[i]

    def _axis(self, i: int, h: Tensor) -> int:
        return 1 if self._channels[i] and h.ndim > 2 else h.ndim - 1

    def _mark(self, call: int, axis: int, h: Tensor) -> None:
        others = [other for other in range(h.ndim) if other != axis]
        marks = self._marks[call, : h.shape[axis]]
        marks |= (h != 0).sum(others).gt(0).cpu().numpy().astype(np.uint8)
        self._marked[call] = marks.sum()
