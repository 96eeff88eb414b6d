"""What a training step is made of beside the network: batches, optimizer, max-norm, evaluation."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diagnostics.engine.lab.data import Dataset
from diagnostics.subject.choices import OPTIMIZERS
from diagnostics.subject.config import RunConfig


def optimizer(config: RunConfig, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """The configured optimizer."""
    chosen = OPTIMIZERS[config.optimizer]
    kind = getattr(torch.optim, chosen.module)
    made: torch.optim.Optimizer = kind(
        parameters, lr=config.lr, weight_decay=config.weight_decay, **chosen.arguments
    )
    return made


def batches(dataset: Dataset, config: RunConfig) -> Iterator[tuple[Tensor, Tensor]]:
    """Shuffled epochs without end; an epoch's last, smaller batch is left out.

    A generator of its own keeps the order of samples independent of weights and dropout.
    """
    generator = torch.Generator().manual_seed(config.seed)
    count = len(dataset.train_x)
    size = min(config.batch_size, count)
    while True:
        order = torch.randperm(count, generator=generator)
        for start in range(0, count - size + 1, size):
            rows = order[start : start + size]
            yield dataset.train_x[rows], dataset.train_y[rows]


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
