"""The pictures of a recorded run: what it has learned, and its layers inside."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from diagnostics.dashboard import learned
from diagnostics.dashboard.learned import Shot
from diagnostics.dashboard.wire import Learned, Watch
from diagnostics.diagnosis import dead_units
from diagnostics.engine.lab.profiler import portrait
from diagnostics.site.compact import chain, plain
from diagnostics.store.pictures import Ground, Picture
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig

PICTURES = 24
"""Taken of a run."""

INSIDES, FEWEST = 240, 5
"""Layers that are kept inside, over all pictures; of deep networks there are fewer pictures."""


class Album(NamedTuple):
    """A run's pictures in order, the first before training."""

    config: RunConfig
    ground: Ground | None
    pictures: list[Picture]

    def learned(self) -> list[Any]:
        """What was learned, as changes."""
        return chain(plain(self._told(one, layer=1, inside=False)) for one in self.pictures)

    def insides(self) -> dict[str, Any]:
        """Each hidden layer at some steps."""
        most = min(len(self.pictures), max(FEWEST, INSIDES // self.config.hidden_layers))
        rows = np.linspace(0, len(self.pictures) - 1, most).round().astype(int)
        shown = [self.pictures[row] for row in rows]
        return {
            "steps": [int(one.step[0]) for one in shown],
            "layers": [[*self._inside(one)] for one in shown],
        }

    def _inside(self, picture: Picture) -> Iterator[Any]:
        for layer in range(1, self.config.hidden_layers + 1):
            yield plain(self._told(picture, layer, inside=True).inside)

    def _told(self, picture: Picture, layer: int, inside: bool) -> Learned:
        shot = Shot(self.config, self.ground, picture)
        return learned.compose(Watch(layer=layer), shot, preview=False, inside=inside)


def album(store: Store, run: str, config: RunConfig, steps: Sequence[int]) -> Album:
    """The pictures at some steps of a run that are in its store."""
    ground, first = portrait(config)
    taken = {int(shot.step[0]): shot for at in steps if (shot := store.snapshot(run, at))}
    return Album(config, ground, [first, *taken.values()])


def lives(store: Store, run: str, config: RunConfig) -> list[dict[str, Any]]:
    """Of each hidden layer the steps looked at, and of each unit a 1 where it is dead."""
    seen = store.dead_units(run)
    strips = [dead_units.strip(seen, layer) for layer in range(1, config.hidden_layers + 1)]
    return [
        {"steps": steps.tolist(), "dead": ["".join(map(str, unit)) for unit in dead.tolist()]}
        for steps, dead in strips
    ]
