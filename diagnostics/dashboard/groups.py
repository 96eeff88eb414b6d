"""Layers of a large model in groups: neighbours that belong together, as many as fit on a screen.

What is shown of a group is the median of its layers' numbers, with the band that most lie in; what
is far from the others, 0, or no number is never lost in it. Layers are numbered from 1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diagnostics.store.records import Scale
from diagnostics.subject.watched import Subject

LARGE = 256
"""Layers from which on a model is shown in groups: fewer have a row of pixels each in the heatmap,
and points that can be told apart."""

MOST = 100
"""Groups: boxes that a finger can hit on a projector, rows of three pixels, frames below 15 kB."""

FEW, MANY = 5, 95
"""Percentiles between which most layers of a group lie."""

APART = {"log": 0.5, "count": 1.0}
"""Beyond that band a layer is far from the others: half a decade, one; of other scales a tenth."""

Floats = NDArray[np.floating]


class Group(NamedTuple):
    """Neighbours, both ends among them; ``name`` is what their paths have in common."""

    name: str
    first: int
    last: int

    @property
    def layers(self) -> int:
        """How many there are."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Level:
    """What is in sight of a model: all its groups, or the layers of an open one.

    Attributes:
        part: the open one's name; empty for all.
        groups: in order; the output layer stands behind them by itself, whatever is open.
    """

    part: str
    groups: tuple[Group, ...]

    @property
    def hidden(self) -> slice:
        """The layers in sight but the output, which are neighbours; from 0."""
        return slice(self.groups[0].first - 1, self.groups[-2].last)

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Of each group, the places of its layers, from 0, and −1 until all groups are as large."""
        widest = max(one.layers for one in self.groups)
        rows = [np.arange(one.first - 1, one.last) for one in self.groups]
        return np.array([np.pad(row, (0, widest - len(row)), constant_values=-1) for row in rows])

    def of(self, values: Floats) -> Floats:
        """The values of each group's layers, [..., groups, layers]; NaN where there are no more.

        Args:
            values: [..., layers].
        """
        missing = np.full((*values.shape[:-1], 1), np.nan)
        return np.concatenate([values, missing], axis=-1)[..., self._places]

    def most(self, marks: NDArray[np.int64]) -> NDArray[np.int64]:
        """The largest mark in each group."""
        return np.array([marks[first - 1 : last].max() for _, first, last in self.groups])

    def farthest(self, decades: Floats) -> Floats:
        """Of each group the layer farthest from 0, [steps, groups − 1]; NaN where one was lost.

        Args:
            decades: of hidden layers, [steps, layers − 1]; those without any number say nothing.
        """
        inside = decades[:, self.hidden]
        starts = [one.first - self.groups[0].first for one in self.groups[:-1]]
        silent = np.isnan(inside).all(axis=0)
        lost = np.logical_or.reduceat(np.isnan(inside) & ~silent, starts, axis=1)
        low = np.fmin.reduceat(inside, starts, axis=1)
        high = np.fmax.reduceat(inside, starts, axis=1)
        return np.where(lost, np.nan, np.where(-low > high, low, high))


@dataclass(frozen=True)
class Spread:
    """Of the numbers of each group, [..., groups]: percentiles, and what is far beyond them."""

    low: Floats
    median: Floats
    high: Floats
    least: Floats
    most: Floats


def spread(numbers: Floats, scale: Scale) -> Spread:
    """How a metric's numbers lie within groups; each is some layer's, none is made up.

    Of a logarithmic one 0 is no part of the median where there are other numbers; ``least`` tells.

    Args:
        numbers: [groups, layers], NaN where there is none.
    """
    finite = np.where(np.isfinite(numbers), numbers, np.nan)
    log = scale == "log"
    kept = np.where(finite > 0, finite, np.nan) if log else finite
    ordered = np.sort(kept, axis=-1)  # what is no number comes last
    count = np.isfinite(ordered).sum(axis=-1)
    low, median, high = (_ranked(ordered, count, share) for share in (FEW, 50, MANY))
    least, most = ordered[..., 0], _ranked(ordered, count, 100)
    zero = log & (finite == 0).any(axis=-1)
    measure = np.log10 if log else np.asarray
    with np.errstate(all="ignore"):
        lower, upper = measure(low) - measure(least), measure(most) - measure(high)
        far = np.maximum(measure(high) - measure(low), APART.get(scale, 0.1))
    alone = count < 2
    return Spread(
        low=np.where(alone, np.nan, low),
        median=np.where(zero & (count == 0), 0.0, median),
        high=np.where(alone, np.nan, high),
        least=np.where(zero, 0.0, np.where(lower > far, least, np.nan)),
        most=np.where(upper > far, most, np.nan),
    )


def _ranked(ordered: Floats, count: NDArray[np.int64], share: float) -> Floats:
    """The number at a percentile, towards the median; NaN where there is none."""
    at = share / 100 * np.maximum(count - 1, 0)
    place = (np.ceil(at) if share < 50 else np.floor(at)).astype(int)
    return np.take_along_axis(ordered, place[..., None], axis=-1)[..., 0]


def holding(subject: Subject, layers: int, number: int) -> str:
    """What the group of a layer is called; empty where it stands by itself."""
    whole = level(subject, layers, "")
    found = whole.groups if whole else ()
    return next((one.name for one in found if one.first <= number <= one.last != one.first), "")


def level(subject: Subject, layers: int, part: str) -> Level | None:
    """What is in sight of a model; None where it is small enough to be shown layer by layer."""
    return _level(subject.names[:layers], layers, part) if layers > LARGE else None


@lru_cache(maxsize=64)
def _level(names: tuple[str, ...], layers: int, part: str) -> Level:
    known = [*names, *(str(number) for number in range(len(names) + 1, layers + 1))]
    output = Group(known[-1], layers, layers)
    everything = Group("", 1, layers - 1)
    opened = next((one for one in _parts(known) if one.name == part), everything)
    return Level(opened.name, (*grouped(known, opened), output))


def _parts(names: Sequence[str]) -> Iterator[Group]:
    """All that can be opened: groups, then whatever has a path of its own."""
    yield from (one for one in grouped(names, Group("", 1, len(names) - 1)) if one.layers > 1)
    known: dict[str, list[int]] = {}
    for number, name in enumerate(names[:-1], 1):
        words = name.split(".")
        for depth in range(1, len(words)):
            known.setdefault(".".join(words[:depth]), []).append(number)
    yield from (Group(name, found[0], found[-1]) for name, found in known.items())


def grouped(names: Sequence[str], span: Group) -> tuple[Group, ...]:
    """The layers of a span in at most ``MOST`` groups, in order, as even as their paths allow.

    Few layers stand by themselves. A group is a block, or neighbouring blocks of one parent.
    """
    if span.layers <= LARGE and span.name:
        return tuple(Group(names[i - 1], i, i) for i in range(span.first, span.last + 1))
    size = -(-span.layers // MOST)
    while len(found := list(_within(names, span.first, span.last, 0, size))) > MOST:
        size += max(1, size // 8)
    return _apart(
        [one if one.layers > 1 else one._replace(name=names[one.first - 1]) for one in found]
    )


def _within(names: Sequence[str], first: int, last: int, depth: int, size: int) -> Iterator[Group]:
    """Groups of no more layers than a size, unless only one layer is left of a path."""
    waiting: list[Group] = []
    for block in _blocks(names, first, last, depth):
        if waiting and sum(one.layers for one in waiting) + block.layers > size:
            yield _together(waiting)
            waiting = []
        if block.layers > size:
            yield from _within(names, block.first, block.last, depth + 1, size)
        else:
            waiting.append(block)
    if waiting:
        yield _together(waiting)


def _blocks(names: Sequence[str], first: int, last: int, depth: int) -> Iterator[Group]:
    """Neighbours whose paths begin with the same words; a path that has ended is one layer's."""

    def beginning(number: int) -> tuple[str, int]:
        path = names[number - 1].split(".")
        return ".".join(path[: depth + 1]), number if len(path) <= depth else 0

    for (name, _), found in groupby(range(first, last + 1), beginning):
        numbers = list(found)
        yield Group(name, numbers[0], numbers[-1])


def _together(blocks: Sequence[Group]) -> Group:
    """Neighbouring blocks of one parent as one: ``blocks.0`` to ``blocks.4`` is ``blocks.0–4``."""
    first, last = blocks[0], blocks[-1]
    ending = "" if first is last else f"–{last.name.rpartition('.')[2]}"
    return Group(first.name + ending, first.first, last.last)


def _apart(groups: Sequence[Group]) -> tuple[Group, ...]:
    """With other names where two are called alike, since something else lies between them."""
    seen: set[str] = set()
    told = []
    for one in groups:
        name = one.name if one.name not in seen else f"{one.name} ({one.first}–{one.last})"
        seen.add(name)
        told.append(one._replace(name=name))
    return tuple(told)
