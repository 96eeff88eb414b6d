"""What a probe is told of a layer, and where its activation is saturated."""

import math
from typing import NamedTuple

from torch import nn

Span = tuple[float, float]

EVERYWHERE: Span = (-math.inf, math.inf)

OUTERMOST = 0.05

DEFINED_TANH = 0.97
"""|tanh| above which it counts as saturated; other bounded activations use OUTERMOST."""

TANH: Span = (-DEFINED_TANH, DEFINED_TANH)
SIGMOID: Span = (OUTERMOST, 1 - OUTERMOST)


class Layer(NamedTuple):
    """A measured layer: its weights, and the activation that follows them, if any."""

    name: str
    linear: nn.Linear
    activation: nn.Module | None


def own(module: nn.Module) -> list[nn.Parameter]:
    """The parameters that a module holds itself."""
    return list(module.parameters(recurse=False))


def linear_range(activation: nn.Module | None) -> Span | None:
    """(low, high) outside of which a bounded activation counts as saturated, or None."""
    if isinstance(activation, nn.Tanh):
        return TANH
    if isinstance(activation, nn.Sigmoid):
        return SIGMOID
    if isinstance(activation, nn.Hardtanh):
        margin = (activation.max_val - activation.min_val) * OUTERMOST
        return activation.min_val + margin, activation.max_val - margin
    return None
