"""Dead units counted in passing, where no fixed probe set is at hand: over a thousand samples."""

import math
from collections.abc import Collection

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diagnostics.engine import kernels
from diagnostics.engine.reductions import Gathered

SAMPLES = 1000
"""A batch of 16 calls 6% of healthy units dead, a thousand samples hardly any."""


class Census:
    """Which units were 0 for every sample seen since the last count.

    A unit is a column of the last axis; of a convolution's output, a channel.
    """

    def __init__(self, layers: int, channels: NDArray[np.bool_]) -> None:
        self._channels = channels.tolist()
        self._shapes: list[torch.Size | None] = [None] * layers
        self._samples: list[int] = [0] * layers
        self._inner = np.ones(layers, np.int64)
        self._units = np.zeros(layers, np.int64)
        self._alive = np.zeros((layers, 1), np.uint8)
        self._living = np.zeros(layers, np.int64)
        self._seen = [0] * layers
        self.share = np.full(layers, np.nan)
        """Dead units of each layer at its last count; NaN before the first."""

    def see(self, these: Gathered, bare: Collection[int]) -> None:
        """Take layers' activations; after enough samples a layer's share is renewed.

        Args:
            bare: layers without activation, which are passed over.
        """
        rows = these.stretches.rows.tolist()
        for i, h in zip(rows, these.kept, strict=True):
            if i not in bare:
                self._fit(i, h)
        kernels.mark(*these.stretches, self._inner, self._units, self._living, self._alive)
        for i, h in zip(these.other_rows, these.others, strict=True):
            if i not in bare:
                self._fit(i, h)
                if self._living[i] < self._units[i]:
                    self._mark(i, h.detach())
        for i in (*rows, *these.other_rows):
            self._seen[i] += self._samples[i]
            if self._seen[i] >= SAMPLES and self._units[i]:
                self.share[i] = 1 - self._living[i] / self._units[i]
                self._begin(i)

    def _begin(self, i: int) -> None:
        self._alive[i] = 0
        self._living[i] = self._seen[i] = 0

    def _fit(self, i: int, h: Tensor) -> None:
        """Know a layer's units, samples and layout by the shape of its activations."""
        shape = h.shape
        if shape == self._shapes[i]:
            return
        axis = self._axis(i, h)
        self._shapes[i], self._samples[i] = shape, shape[0] if len(shape) > 1 else 1
        self._inner[i] = math.prod(shape[axis + 1 :])
        if self._units[i] != shape[axis]:
            self._units[i] = shape[axis]
            self._begin(i)
        missing = shape[axis] - self._alive.shape[1]
        if missing > 0:
            self._alive = np.pad(self._alive, ((0, 0), (0, missing)))

    def _axis(self, i: int, h: Tensor) -> int:
        return 1 if self._channels[i] and h.ndim > 2 else h.ndim - 1

    def _mark(self, i: int, h: Tensor) -> None:
        others = [axis for axis in range(h.ndim) if axis != self._axis(i, h)]
        alive = self._alive[i, : self._units[i]]
        alive |= (h != 0).sum(others).gt(0).cpu().numpy().astype(np.uint8)
        self._living[i] = alive.sum()
