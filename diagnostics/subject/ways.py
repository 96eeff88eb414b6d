"""Ways through a graph of layers, told by what each one's input is made of.

Layers are places, from 0. ``after`` holds, of each, the places of those right before it.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from graphlib import TopologicalSorter
from typing import NamedTuple

Graph = Sequence[Sequence[int]]


@lru_cache(maxsize=32)
def ways(after: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """The longest ways through a graph of layers, until each layer lies on one.

    What leads to itself, over others or not, is left out: time is no way through a network.
    """
    before = _timeless(after)
    behind = _turned(before)
    order = list(TopologicalSorter(dict(enumerate(before))).static_order())
    heads, tails = _longest(before, order), _longest(behind, order[::-1])
    found: list[tuple[int, ...]] = []
    covered = set[int]()
    for i in sorted(range(len(after)), key=lambda i: (-heads[i].length - tails[i].length, i)):
        if i not in covered:
            found.append((*_led(heads, i)[::-1], *_led(tails, i)[1:]))
            covered.update(found[-1])
    return tuple(found)


def sparse(after: Graph) -> list[tuple[int, ...]]:
    """The same without what is told by others: a layer right before one that is before, too.

    In a residual network every layer adds to what all later ones read: n layers have n² such pairs.
    No longest way takes one of them.
    """
    made_of: list[int] = []  # of which earlier layers, a bit each
    kept = []
    for i, found in enumerate(after):
        further = direct = 0
        for j in sorted((j for j in set(found) if j < i), reverse=True):
            if not further >> j & 1:  # what it is made of is not known yet
                direct |= 1 << j
                further |= made_of[j]
        made_of.append(further | direct)
        kept.append(tuple(j for j in found if j >= i or not further >> j & 1))
    return kept


def _timeless(after: Graph) -> list[list[int]]:
    """The same without circles; a layer may stand before what it is made of, if it came later."""
    before = [[j for j in found if j < i] for i, found in enumerate(after)]
    for i, found in enumerate(after):
        before[i] += [j for j in found if j > i and not _made_of(j, i, before)]
    return before


def _made_of(i: int, part: int, before: Graph) -> bool:
    seen, waiting = set[int](), [i]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting.extend(before[one])
    return part in seen


def _turned(before: Graph) -> list[list[int]]:
    """What comes right behind each."""
    behind: list[list[int]] = [[] for _ in before]
    for i, found in enumerate(before):
        for j in dict.fromkeys(found):
            behind[j].append(i)
    return behind


class _Way(NamedTuple):
    """The longest way to a place: how many it leads through, and over which it comes."""

    length: int
    over: int | None


def _longest(steps: Graph, order: Iterable[int]) -> dict[int, _Way]:
    """Of each place, in an order in which steps lead from known ones."""
    known: dict[int, _Way] = {}
    for i in order:
        over = max(steps[i], key=lambda j: known[j].length, default=None)
        known[i] = _Way(1 + (known[over].length if over is not None else 0), over)
    return known


def _led(known: dict[int, _Way], place: int) -> list[int]:
    """The places of a way, from its end."""
    way, at = [], place
    while at is not None:
        way.append(at)
        at = known[at].over  # type: ignore[assignment]
    return way
