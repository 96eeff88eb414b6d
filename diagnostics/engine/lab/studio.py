"""Pictures of a network in training, taken of a twin: training itself is not touched.

The twin has the same weights, not copies of them; buffers, hooks, modes and gradients are its own,
and the random numbers that it draws are not missing in training.
"""

import copy
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from diagnostics.engine.lab.data import Dataset
from diagnostics.engine.lab.histograms import (
    Entries,
    Histogram,
    by_magnitude,
    by_value,
    some_rows,
    spread,
)
from diagnostics.engine.lab.network import Network, share_parameters
from diagnostics.engine.measure.layers import Layer, linear_range
from diagnostics.store.pictures import SIDE, Bytes, Flags, Ground, Picture
from diagnostics.subject.choices import DATASETS
from diagnostics.subject.config import RunConfig

POINTS = 300
"""Of the training set, and a third as many of the held-out one."""

DIGITS = 8
PIXELS = 64
INK = 16.0
MARGIN = 1.1
"""Of the plane around its farthest point."""


class _Seen(NamedTuple):
    """A hidden layer in one pass: h and δ, [batch, units]."""

    layer: Layer
    activation: Tensor
    signal: Tensor


class Studio:
    """Takes pictures of one network.

    Args:
        network: whose hooks are not yet on.

    Attributes:
        ground: what the pictures are of; None where they show the layers alone.
    """

    def __init__(self, config: RunConfig, data: Dataset, network: Network) -> None:
        self._share = 1 / config.accumulate
        self._network, self._twin = network, copy.deepcopy(network)
        share_parameters(network, self._twin)
        self.ground, asked = setting(config, data)
        self._asked = asked.to(network.output.weight.dtype)

    def take(self, step: int, x: Tensor, y: Tensor, dead: Flags) -> Picture:
        """A picture after a step, its layers as they are with this batch.

        Args:
            dead: which hidden units are dead, [layers, units].
        """
        for mine, theirs in zip(self._twin.buffers(), self._network.buffers(), strict=True):
            mine.copy_(theirs)
        guesses, sure = self._guess()
        seen = self._look(x, y)
        found = [_counted(one) for one in seen]
        with np.errstate(over="ignore"):
            mean = np.array([one.activation.mean(0).numpy() for one in seen]).astype(np.float32)
        return Picture(
            step=np.array([step], np.int64),
            guesses=guesses,
            sure=sure,
            edges=np.array([[(one.low, one.width) for one in layer] for layer in found]),
            counts=np.array([[one.counts for one in layer] for layer in found], np.uint32),
            apart=np.array([[one[3:] for one in layer] for layer in found], np.uint32),
            mean=mean,
            saturated=np.array([_saturated(one) for one in seen], np.float16),
            dead=dead,
        )

    @torch.no_grad()
    def _guess(self) -> tuple[Bytes, NDArray[np.float16]]:
        """The answers at the places of the ground, and the probability of each."""
        if self.ground is None:
            return np.empty(0, np.uint8), np.empty(0, np.float16)
        self._twin.eval()
        sure, guesses = F.softmax(self._twin(self._asked), dim=1).max(dim=1)
        self._twin.train()
        return guesses.numpy().astype(np.uint8), sure.numpy().astype(np.float16)

    def _look(self, x: Tensor, y: Tensor) -> list[_Seen]:
        """The hidden layers as a training step sees them."""
        layers = self._twin.layers()[:-1]
        outputs: dict[torch.nn.Module, Tensor] = {}
        watched = [module for layer in layers for module in layer[1:] if module is not None]
        handles = [
            module.register_forward_hook(lambda module, given, out: outputs.update({module: out}))
            for module in watched
        ]
        with torch.enable_grad(), torch.random.fork_rng(devices=[]):
            loss = F.cross_entropy(self._twin(x), y) * self._share
            signals = torch.autograd.grad(loss, [outputs[layer.linear] for layer in layers])
        for handle in handles:
            handle.remove()
        return [
            _Seen(layer, outputs[layer.activation or layer.linear].detach(), signal)
            for layer, signal in zip(layers, signals, strict=True)
        ]


def setting(config: RunConfig, data: Dataset) -> tuple[Ground | None, Tensor]:
    """What pictures of a network are of, and the inputs at which it is asked for its answers."""
    found = _SETTINGS.get(DATASETS[config.dataset].inputs)
    return found(data) if found else (None, torch.empty(0))


def _plane(data: Dataset) -> tuple[Ground, Tensor]:
    held = POINTS // 3
    x = torch.cat([data.train_x[:POINTS], data.heldout_x[:held]])
    reach = MARGIN * float(x.abs().max())
    ground = Ground(
        x.numpy(),
        torch.cat([data.train_y[:POINTS], data.heldout_y[:held]]).numpy().astype(np.uint8),
        np.arange(POINTS + held) >= POINTS,
        np.array([reach], np.float32),
    )
    along = ((torch.arange(SIDE) + 0.5) * 2 / SIDE - 1) * reach
    rows, columns = torch.meshgrid(along, along, indexing="ij")
    return ground, torch.stack([columns, rows], dim=-1).reshape(-1, 2)


def _digits(data: Dataset) -> tuple[Ground, Tensor]:
    """The first held-out digit of each of eight classes."""
    chosen = [int((data.heldout_y == label).nonzero()[0]) for label in range(DIGITS)]
    asked, darkest = data.heldout_x[chosen], data.heldout_x.max()
    blank = data.heldout_x.min()
    ground = Ground(
        ((asked - blank) / (darkest - blank) * INK).numpy(),
        data.heldout_y[chosen].numpy().astype(np.uint8),
        np.ones(DIGITS, bool),
        np.zeros(1, np.float32),
    )
    return ground, asked


_SETTINGS: Mapping[int, Callable[[Dataset], tuple[Ground, Tensor]]] = {2: _plane, PIXELS: _digits}
"""By the features of a sample; random numbers have no number of their own, and no picture."""


def _counted(seen: _Seen) -> tuple[Histogram, ...]:
    """In the order of ``QUANTITIES``."""
    return (
        by_value(some_rows(seen.activation)),
        by_magnitude(some_rows(seen.signal)),
        by_value(spread(seen.layer.linear.weight)),
    )


def _saturated(seen: _Seen) -> Entries:
    """Of each unit, the share of the batch at an end of the activation's range."""
    span, h = linear_range(seen.layer.activation), seen.activation
    if span is None:
        return np.full(h.shape[-1], np.nan)
    return ((h < span[0]) | (h > span[1])).double().mean(0).numpy()
