"""How long a sweep will take, before it has begun: about, on a laptop's cores."""

from collections.abc import Iterable
from typing import NamedTuple

from diagnostics.subject.config import RunConfig


class Cost(NamedTuple):
    """Seconds: of each, of a layer, and of a layer's multiplication by a batch."""

    each: float
    layer: float
    multiplied: float

    def of(self, config: RunConfig) -> float:
        """Of one network."""
        size = config.width**2 * config.batch_size * config.accumulate
        return self.each + config.hidden_layers * (self.layer + self.multiplied * size)


STEP = Cost(2e-3, 3.5e-4, 2.4e-10)
"""Of a measured step of training (``python -m benchmarks.sweep``)."""

START = Cost(2e-3, 1.1e-3, 1.1e-9)
"""Of a measurement at initialization."""


def seconds(configs: Iterable[RunConfig], workers: int, *, trained: bool) -> float:
    """That many processes need to train networks, or to measure them at initialization."""
    costs = (STEP.of(c) * c.steps if trained else START.of(c) for c in configs)
    return sum(costs) / workers
