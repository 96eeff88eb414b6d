"""A model's parameters as a probe reads them: in one list, and by the layer that owns them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import nn

from diagnostics.engine import reductions
from diagnostics.engine.reductions import Floats

Rows = NDArray[np.int64]


class Pooled(NamedTuple):
    """The weights of each layer taken together, and the change that a step made of them."""

    norm: Floats
    std: Floats
    update_norm: Floats
    update_std: Floats


def own(module: nn.Module) -> list[nn.Parameter]:
    """The parameters that a module holds itself."""
    return list(module.parameters(recurse=False))


class Parameters:
    """Parameters of layers and others, each once.

    What has two dimensions or more is a weight, what has less a bias. Arrays are [layers].
    """

    def __init__(self, modules: Sequence[nn.Module], others: Sequence[nn.Parameter]) -> None:
        every = [p for module in modules for p in own(module)] + list(others)
        self._all = list({id(p): p for p in every}.values())
        self._count = len(modules)
        place = {id(p): row for row, p in enumerate(self._all)}
        owned = [(i, place[id(p)], p) for i, module in enumerate(modules) for p in own(module)]
        self._owned = owned
        self.weights = [p for _, _, p in owned if p.ndim > 1]
        self._weight_owner = np.array([i for i, _, p in owned if p.ndim > 1], np.int64)
        self._weight_rows = np.array([row for _, row, p in owned if p.ndim > 1], np.int64)
        self._bias_owner = np.array([i for i, _, p in owned if p.ndim < 2], np.int64)
        self._bias_rows = np.array([row for _, row, p in owned if p.ndim < 2], np.int64)
        self._one_each = self._weight_owner.tolist() == list(range(self._count))
        sizes = np.array([p.numel() for p in self.weights], np.float64)
        self.root_sizes = np.sqrt(np.bincount(self._weight_owner, sizes, self._count))
        self.present = np.zeros(len(self._all), dtype=bool)
        """Which parameters had a gradient when it was last asked for."""

    def norms(self) -> Floats:
        """The norm of each parameter's gradient; NaN where it has none."""
        gradients = [p.grad for p in self._all]
        self.present = np.array([gradient is not None for gradient in gradients], dtype=bool)
        found = np.full(len(gradients), np.nan)
        found[self.present] = reductions.norms([g for g in gradients if g is not None])
        return found

    def versions(self) -> list[tuple[int, int]]:
        """(address, version) of each gradient."""
        gradients = [p.grad for p in self._all]
        return [(g.data_ptr(), g._version) for g in gradients if g is not None]

    def weight_norms(self, norms: Floats) -> Floats:
        """Of each layer's weights together; NaN where none has a gradient."""
        return self._by_layer(norms, self._weight_rows, self._weight_owner)

    def bias_norms(self, norms: Floats) -> Floats:
        """The same of its biases."""
        return self._by_layer(norms, self._bias_rows, self._bias_owner)

    def named(self) -> Iterator[tuple[int, str, nn.Parameter]]:
        """(layer, weight or bias, parameter)"""
        for i, _, parameter in self._owned:
            yield i, "weight" if parameter.ndim > 1 else "bias", parameter

    def pooled(self, sums: Floats) -> Pooled:
        """What ``reductions.Updates`` read of each weight, for each layer."""
        full, size, w, ww, d, dd = sums.T if self._one_each else self._added_up(sums)
        with np.errstate(all="ignore"):
            share = full / size
            return Pooled(
                np.sqrt(ww * share), _std(size, w, ww), np.sqrt(dd * share), _std(size, d, dd)
            )

    def _added_up(self, sums: Floats) -> list[Floats]:
        owner, count = self._weight_owner, self._count
        return [np.bincount(owner, column, count).astype(np.float64) for column in sums.T]

    def _by_layer(self, norms: Floats, rows: Rows, owner: Rows) -> Floats:
        known = self.present[rows]
        found = np.full(self._count, np.nan)
        rows, owner = rows[known], owner[known]
        if len(owner) == len(set(owner.tolist())):
            found[owner] = norms[rows]
            return found
        squares = np.bincount(owner, norms[rows] ** 2, self._count)
        found[owner] = np.sqrt(squares[owner])
        return found


ROUNDING = 1e-14


def _std(size: Floats, total: Floats, squares: Floats) -> Floats:
    """Population standard deviation; what is below rounding is 0."""
    mean_square = squares / size
    variance = mean_square - (total / size) ** 2
    return np.sqrt(np.where(variance > ROUNDING * mean_square, variance, variance * 0))
