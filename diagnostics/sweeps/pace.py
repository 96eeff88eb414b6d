"""How long a sweep will take, before it has begun: about, on a laptop's cores."""

from collections.abc import Iterable
from typing import NamedTuple

from diagnostics.subject.config import RunConfig
from diagnostics.sweeps.teams import teams

OWN = 0.35
"""Share of a step's calls that each member of a team makes for itself."""


class Cost(NamedTuple):
    """Seconds: of each, of a layer, and of a layer's multiplication by a batch."""

    each: float
    layer: float
    multiplied: float

    def of(self, config: RunConfig, team: int = 1) -> float:
        """Of one network among so many that are trained side by side."""
        size = config.width**2 * config.batch_size * config.accumulate
        calls = self.each + config.hidden_layers * self.layer
        return calls * (OWN + (1 - OWN) / team) + config.hidden_layers * self.multiplied * size


STEP = Cost(2e-3, 3.5e-4, 2.4e-10)
"""Of a measured step of training (``python -m benchmarks.sweep``)."""

START = Cost(2e-3, 1.1e-3, 1.1e-9)
"""Of a measurement at initialization."""


def seconds(configs: Iterable[RunConfig], workers: int, *, trained: bool) -> float:
    """That many processes need to train networks, or to measure them at initialization."""
    known = list(configs)
    if not trained:
        return sum(map(START.of, known)) / workers
    free = [0.0] * workers
    for team in teams(known, workers):
        lasts = sum(STEP.of(known[place], len(team)) * known[place].steps for place in team)
        free[free.index(min(free))] += lasts
    return max(free)
