"""A model's parameters as a probe reads them: in one list, and by the layer that owns them."""

from collections.abc import Iterator, Sequence

import numpy as np
from torch import Tensor, nn

from diagnostics.engine import reductions, sums
from diagnostics.engine.kernels import Floats, Ints


def own(module: nn.Module) -> list[nn.Parameter]:
    """The parameters that a module holds itself."""
    return list(module.parameters(recurse=False))


class Parameters:
    """Parameters of layers and others, each once.

    What has two dimensions or more is a weight, what has less a bias. Arrays are [layers].

    Attributes:
        norms: of each parameter's gradient when they were last read; 0 where it had none.
        present: which parameters had one.
    """

    def __init__(self, modules: Sequence[nn.Module], others: Sequence[nn.Parameter]) -> None:
        every = [p for module in modules for p in own(module)] + list(others)
        self._all = list({id(p): p for p in every}.values())
        place = {id(p): row for row, p in enumerate(self._all)}
        owned = [(i, place[id(p)], p) for i, module in enumerate(modules) for p in own(module)]
        self._owned = owned
        self.weights = [p for _, _, p in owned if p.ndim > 1]
        self._weights = [np.array([o[k] for o in owned if o[2].ndim > 1], int) for k in (0, 1)]
        self._biases = [np.array([o[k] for o in owned if o[2].ndim < 2], int) for k in (0, 1)]
        sizes = np.array([p.numel() for p in self.weights], np.float64)
        self.root_sizes = np.sqrt(np.bincount(self._weights[0], sizes, len(modules)))
        self.norms = np.full(len(self._all), np.nan)
        self.present = np.zeros(len(self._all), dtype=bool)
        self._gradients: list[Tensor | None] = []
        self._versions: list[int] = []

    def read(self) -> float:
        """Read all gradients; the global norm."""
        self._gradients = [p.grad for p in self._all]
        found = [(row, g) for row, g in enumerate(self._gradients) if g is not None]
        rows, gradients = [row for row, _ in found], [g for _, g in found]
        self._versions = [g._version for g in gradients]
        self.present.fill(False)
        self.present[rows] = True
        self.norms.fill(0.0)
        reductions.add_norms(rows, gradients, self.norms)
        return reductions.global_norm(self.norms)  # those without a gradient count as 0

    def changed(self) -> bool:
        """Whether somebody wrote to a gradient, or put another in its place, since ``read``."""
        now = [p.grad for p in self._all]
        same = len(now) == len(self._gradients) and all(map(_same, now, self._gradients))
        return not same or [g._version for g in now if g is not None] != self._versions

    def release(self) -> None:
        """Keep no gradient alive."""
        self._gradients = []

    def weight_norms(self) -> Floats:
        """The gradients of each layer's weights together; NaN where none has one."""
        return self._by_layer(*self._weights)

    def bias_norms(self) -> Floats:
        """The same of its biases."""
        return self._by_layer(*self._biases)

    def updates(self, entries: Floats, changes: Floats) -> Floats:
        """‖W‖, ‖ΔW‖ and std(ΔW)/std(W) of each layer, from ``Updates``: [layers, 3]."""
        found = np.empty((len(self.root_sizes), 3))
        sums.updates(entries, changes, self._weights[0], found)
        return found

    def named(self) -> Iterator[tuple[int, str, nn.Parameter]]:
        """(layer, weight or bias, parameter)"""
        for i, _, parameter in self._owned:
            yield i, "weight" if parameter.ndim > 1 else "bias", parameter

    def _by_layer(self, owner: Ints, rows: Ints) -> Floats:
        found = np.empty(len(self.root_sizes))
        sums.by_owner(self.norms, self.present, rows, owner, found)
        return found


def _same(one: object, other: object) -> bool:
    return one is other
