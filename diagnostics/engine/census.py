"""Dead units counted in passing, where no fixed probe set is at hand: over a thousand samples."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diagnostics.engine import kernels, reductions

SAMPLES = 1000
"""A batch of 16 calls 6% of healthy units dead, a thousand samples hardly any."""


class Census:
    """Which units were 0 for every sample seen since the last count.

    A unit is a column of the last axis; of a convolution's output, a channel.
    """

    def __init__(self, layers: int, channels: NDArray[np.bool_]) -> None:
        self._channels = channels
        self._alive: list[NDArray[np.uint8] | None] = [None] * layers
        self._living = np.zeros(layers, np.int64)
        self._seen = np.zeros(layers, np.int64)
        self.share = np.full(layers, np.nan)
        """Dead units of each layer at its last count; NaN before the first."""

    def see(self, i: int, h: Tensor) -> None:
        """Take a layer's activations; after enough samples its share is renewed."""
        axis = 1 if self._channels[i] and h.ndim > 2 else h.ndim - 1
        units = h.shape[axis]
        alive = self._alive[i]
        if alive is None or len(alive) != units:
            alive = self._alive[i] = np.zeros(units, np.uint8)
            self._seen[i] = self._living[i] = 0
        if self._living[i] < units:
            self._living[i] = _mark(h.detach(), axis, alive)
        self._seen[i] += len(h)
        if self._seen[i] >= SAMPLES:
            self.share[i] = 1 - self._living[i] / units
            alive.fill(0)
            self._seen[i] = self._living[i] = 0


def _mark(h: Tensor, axis: int, alive: NDArray[np.uint8]) -> int:
    """Mark units that are not 0 everywhere; how many are marked now."""
    if reductions.is_native(h) and h.is_contiguous():
        inner = math.prod(h.shape[axis + 1 :])
        outer = h.numel() // (len(alive) * inner) if inner else 0
        wide = h.dtype == torch.float64
        return int(kernels.alive(h.data_ptr(), outer, inner, wide, alive))
    others = [a for a in range(h.ndim) if a != axis]
    alive |= (h != 0).sum(others).gt(0).cpu().numpy().astype(np.uint8)
    return int(alive.sum())
