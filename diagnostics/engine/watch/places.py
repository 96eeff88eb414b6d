"""The places of a model's layers in what is stored: those called first stand first, for good."""

from collections.abc import Iterable, Sequence

import numpy as np

from diagnostics.engine.measure.graph import Ways
from diagnostics.engine.measure.kernels import Floats, Ints
from diagnostics.engine.measure.layers import Layer
from diagnostics.engine.measure.probe import Probe
from diagnostics.subject.watched import WatchedLayer
from diagnostics.subject.ways import sparse

GONE = -1
"""The index of a layer that the model no longer has."""


class Places:
    """Which layer stands where; a place is kept by its name, also where a layer is exchanged.

    Args:
        layers: of the model, by index.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers
        self._names: list[str] = []
        self._order: list[int] = []

    def __len__(self) -> int:
        return len(self._order)

    def extend(self, called: Iterable[int]) -> None:
        """Layers that were called, in that order; those not seen before get the next places."""
        known = set(self._order)
        for i in called:
            if i not in known:
                self._order.append(i)
                self._names.append(self._layers[i].name)

    def take_up(self, names: Sequence[str]) -> None:
        """These had their places before."""
        self._names = list(names)
        self.again(self._layers)

    def again(self, layers: Sequence[Layer]) -> None:
        """The model has these layers now."""
        self._layers = layers
        index = {layer.name: i for i, layer in enumerate(layers)}
        self._order = [index.get(name, GONE) for name in self._names]

    def sorted(self, values: Floats) -> Floats:
        """[model's layers, metrics] in the order of places; NaN where a layer is gone."""
        found = values[self._order]
        gone = [place for place, i in enumerate(self._order) if i == GONE]
        if gone:
            found[gone] = np.nan
        return found

    def of(self, index: int) -> int:
        """Where a layer stands, from 1; one that has no place is answered for by the one before.

        A module that is never called may yet lend its weights, as in attention.
        """
        shown = [k for k in self._order if k <= index and k != GONE] or self._order
        if not shown:
            return 1
        return self._order.index(max(shown, key=lambda k: (k <= index, k))) + 1

    @property
    def names(self) -> list[str]:
        """What the layers are called."""
        return self._names

    @property
    def missing(self) -> list[str]:
        """Names of layers that were not called."""
        called = set(self._order)
        return [layer.name for i, layer in enumerate(self._layers) if i not in called]

    def unreached(self, probe: Probe) -> list[str]:
        """Names of those that are trained, and that no optimizer has stepped by a gradient."""
        parameters = probe.parameters
        waiting = parameters.weights_in(parameters.alive & ~parameters.reached)
        known = zip(self._order, self._names, strict=True)
        return [name for i, name in known if i != GONE and waiting[i]]

    def layers(self, probe: Probe, held: Ints) -> tuple[WatchedLayer, ...]:
        """What is known of those that have a place.

        Args:
            held: rows of parameters that a watched optimizer holds.
        """
        rows = np.zeros(len(probe.parameters), np.bool_)
        rows[held] = True
        moved = probe.parameters.weights_in(rows)
        trained = probe.parameters.weights_in(probe.parameters.alive)
        after = self._after(probe.ways)
        return tuple(
            WatchedLayer(
                name=name,
                kind=type(self._layers[i].linear).__name__.removeprefix("Parametrized"),
                activation=probe.kinds.get(i, ""),
                frozen=not trained[i],
                moved=bool(moved[i]),
                after=after[k] if after else None,
            )
            if i != GONE
            else WatchedLayer(name=name, moved=False)
            for k, (i, name) in enumerate(zip(self._order, self._names, strict=True))
        )

    def _after(self, ways: Ways) -> list[tuple[int, ...]] | None:
        """The places before each; None where that can't be known."""
        found = [ways.before(i) for i in self._order]
        if any(layers is None for layers in found):
            return None
        place = {i: k for k, i in enumerate(self._order)}
        return sparse([sorted(place[j] for j in layers or () if j in place) for layers in found])
