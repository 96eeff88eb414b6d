"""What follows what: ways through autograd's graph from layer to layer."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from torch import Tensor


class Ways:
    """Finds, for each layer, the layers whose outputs its input is made of, the nearest ones.

    Nodes are kept from a forward pass to the beginning of its backward pass, and looked at then.

    Attributes:
        after: of each layer that was found, the nearest ones before it.
        hidden: whether parts of the graph were made only during a backward pass, and are not
            connected to the rest.
        repeating: layers whose output is made of an earlier one of their own.
    """

    def __init__(self) -> None:
        self._nodes: dict[Any, int] = {}
        self._traced: set[int] = set()
        self.after: dict[int, frozenset[int]] = {}
        self.hidden = False
        self.repeating: set[int] = set()

    def add(self, layer: int, outputs: list[Tensor]) -> None:
        """A layer was called."""
        for z in outputs:
            self._nodes.setdefault(z.grad_fn, layer)

    @property
    def pending(self) -> bool:
        """Whether outputs wait to be followed."""
        return bool(self._nodes)

    def wants(self, layer: int) -> bool:
        """Whether a layer's outputs are to be followed back."""
        return layer not in self._traced

    @property
    def links(self) -> int:
        """How many were found."""
        return sum(map(len, self.after.values()))

    def trace(self) -> None:
        """Follow all outputs seen back to those before them.

        What others are made of may be a layer's that is new: then all are followed once more.
        """
        layers = set(self._nodes.values())
        later = self.after and not layers <= self.after.keys()
        self._traced = set() if later else self._traced | layers
        known: dict[Any, frozenset[int]] = {}
        for node, layer in self._nodes.items():
            found = self.after.get(layer, frozenset()) | _sources(node, self._nodes, known)
            self.after[layer] = found
        self.repeating = self._repeated()
        self.clear()

    def before(self, layer: int) -> Iterable[int] | None:
        """The nearest ones; None where that can't be known, since parts were never connected."""
        return None if self.hidden or not self.after else self.after.get(layer, ())

    def clear(self) -> None:
        """Keep no graph alive."""
        self._nodes = {}

    def _repeated(self) -> set[int]:
        """Layers whose output is made of an earlier one of their own; most models have none."""
        try:
            TopologicalSorter(self.after).prepare()
        except CycleError:
            return {layer for layer in self.after if self._repeats(layer)}
        return set()

    def _repeats(self, layer: int) -> bool:
        """Whether a layer's output is made of an earlier one of its own."""
        seen: set[int] = set()
        waiting = list(self.after.get(layer, ()))
        while waiting:
            one = waiting.pop()
            if one == layer:
                return True
            if one not in seen:
                seen.add(one)
                waiting.extend(self.after.get(one, ()))
        return False


def _sources(
    start: Any, layers: Mapping[Any, int], known: dict[Any, frozenset[int]]
) -> frozenset[int]:
    """Layers met first on all ways back from a node; each node is looked at once."""
    stack = [start]
    while stack:
        node = stack[-1]
        before = [one for one, _ in node.next_functions if one is not None]
        missing = [one for one in before if one not in layers and one not in known]
        if missing and node not in known:
            stack.extend(missing)
            continue
        stack.pop()
        met = (frozenset({layers[one]}) if one in layers else known[one] for one in before)
        known.setdefault(node, frozenset().union(*met))
    return known[start]
