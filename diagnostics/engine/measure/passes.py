"""Backward passes of a step, and which of them count: those whose gradients were applied.

A pass is found to be over by whoever knows; then it is told which parameters' gradients it filled.
A parameter's gradient may be reset before it is applied (``zero_grad`` without a step), or never be
filled (``torch.autograd.grad``): then the pass does not count for it. When an optimizer steps, the
passes since its parameters were reset are applied together, in place of those of an earlier step.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from diagnostics.engine.measure import gate, kernels
from diagnostics.engine.measure.kernels import Flags, Ints

Place = tuple[int, int]
"""A call, and which of its outputs."""


@dataclass(slots=True)
class Pass:
    """One backward pass.

    Attributes:
        events: rows of signals, each with the call and output it is of.
        replaced: rows of earlier passes that are contained in rows of this one: δ adds up.
        kept: signals of a graph that may be gone through again.
        fresh: parameters whose gradient it filled and that were not yet stepped, [parameters].
        applied: parameters that were stepped by what it left, [parameters].
        scale: what its loss was multiplied with.
        old: whether it went through a graph of an earlier step.
        again: whether its graph was kept, and of its signals there are sums alone.
    """

    fresh: Flags
    applied: Flags
    events: list[tuple[int, Place]] = field(default_factory=list)
    replaced: set[int] = field(default_factory=set)
    kept: dict[Place, tuple[int, Tensor]] = field(default_factory=dict)
    scale: float = 1.0
    old: bool = False
    again: bool = False


class Passes:
    """The passes of a step, one of which may be going on.

    Args:
        parameters: how many the model has.

    Attributes:
        going: the pass that is going on.
        calls: of each row of signals, the call it is of.
    """

    def __init__(self, parameters: int) -> None:
        self._parameters = parameters
        self._done: list[Pass] = []
        self.going: Pass | None = None
        self.calls: list[int] = []

    def begin(self) -> Pass:
        """Another pass begins; one that is going on already failed."""
        none = np.zeros((2, self._parameters), np.bool_)
        self.going = Pass(none[0], none[1])
        return self.going

    def signal(self, place: Place, gradient: Tensor) -> tuple[int, Tensor | None]:
        """A row for a signal gradient, and what belongs there: ∂L/∂z of all passes so far.

        None where no memory was left to keep them in.
        """
        assert self.going is not None
        before = self._before(place) if self._done else None
        row, keeps = len(self.calls), torch._C._autograd._get_current_graph_task_keep_graph()
        try:
            if before is not None:
                gradient = before[1] + gradient
            elif self._done and self.kept:
                return self.sums(place, again=keeps), None
            if keeps:
                self.going.kept[place] = row, gradient.detach().clone()
        except gate.BARRED:
            return self.sums(place, again=True), None
        if before is not None:
            self.going.replaced.add(before[0])
        self.calls.append(place[0])
        self.going.events.append((row, place))
        return row, gradient

    def sums(self, place: Place, again: bool) -> int:
        """A row for a signal that is told by its sums alone."""
        assert self.going is not None
        self.going.again = again
        self.calls.append(place[0])
        self.going.events.append((len(self.calls) - 1, place))
        return len(self.calls) - 1

    @property
    def kept(self) -> bool:
        """Whether a pass that will be applied kept a graph of which sums alone are known."""
        return any(done.again and done.fresh.any() for done in self._done)

    def _before(self, place: Place) -> tuple[int, Tensor] | None:
        for done in reversed(self._done):
            if place in done.kept and done.fresh.any():
                return done.kept[place]
        return None

    def outlived(self) -> None:
        """The pass that is going on has come to a call of an earlier step."""
        if self.going is not None:
            self.going.old = True

    @property
    def old(self) -> bool:
        """Whether a pass that was applied came to such a call."""
        return any(one.old and one.applied.any() for one in self._done)

    def end(self) -> None:
        """The pass is over; it counts where it filled gradients."""
        assert self.going is not None
        if self.going.fresh.any() or self.going.applied.any():
            self._done.append(self.going)
        self.going = None

    @property
    def fresh(self) -> Flags:
        """Parameters with gradients that were not applied, [parameters]."""
        found = np.zeros(self._parameters, np.bool_)
        for one in self._all:
            found |= one.fresh
        return found

    @property
    def _all(self) -> list[Pass]:
        return self._done if self.going is None else [*self._done, self.going]

    def reset(self, rows: Ints) -> None:
        """These gradients were thrown away."""
        for one in self._done:
            one.fresh[rows] = False
        self._done = [one for one in self._done if one.fresh.any() or one.applied.any()]

    def apply(self, parameters: Flags, scale: float) -> None:
        """An optimizer steps by these gradients, of a loss that was multiplied with a scale."""
        moving = [one for one in self._all if kernels.meet(one.fresh, parameters)]
        for one in self._all if moving else ():
            one.applied[parameters] = one.fresh[parameters]
            one.fresh[parameters] = False
        for one in moving:
            one.scale = scale

    def counted(self) -> list[Pass]:
        """Passes that were applied to some parameter, in their order."""
        return [one for one in self._done if one.applied.any()]

    def clear(self) -> None:
        """A new step begins."""
        self._done, self.going = [], None
        self.calls = []
