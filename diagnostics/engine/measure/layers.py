"""What a probe is told of a layer, and where its activation is saturated."""

import math
from typing import NamedTuple

from torch import nn

from diagnostics.subject.activations import ACTIVATIONS, Span, inner, key_of

EVERYWHERE: Span = (-math.inf, math.inf)


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
    if isinstance(activation, nn.Hardtanh):  # its ends are its own
        return inner(activation.min_val, activation.max_val)
    keys = (key_of(kind.__name__) for kind in type(activation).__mro__)
    found = next((ACTIVATIONS[key] for key in keys if key in ACTIVATIONS), None)
    return found.linear_range if found else None
