"""A loop that is run with and without watching, and what plain autograd says of it."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

STEPS = 4


class Trial:
    """One run of a loop.

    Attributes:
        outputs: tensors that watching must leave as they are to the last bit, evaluation's too.
        expected: by a scalar's or a metric's key the right numbers, a row each step; a metric's
            are of the layers in their order.
    """

    def __init__(self, watched: Any = None) -> None:
        self.watched = watched
        self.outputs: list[Tensor] = []
        self.expected: dict[str, list[Any]] = {}

    def step(self, loss: Any = None) -> None:
        """A step is over."""
        if isinstance(loss, Tensor):
            self.outputs.append(loss.detach().clone())
        if self.watched is not None:
            self.watched.step(loss=loss)

    def evaluate(self, model: nn.Module, *inputs: Any, **named: Any) -> None:
        """As between epochs."""
        model.eval()
        with torch.no_grad():
            self.outputs.append(model(*inputs, **named).clone())
        model.train()

    def right(self, key: str, numbers: Any) -> None:
        """What a step's number must be."""
        self.expected.setdefault(key, []).append(numbers)


@contextmanager
def outputs_of(*modules: nn.Module) -> Iterator[list[list[Tensor]]]:
    """What each module gives out meanwhile, call by call."""
    found: list[list[Tensor]] = [[] for _ in modules]
    hooks = [
        m.register_forward_hook(lambda _m, _args, z, calls=calls: calls.append(z))
        for m, calls in zip(modules, found, strict=True)
    ]
    yield found
    for hook in hooks:
        hook.remove()


def deltas(loss: Tensor, outputs: list[list[Tensor]]) -> list[float]:
    """‖∂L/∂z‖ of each layer over all its calls; leaves ``.grad`` alone."""
    return [_norm(torch.autograd.grad(loss, zs, retain_graph=True)) for zs in outputs]


def gradients(model: nn.Module) -> list[float]:
    """‖∂L/∂W‖ of each layer as it lies in ``.grad``."""
    return [float(m.weight.grad.norm()) for m in linears(model)]


def linears(model: nn.Module) -> list[nn.Linear]:
    """All linear layers."""
    return [m for m in model.modules() if isinstance(m, nn.Linear)]


def mlp(depth: int = 3, kind: type[nn.Module] = nn.Tanh) -> nn.Sequential:
    """4 → 8 → … → 3, the same each time."""
    torch.manual_seed(0)
    widths = [4, *[8] * depth]
    parts = [(nn.Linear(a, b), kind()) for a, b in pairwise(widths)]
    return nn.Sequential(*(part for pair in parts for part in pair), nn.Linear(8, 3))


def batch(number: int = 0, size: int = 8) -> Tensor:
    """Inputs, the same each time."""
    return torch.randn(size, 4, generator=torch.Generator().manual_seed(number))


def _norm(tensors: Any) -> float:
    return math.sqrt(sum(float(t.double().square().sum()) for t in tensors))
