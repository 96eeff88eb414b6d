"""What a training step is made of beside the network: batches, optimizer, max-norm, evaluation."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diagnostics.engine.lab.data import Dataset
from diagnostics.subject.choices import OPTIMIZERS
from diagnostics.subject.config import RunConfig

FUSED = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)
"""These step by one call for all parameters, where it is asked for: Adam in a fifth of the time."""


def optimizer(config: RunConfig, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """The configured optimizer."""
    chosen = OPTIMIZERS[config.optimizer]
    kind = getattr(torch.optim, chosen.module)
    given = dict(chosen.arguments) | ({"fused": True} if kind in FUSED else {})
    made: torch.optim.Optimizer = kind(
        parameters, lr=config.lr, weight_decay=config.weight_decay, **given
    )
    return made


class Batches:
    """Shuffled epochs without end; an epoch's last, smaller batch is left out.

    A generator of its own keeps the order of samples independent of weights and dropout.
    """

    def __init__(self, dataset: Dataset, config: RunConfig) -> None:
        self._data = dataset
        self._generator = torch.Generator().manual_seed(config.seed)
        self._count = len(dataset.train_x)
        self._size = min(config.batch_size, self._count)
        self._begin()

    def __next__(self) -> tuple[Tensor, Tensor]:
        """Inputs [batch, inputs] and labels [batch]."""
        if self._at + self._size > self._count:
            self._begin()
        rows = self._order[self._at : self._at + self._size]
        self._at += self._size
        return self._data.train_x[rows], self._data.train_y[rows]

    def state(self) -> dict[str, Any]:
        """What it takes to go on from here: the epoch's random state, and the place within it."""
        return {"epoch": self._epoch, "at": self._at}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._generator.set_state(state["epoch"])
        self._begin()
        self._at = state["at"]

    def _begin(self) -> None:
        self._epoch = self._generator.get_state()
        self._order = torch.randperm(self._count, generator=self._generator)
        self._at = 0


@torch.no_grad()
def limit_norms(weights: Iterable[Tensor], largest: float) -> None:
    """Max-norm: scale each unit's incoming weights to a largest norm (Srivastava et al. 2014)."""
    for weight in weights:
        if weight.ndim > 1:
            weight.copy_(torch.renorm(weight, 2, 0, largest))


def accuracy(logits: Tensor, y: Tensor) -> float:
    """The share classified correctly."""
    return float((logits.detach().argmax(1) == y).float().mean())


@torch.no_grad()
def evaluate(model: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Loss in nats and accuracy on a set, in evaluation mode."""
    training = model.training
    model.eval()
    logits = model(x)
    model.train(training)
    return float(F.cross_entropy(logits, y)), accuracy(logits, y)
