"""The table of specials, and what a watch has of it."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from diagnostics.engine.measure import gate, hearing
from diagnostics.engine.measure.layers import Layer
from diagnostics.engine.measure.measured import Measured
from diagnostics.engine.specials.attention import Attention
from diagnostics.engine.specials.router import Routers
from diagnostics.engine.specials.special import Function, Reading, Special, Unreadable, brought

SPECIALS: tuple[type[Special], ...] = (Attention, Routers)


class Specials:
    """All that may be seen in a model.

    Args:
        calls: how many calls of layers were heard so far in the step that goes on.

    Attributes:
        heard: how often anything was read.
        unread: kinds of tensors, or of failures, that kept from reading.
        seconds: spent reading in this step.
    """

    def __init__(self, model: nn.Module, layers: Sequence[Layer], calls: Callable[[], int]) -> None:
        self._calls = calls
        self._found: dict[Special, list[Reading]] = {kind(model, layers): [] for kind in SPECIALS}
        self._readers: dict[Function, list[tuple[Special, Callable[..., Any]]]] = {}
        for one in self._found:
            for function, reader in one.readers.items():
                self._readers.setdefault(function, []).append((one, reader))
        self._lost: set[Special] = set()
        self.heard, self.seconds = 0, 0.0
        self.unread: set[str] = set()

    def hear(
        self, function: Function, result: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        """A function of torch was called. Whatever comes of looking at it, training goes on."""
        readers = self._readers.get(function)
        if readers is None or hearing.transformed() or not torch.is_grad_enabled():
            return
        started = time.perf_counter()
        with torch.no_grad():
            for special, reader in readers:
                try:
                    numbers = reader(result, *args, **kwargs)
                except gate.BARRED as bar:
                    self.unread.add(gate.why(bar))
                    self._lost.add(special)
                except Unreadable as kind:
                    self.unread.add(str(kind))
                except Exception as error:  # whatever it is
                    self.unread.add(type(error).__name__)
                else:
                    self._keep(special, numbers)
        self.seconds += time.perf_counter() - started

    def write(self, step: Measured) -> None:
        """A step is over: its rows are filled."""
        kept = [reading for found in self._found.values() for reading in found]
        try:
            arrays = iter(brought(kept))
        except gate.BARRED as bar:
            self.unread.add(gate.why(bar))
            return
        for special, found in self._found.items():
            readings = [next(arrays) for _ in found]
            if special not in self._lost:
                special.write(readings, step)

    def clear(self) -> None:
        """A new step begins."""
        self.seconds = 0.0
        self._lost.clear()
        for found in self._found.values():
            found.clear()

    def _keep(self, special: Special, numbers: Any) -> None:
        if numbers is not None:
            self.heard += 1
            self._found[special].append(Reading(self._calls(), numbers))
