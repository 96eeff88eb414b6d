"""What is told of a stranger's optimizer."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from diagnostics.engine.watch.optimizers import scales_steps

Optimizer = torch.optim.Optimizer


def _settings(**settings: Any) -> Callable[[list[nn.Parameter]], Optimizer]:
    """An optimizer of another library, as far as its settings go."""
    return lambda parameters: Optimizer(parameters, settings)


def _of_torch(name: str) -> Callable[[list[nn.Parameter]], Optimizer]:
    kind = getattr(torch.optim, name)
    return lambda parameters: kind(parameters, lr=0.01)


OF_TORCH = (
    *("Adam", "AdamW", "Adamax", "NAdam", "RAdam", "SparseAdam", "Adafactor"),
    *("Adadelta", "Adagrad", "Muon", "RMSprop", "Rprop"),
)
SCALING = {
    **{name: _of_torch(name) for name in OF_TORCH},
    "Lion": _settings(lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0),
    "Adam8bit": _settings(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, optim_bits=8),
    "Lion8bit": _settings(lr=1e-4, betas=(0.9, 0.99), eps=0.0),
    "Adafactor of transformers": _settings(lr=None, eps=(1e-30, 1e-3), decay_rate=-0.8),
    "SAM over Adam": _settings(rho=0.05, adaptive=False, lr=1e-3, betas=(0.9, 0.999), eps=1e-8),
}
PLAIN = {
    **{name: _of_torch(name) for name in ("SGD", "ASGD", "LBFGS")},
    "SGD8bit": _settings(lr=0.1, betas=(0.9, 0.0), eps=0.0, optim_bits=8),
    "SAM over SGD": _settings(rho=0.05, adaptive=False, lr=0.1, momentum=0.9),
    "schedule-free SGD": _settings(lr=1.0, momentum=0.9, r=0.0, warmup_steps=0),
}


@pytest.mark.parametrize("name", [*SCALING, *PLAIN])
def test_what_an_optimizer_does_is_told_by_its_settings(name: str) -> None:
    made = {**SCALING, **PLAIN}[name]([nn.Parameter(torch.zeros(2, 2))])
    assert scales_steps(made) is (name in SCALING)
