"""What a probe is told of a layer, and where its activation is saturated."""

import math
from typing import NamedTuple

from torch import nn
from torch.nn.utils import parametrize

from diagnostics.subject.activations import ACTIVATIONS, Span, inner, key_of

EVERYWHERE: Span = (-math.inf, math.inf)


class Layer(NamedTuple):
    """A measured layer: its weights, and the activation that follows them, if any."""

    name: str
    linear: nn.Linear
    activation: nn.Module | None


def own(module: nn.Module) -> list[nn.Parameter]:
    """The parameters that a module holds itself, in lists of them, or as what others are made of.

    Of a parametrized weight (weight norm, spectral norm, orthogonal ones) what it is computed from
    is trained; the weight itself is no parameter.
    """
    parts = [part for part in module.children() if isinstance(part, HOLDERS)]
    if parametrize.is_parametrized(module):
        parts.append(module.parametrizations)  # type: ignore[arg-type]
    found = [*module.parameters(recurse=False), *(p for part in parts for p in part.parameters())]
    return list({id(p): p for p in found}.values())


HOLDERS = (nn.ParameterList, nn.ParameterDict)
"""Modules that only hold parameters of the one they are part of."""


def linear_range(activation: nn.Module | None) -> Span | None:
    """(low, high) outside of which a bounded activation counts as saturated, or None."""
    if isinstance(activation, nn.Hardtanh):  # its ends are its own
        return inner(activation.min_val, activation.max_val)
    keys = (key_of(kind.__name__) for kind in type(activation).__mro__)
    found = next((ACTIVATIONS[key] for key in keys if key in ACTIVATIONS), None)
    return found.linear_range if found else None
