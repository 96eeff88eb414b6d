"""A model's parameters as a probe reads them: in one list, and by the layer that owns them."""

from collections.abc import Iterator, Sequence
from operator import attrgetter, is_

import numpy as np
from torch import Tensor, nn

from diagnostics.engine.measure import kernels, reductions
from diagnostics.engine.measure.kernels import Floats, Ints
from diagnostics.engine.measure.layers import own
from diagnostics.engine.measure.reductions import VERSION

GRADIENT = attrgetter("grad")


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
        self.norms = reductions.Norms(len(self._all))
        self.present = np.zeros(len(self._all), dtype=bool)
        self._gradients: list[Tensor | None] = []
        self._versions: list[int] = []

    def read(self) -> float:
        """Read all gradients; the global norm."""
        self._gradients = list(map(GRADIENT, self._all))
        rows = [row for row, g in enumerate(self._gradients) if g is not None]
        gradients = [g for g in self._gradients if g is not None]
        self._versions = list(map(VERSION, gradients))
        self.present.fill(False)
        self.present[rows] = True
        self.norms.clear()
        self.norms.add(reductions.gather(rows, gradients))
        return reductions.global_norm(self.norms.values)

    def changed(self) -> bool:
        """Whether somebody wrote to a gradient, or put another in its place, since ``read``."""
        now = list(map(GRADIENT, self._all))
        same = len(now) == len(self._gradients) and all(map(is_, now, self._gradients))
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

    @property
    def weight_owner(self) -> Ints:
        """Whose each weight is, [weights]."""
        return self._weights[0]

    def named(self) -> Iterator[tuple[int, str, nn.Parameter]]:
        """(layer, weight or bias, parameter)"""
        for i, _, parameter in self._owned:
            yield i, "weight" if parameter.ndim > 1 else "bias", parameter

    def _by_layer(self, owner: Ints, rows: Ints) -> Floats:
        found = np.empty(len(self.root_sizes))
        kernels.by_owner(self.norms.values, self.present, rows, owner, found)
        return found
