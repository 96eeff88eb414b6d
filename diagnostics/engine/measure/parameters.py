"""A model's parameters as a probe reads them: in one list, and by the layer that owns them."""

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

import numpy as np
from torch import Tensor, nn

from diagnostics.engine.measure import gate, kernels, reductions
from diagnostics.engine.measure.kernels import GRADIENT, Flags, Floats, Ints, Records
from diagnostics.engine.measure.layers import own

TRAINED = attrgetter("requires_grad")

NORMS = ("norms", "first", "applied", "unclipped")
"""What is known of gradients, each [parameters]."""

ROUNDED = 1e-6
"""By how much norms may differ for what is divided by a power of two."""

NONE = np.empty(0, np.int64)


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
        left: the norm of what lay in a gradient before this step's first pass.
        under: the same of what this step's passes were added to, until it is applied.
        lying: as it was applied in the step before, where it may still lie.
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
        self._layers = len(modules)
        self._norms = reductions.Norms(len(self.all))
        self._known = known = np.zeros(len(self.all), GRADIENT)
        self._counts = list(map(Tensor.numel, self.all))
        known["entries"] = self._counts
        self.norms, self.first, self.unclipped = known["norm"], known["first"], known["unclipped"]
        self.applied, self.zeros, self.lying = known["applied"], known["zeros"], known["lying"]
        self.left, self.under = known["left"], known["under"]
        self.present, self.stepped = known["present"], known["stepped"]
        for unknown in (*(getattr(self, key) for key in NORMS), self.zeros, self.lying):
            unknown.fill(np.nan)
        self.uncounted = np.array([gate.local(p) is not p for p in self.all], np.bool_)
        self._seen: list[Tensor | None] = [None] * len(self.all)
        self._versions = [-1] * len(self.all)
        self._noted: list[tuple[int, int]] = []
        self.reached = np.zeros(len(self.all), np.bool_)
        self.alive = np.ones(len(self.all), np.bool_)

    def norms_of_all(self) -> dict[str, Floats]:
        """All that is known of gradients, in copies, by the names of the attributes."""
        return {key: getattr(self, key).copy() for key in (*NORMS, "zeros")}

    def restore(self, known: Mapping[str, Floats]) -> None:
        """What was known so."""
        for key, norms in known.items():
            getattr(self, key)[:] = norms

    def __len__(self) -> int:
        return len(self.all)

    def changed(self) -> Ints:
        """Rows whose gradient was written to, put in its place or taken away since it was read."""
        seen = zip(self.all, self._seen, self._versions, strict=True)
        rows = [
            row
            for row, (parameter, before, version) in enumerate(seen)
            if (now := parameter.grad) is not before or _version(now) != version
        ]
        return np.array(rows, np.int64) if rows else NONE

    def note(self) -> None:
        """Gradients are as they are now, which keeps none of them alive."""
        self._noted = self._marks()

    def as_noted(self) -> Flags:
        """Which are as they were then, [parameters]; all where nobody noted."""
        now, then = self._marks(), self._noted
        return np.array([a == b for a, b in zip(now, then, strict=True)] if then else True)

    def _marks(self) -> list[tuple[int, int]]:
        return [(id(now := parameter.grad), _version(now)) for parameter in self.all]

    def taken_away(self, rows: Ints) -> Ints:
        """Which of these have no gradient now."""
        return np.array([row for row in rows.tolist() if self.all[row].grad is None], np.int64)

    def read(self, rows: Ints, looks: bool = True) -> Floats:
        """The norms of some gradients as they are now; NaN where there is none.

        Args:
            looks: they are known from then on.
        """
        if looks:
            self.look(rows)
        return kernels.present(rows, self._sizes_of(rows), self._known)

    def _peek(self, rows: Ints) -> Floats:
        """The same, and what is known of them stays."""
        sizes = self._sizes_of(rows)
        return np.where(np.isnan(sizes["entries"]), np.nan, sizes["norm"])

    def _sizes_of(self, rows: Ints) -> Records:
        """Of some gradients as they are now; no number of entries where there is none."""
        gradients = [self.all[row].grad for row in rows.tolist()]
        there = [k for k, gradient in enumerate(gradients) if gradient is not None]
        self._norms.clear()
        if len(there) < len(rows):
            self._norms.lose([k for k, gradient in enumerate(gradients) if gradient is None])
        if there:
            self._norms.add(reductions.gather(there, [g for g in gradients if g is not None]))
        return self._norms.rows

    def look(self, rows: Ints) -> None:
        """Some gradients are known as they are now."""
        for row in rows.tolist():
            self._seen[row] = gradient = self.all[row].grad
            self._versions[row] = _version(gradient)

    def fill(self, rows: Ints, fresh: Flags, filled: Flags) -> int:
        """A backward pass filled these; how many of them can be read.

        Args:
            fresh: those that were filled before and not yet applied, [parameters].
            filled: is told which of these it filled, [parameters].
        """
        if not len(rows):
            return 0
        self.look(rows)
        return int(kernels.fill(rows, self._sizes_of(rows), fresh, filled, self._known))

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

    def settle(self, rows: Ints, clipped: Ints, scale: float, fresh: Flags) -> tuple[float, bool]:
        """An optimizer is about to step by these, of which some were changed since they were read.

        Args:
            scale: what the loss was multiplied with, and the gradients no longer are.
            fresh: those that passes of this step have filled, [parameters].

        Returns:
            The norm of what lay under them before the step began, and whether all are finite.
        """
        counts = list(map(Tensor.numel, self.all))
        if counts != self._counts:  # some were pruned, or have grown
            self._counts = self._known["entries"][:] = counts
        self.look(clipped)
        sizes = self._sizes_of(clipped) if len(clipped) else self._norms.rows
        under, finite = kernels.settle(rows, clipped, sizes, scale, fresh, self._known)
        return float(under), bool(finite)

    def clear(self) -> None:
        """A new step begins: what was applied before says nothing of it.

        No gradient is kept alive; what is there now was not seen.
        """
        kernels.begin(self._known)
        self._noted = []
        self._seen = [None] * len(self.all)
        self._versions = [-1] * len(self.all)

    def write(self, share: float, out: Records) -> tuple[float, float, bool]:
        """Norms of each layer's gradients, into rows of metrics.

        Args:
            share: of the step's loss that a backward pass was for.

        Returns:
            The global norm of what was stepped, the same as it was applied, and whether all that
            was is finite; NaN where nothing was.
        """
        (owner, weights), (others, biases) = self._weights, self._biases
        found = kernels.gradients(self._known, weights, owner, biases, others, share, out)
        return float(found[0]), float(found[1]), bool(found[2])

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
        found = np.zeros(self._layers, np.bool_)
        found[self._owners[parameters[self._owned_rows]]] = True
        return found

    def weights_in(self, parameters: Flags) -> Flags:
        """Layers that own a weight among these, [layers]."""
        found = np.zeros(self._layers, np.bool_)
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


def _version(gradient: Tensor | None) -> int:
    if gradient is None:
        return -1
    if type(gradient) is Tensor:  # nearly all are
        return gradient._version
    local = gate.local(gradient)
    return int(gradient._version) + (0 if local is gradient else local._version)
