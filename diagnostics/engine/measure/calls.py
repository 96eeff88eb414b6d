"""Calls of layers: each has a number of its own, until the step it was made in is over."""


class Calls:
    """Which layer each call was made of.

    Numbers go on from step to step, so that a graph that outlives its step is known as old.

    Args:
        layers: how many there are.

    Attributes:
        layers: of each call of this step, the layer.
        order: layers in the order of their first call in this step: the keys.
    """

    def __init__(self, layers: int) -> None:
        self._count = layers
        self._base = 0
        self._keys: list[int] = []
        self._next = list(range(layers))
        self.layers: list[int] = []
        self.order: dict[int, None] = {}

    def add(self, layer: int) -> int:
        """The number of a new call."""
        key = self._next[layer]
        self._next[layer] = key + self._count
        self._keys.append(key)
        self.layers.append(layer)
        return self._base + len(self.layers) - 1

    def row(self, call: int) -> int:
        """Its place among the calls of this step; negative where it was made in another."""
        return call - self._base

    def key(self, row: int) -> int:
        """The same for the same call in every step: its layer, and how many came before of it.

        One whole number that tells both costs a third of what a pair does.
        """
        return self._keys[row]

    def clear(self) -> None:
        """A new step begins."""
        self._base += len(self.layers)
        self._next = list(range(self._count))
        self.layers, self._keys = [], []
        self.order.clear()
