"""What a probe is told of a layer."""

from typing import NamedTuple

from torch import nn


class Layer(NamedTuple):
    """A measured layer: its weights, and the activation that follows them, if any."""

    name: str
    linear: nn.Linear
    activation: nn.Module | None
