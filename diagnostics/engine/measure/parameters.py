"""A model's parameters as a probe reads them: in one list, and by the layer that owns them."""

from collections.abc import Iterator, Sequence
from operator import attrgetter, is_

import numpy as np
from torch import Tensor, nn

from diagnostics.engine.measure import gate, kernels, reductions
from diagnostics.engine.measure.kernels import Flags, Floats, Ints
from diagnostics.engine.measure.layers import own

GRADIENT = attrgetter("grad")
TRAINED = attrgetter("requires_grad")

NORMS = ("norms", "first", "applied", "unclipped")
"""What is known of gradients, each [parameters]."""

ROUNDED = 1e-6
"""By how much norms may differ for what is divided by a power of two."""


class Parameters:
    """Parameters of layers and others, each once, and the norms of their gradients.

    What has two dimensions or more is a weight, what has less a bias. Norms are [parameters], NaN
    where there is no gradient.

    Attributes:
        norms: as the last backward pass that filled them left them.
        first: as the first one since they were reset did.
        applied: as the optimizer was given them; NaN where none stepped.
        unclipped: ``norms`` of those, at that time.
        present: which had a gradient that can be read when it was last looked for.
        owned: which belong to a layer, [parameters].
        uncounted: which lie in pieces: torch's multi-tensor calls write to these uncounted.
        alive: which wanted a gradient at the end of a step, or were stepped in it: a part may be
            frozen for some passes only.
        stepped: which an optimizer has stepped in this step by a gradient.
        reached: which one has ever.
        zeros: how many entries of a gradient are 0, as the last pass that filled it left it.
    """

    def __init__(self, modules: Sequence[nn.Module], others: Sequence[nn.Parameter]) -> None:
        every = [p for module in modules for p in own(module)] + list(others)
        self.all = list({id(p): p for p in every}.values())
        self.place = {id(p): row for row, p in enumerate(self.all)}
        owned = [(i, self.place[id(p)], p) for i, module in enumerate(modules) for p in own(module)]
        self._owned = owned
        self.owned = np.isin(np.arange(len(self.all)), [row for _, row, _ in owned])
        self._owners, self._owned_rows = (np.array([o[k] for o in owned], int) for k in (0, 1))
        self.weights = [p for _, _, p in owned if p.ndim > 1]
        self._weights = [np.array([o[k] for o in owned if o[2].ndim > 1], int) for k in (0, 1)]
        self._biases = [np.array([o[k] for o in owned if o[2].ndim < 2], int) for k in (0, 1)]
        sizes = np.array([p.numel() for p in self.weights], np.float64)
        self.root_sizes = np.sqrt(np.bincount(self._weights[0], sizes, len(modules)))
        self._norms = reductions.Norms(len(self.all))
        self.zeros = np.full(len(self.all), np.nan)
        self._entries = np.array([p.numel() for p in self.all], np.float64)
        self.uncounted = np.array([gate.local(p) is not p for p in self.all], np.bool_)
        self._seen: list[Tensor | None] = [None] * len(self.all)
        self._versions = [-1] * len(self.all)
        self._noted: list[tuple[int, int]] = []
        self.present, self.stepped, self.reached = np.zeros((3, len(self.all)), np.bool_)
        self.alive = np.ones(len(self.all), np.bool_)
        self.norms, self.first, self.applied, self.unclipped = np.full((4, len(self.all)), np.nan)

    def norms_of_all(self) -> dict[str, Floats]:
        """All that is known of gradients, in copies, by the names of the attributes."""
        return {key: getattr(self, key).copy() for key in (*NORMS, "zeros")}

    def __len__(self) -> int:
        return len(self.all)

    def changed(self) -> Flags:
        """Whose gradient was written to, put in its place or taken away since it was read."""
        now = list(map(GRADIENT, self.all))
        if all(map(is_, now, self._seen)) and list(map(_version, now)) == self._versions:
            return np.zeros(len(now), np.bool_)
        found = ~np.fromiter(map(is_, now, self._seen), np.bool_, len(now))
        versions = np.fromiter(map(_version, now), np.int64, len(now))
        return np.asarray(found | (versions != self._versions))

    def note(self) -> None:
        """Gradients are as they are now, which keeps none of them alive."""
        self._noted = self._marks()

    def as_noted(self) -> Flags:
        """Which are as they were then, [parameters]; all where nobody noted."""
        now, then = self._marks(), self._noted
        return np.array([a == b for a, b in zip(now, then, strict=True)] if then else True)

    def _marks(self) -> list[tuple[int, int]]:
        now = list(map(GRADIENT, self.all))
        return list(zip(map(id, now), map(_version, now), strict=True))

    def taken_away(self) -> Flags:
        """Which have no gradient now."""
        return np.fromiter((p.grad is None for p in self.all), np.bool_, len(self.all))

    def read(self, rows: Ints, looks: bool = True) -> Floats:
        """The norms of some gradients as they are now; NaN where there is none.

        Args:
            looks: they are known from then on.
        """
        if looks:
            self.look(rows)
        found, present = self._norms_of(rows)
        self.present[rows] = present
        return found

    def _peek(self, rows: Ints) -> Floats:
        """The same, and what is known of them stays."""
        return self._norms_of(rows)[0]

    def _norms_of(self, rows: Ints) -> tuple[Floats, Flags]:
        if not len(rows):
            return np.empty(0), np.empty(0, np.bool_)
        gradients = [self.all[row].grad for row in rows.tolist()]
        some = [(k, gradient) for k, gradient in enumerate(gradients) if gradient is not None]
        there = np.zeros(len(rows), np.bool_)
        there[[k for k, _ in some]] = True
        self._norms.clear()
        if some:
            self._norms.add(reductions.gather([k for k, _ in some], [g for _, g in some]))
        there &= ~np.isnan(self._norms.entries[: len(rows)])
        return np.where(there, self._norms.values[: len(rows)], np.nan), there

    def look(self, rows: Ints) -> None:
        """Some gradients are known as they are now."""
        for row in rows.tolist():
            gradient = self.all[row].grad
            self._seen[row] = gradient
            self._versions[row] = _version(gradient)

    def fill(self, rows: Ints, first: Flags) -> None:
        """A backward pass filled these.

        Args:
            first: for which it was the first one since they were reset, [parameters].
        """
        now = self.read(rows)
        known = self.present[rows]
        self.norms[rows[known]] = now[known]
        seen = self._norms.rows[: len(rows)][known]
        self.zeros[rows[known]] = seen["zeros"] / seen["entries"]
        begun = rows[known & first[rows]]
        self.first[begun] = self.norms[begun]

    def hidden_scale(self, rows: Ints, changed: Ints) -> float:
        """What a loop multiplied its loss with and divided gradients by again on its own, or 1.

        A power of two, to the last bits the same for all, is no clipping: that divides by a norm.
        """
        if not len(changed):
            return 1.0
        known = rows[self.present[rows] & (self.norms[rows] > 0)]
        if not len(known) or not np.isin(known, changed).all():
            return 1.0
        now = self._peek(known)
        if not now.all():
            return 1.0
        shares = self.norms[known] / now
        exponent = np.log2(shares[0]) if 1 < shares[0] < np.inf else 0.5
        alike = np.allclose(shares, shares[0], rtol=ROUNDED, atol=0)
        whole = abs(exponent - np.rint(exponent)) < ROUNDED
        return float(2 ** np.rint(exponent)) if alike and whole else 1.0

    def settle(self, rows: Ints, changed: Ints, scale: float) -> None:
        """An optimizer is about to step by these, of which some were changed since they were read.

        Args:
            scale: what the loss was multiplied with, and the gradients no longer are.
        """
        now = np.where(self.present, self.norms, np.nan)
        now[rows] /= scale
        self.unclipped[rows] = now[rows]
        self.first[rows] /= scale
        now[changed] = self.read(changed)
        self.applied[rows] = now[rows]
        self.stepped[rows] = self.present[rows]

    def clear(self) -> None:
        """A new step begins: what was applied before says nothing of it."""
        self.applied.fill(np.nan)
        self.unclipped.fill(np.nan)
        self.stepped.fill(False)

    def release(self) -> None:
        """Keep no gradient alive; what is there now was not seen."""
        self._noted = []
        self._seen = [None] * len(self.all)
        self._versions = [-1] * len(self.all)
        self.present.fill(False)

    def by_weight(self, norms: Floats) -> Floats:
        """[parameters] to the norms of each layer's weights together; NaN where none has one."""
        return self._by_layer(norms, *self._weights)

    def by_bias(self, norms: Floats) -> Floats:
        """The same of its biases."""
        return self._by_layer(norms, *self._biases)

    def zeros_by_weight(self) -> Floats:
        """Which share of the gradients of each layer's weights is 0; NaN where none was stepped."""
        owner, rows = (part[self.stepped[self.weight_rows]] for part in self._weights)
        sums = (self.zeros[rows] * self._entries[rows], self._entries[rows])
        found, whole = (np.bincount(owner, some, len(self.root_sizes)) for some in sums)
        shares = np.full(len(found), np.nan)
        np.divide(found, whole, out=shares, where=whole > 0)
        return shares

    @property
    def weight_owner(self) -> Ints:
        """Whose each weight is, [weights]."""
        return self._weights[0]

    @property
    def weight_rows(self) -> Ints:
        """Which parameter each weight is, [weights]."""
        return self._weights[1]

    def layers_with(self, parameters: Flags) -> Flags:
        """Layers that own one of these, [layers]."""
        found = np.zeros(len(self.root_sizes), np.bool_)
        found[self._owners[parameters[self._owned_rows]]] = True
        return found

    def weights_in(self, parameters: Flags) -> Flags:
        """Layers that own a weight among these, [layers]."""
        found = np.zeros(len(self.root_sizes), np.bool_)
        found[self.weight_owner[parameters[self.weight_rows]]] = True
        return found

    def finish(self) -> None:
        """A step is over: which are trained at all?"""
        wanted = np.fromiter(map(TRAINED, self.all), np.bool_, len(self.all))
        self.alive = wanted | self.stepped
        self.reached |= self.stepped

    def named(self) -> Iterator[tuple[int, str, nn.Parameter]]:
        """(layer, weight or bias, parameter)"""
        for i, _, parameter in self._owned:
            yield i, "weight" if parameter.ndim > 1 else "bias", parameter

    def _by_layer(self, norms: Floats, owner: Ints, rows: Ints) -> Floats:
        found = np.empty(len(self.root_sizes))
        kernels.by_owner(norms, self.stepped | np.isfinite(norms), rows, owner, found)
        return found


def _version(gradient: Tensor | None) -> int:
    if gradient is None:
        return -1
    local = gate.local(gradient)
    return gradient._version + (0 if local is gradient else local._version)
