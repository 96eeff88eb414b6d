"""Which optimizers move a model, and what is told of them by their settings."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch.optim import Optimizer

from diagnostics.engine.measure.kernels import Ints
from diagnostics.subject.watched import Unwatchable

SCALING = ("eps", "etas", "beta2_decay", "ns_coefficients")

HOOKS = "_optimizer_step_pre_hooks"
"""What an optimizer has once it was initialized by torch; its steps are heard then."""


def optimizers_of(given: Any) -> list[Optimizer]:
    """The optimizers that a caller named: one, several, or wrappers around them.

    Of a wrapper that has no hooks of its own (old Lookahead, accelerate's and Fabric's), what it
    wraps is meant; of one that has (SAM), both.

    Raises:
        Unwatchable: none of them can be heard.
    """
    if isinstance(given, Mapping):
        given = given.values()
    several = isinstance(given, Iterable) and not isinstance(given, (Optimizer, str))
    found = [one for each in (given if several else [given]) for one in _heard(each)]
    if not found:
        raise Unwatchable(
            f"optimizer={given!r:.60} can't be watched: it must be a torch.optim.Optimizer, "
            "a wrapper around one, or several of them."
        )
    return found


def _heard(optimizer: Any) -> Iterator[Optimizer]:
    known: set[int] = set()
    waiting = [optimizer]
    while waiting:
        one = waiting.pop(0)
        if id(one) in known:
            continue
        known.add(id(one))
        if isinstance(one, Optimizer) and hasattr(one, HOOKS):
            yield one
        elif one is optimizer and not hasattr(one, "__dict__"):
            return
        waiting += [part for part in vars(one).values() if isinstance(part, Optimizer)]


def scales_steps(optimizer: Any) -> bool:
    """Whether an optimizer scales each weight's step by that weight's own gradients.

    Told by its settings, not by its name: what divides by a running size of gradients has an eps
    that is not 0, what takes signs a second beta (Lion) or etas (Rprop), what orthogonalizes
    coefficients for that (Muon). A wrapper shows the settings of what it wraps.
    """
    known = {**getattr(optimizer, "defaults", {}), **optimizer.param_groups[0]}
    betas = known.get("betas") or ()
    return any(known.get(key) for key in SCALING) or any(betas[1:])


def learning_rate(optimizers: Iterable[Optimizer]) -> float:
    """The rate that most entries are moved with; NaN where it is not known."""
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    if len(groups) == 1:
        return _rate(groups[0])
    entries: dict[float, int] = {}
    for group in groups:
        rate = _rate(group)
        entries[rate] = entries.get(rate, 0) + sum(p.numel() for p in group["params"])
    return max(entries, key=lambda rate: entries[rate], default=float("nan"))


def _rate(group: Mapping[str, Any]) -> float:
    try:
        return float(group["lr"])
    except (KeyError, TypeError, ValueError):  # chosen by the optimizer itself, as Adafactor does
        return float("nan")


def _version(optimizer: Optimizer) -> int:
    """How often the first of its parameters was written to."""
    try:
        return int(optimizer.param_groups[0]["params"][0]._version)
    except IndexError:
        return 0


class Moved:
    """Which of a model's parameters each optimizer moves.

    Args:
        optimizers: those that are watched.
        place: of each of the model's parameters by ``id``, its row.
    """

    def __init__(self, optimizers: Iterable[Optimizer], place: Mapping[int, int]) -> None:
        self._watched = {id(one): one for one in optimizers}
        self._strangers: dict[int, Optimizer] = {}
        self._place = place
        self._known: dict[int, tuple[Any, Ints, list[torch.Tensor]]] = {}

    @property
    def watched(self) -> list[Optimizer]:
        """Those that are watched."""
        return list(self._watched.values())

    def rows(self, optimizer: Optimizer) -> Ints:
        """Rows of the parameters that it holds now."""
        return self._held_by(optimizer)[1]

    def is_watched(self, optimizer: Optimizer) -> bool:
        """Whether it is one of those."""
        return id(optimizer) in self._watched

    def ignore(self, optimizer: Optimizer) -> None:
        """It was there from the beginning, and is not watched."""
        self._strangers[id(optimizer)] = optimizer

    def joins(self, optimizer: Optimizer) -> bool:
        """Whether it is new; it is watched from now on."""
        if id(optimizer) in self._strangers or id(optimizer) in self._watched:
            return False
        self._watched[id(optimizer)] = optimizer
        return True

    def unknown(self, optimizer: Optimizer) -> list[torch.Tensor]:
        """Parameters that it holds and that the model, as far as it is known, has not."""
        return self._held_by(optimizer)[2]

    def _held_by(self, optimizer: Optimizer) -> tuple[Any, Ints, list[torch.Tensor]]:
        """A mark, rows and strangers, as long as the mark is the same: groups may be added."""
        groups = [group["params"] for group in optimizer.param_groups]
        mark = tuple((len(group), id(group[0]), id(group[-1])) for group in groups if group)
        known = self._known.get(id(optimizer))
        if known is None or known[0] != mark:
            every = [p for group in groups for p in group]
            rows = sorted({self._place[id(p)] for p in every if id(p) in self._place})
            strangers = [p for p in every if id(p) not in self._place]
            known = self._known[id(optimizer)] = mark, np.array(rows, np.int64), strangers
        return known

    def again(self, place: Mapping[int, int]) -> None:
        """The model has other parameters now."""
        self._place = place
        self._known = {}

    def written(self) -> list[int]:
        """Changes with a step of any watched optimizer, but for writes that torch doesn't count."""
        return [_version(one) for one in self._watched.values()]

    def held(self) -> Ints:
        """Rows that some watched optimizer holds."""
        found = [self.rows(one) for one in self.watched]
        return found[0] if len(found) == 1 else np.unique(np.concatenate(found))
