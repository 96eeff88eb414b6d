"""Which networks of a sweep are trained side by side, where that is faster."""

from collections.abc import Iterable, Sequence
from math import ceil

from diagnostics.subject.config import RunConfig

MOST = 8
"""Members of a team: more are hardly faster, and a sweep's picture fills in by teams."""

LARGEST = 1 << 21
"""Multiplications of a layer by a batch above which a step is arithmetic, and no longer calls:
teams of such networks take 0.8 of the time and more."""

ALIKE = (
    *("depth", "width", "residual", "norm", "norm_position"),
    *("dataset", "batch_size", "accumulate"),
)
"""Fields that a team's members have in common; in all others they may differ."""


def shape(config: RunConfig) -> tuple[object, ...] | None:
    """What a network has in common with those that it may be trained beside; None for alone.

    What is dropped out is drawn at random by each, and time steps share their weights.
    """
    large = config.width**2 * config.batch_size > LARGEST
    if config.recurrent or config.dropout or large:
        return None
    return tuple(getattr(config, key) for key in ALIKE)


def teams(configs: Sequence[RunConfig], slots: int) -> list[list[int]]:
    """Places of those that are trained together, in the order of the first of each.

    Args:
        slots: teams that are trained at the same time, all of which shall have work.
    """
    most = min(MOST, ceil(len(configs) / slots))
    found: dict[object, list[int]] = {}
    for place, config in enumerate(configs):
        found.setdefault(shape(config) or place, []).append(place)
    parts = [part for alike in found.values() for part in _evenly(alike, most)]
    return sorted(parts)


def _evenly(places: Sequence[int], most: int) -> Iterable[list[int]]:
    """In as few parts as can be, of nearly one size."""
    count = ceil(len(places) / most)
    size = ceil(len(places) / count)
    return (list(places[i : i + size]) for i in range(0, len(places), size))
