"""Tensors that hooks have seen and that are read together, in one native call for many."""

from collections.abc import Callable

from torch import Tensor

MOST_HELD = 1 << 18
"""Entries that may wait: few enough to stay in a cache and to cost no memory worth naming. Of
larger tensors one call for each costs nothing in comparison."""


class Pending:
    """Tensors that wait to be read, each with the layer it belongs to.

    What training writes to before it was read is not what the layer gave out; torch counts writes
    in a tensor's version, so it is known. It is dropped, the layer has no numbers in this step, and
    from then on what comes of the same call is read at once. A call is known by its layer and by
    how many came before it in the same step: of a layer called twice, one output may be kept and
    the other written to.

    The first step is read at once throughout, and waits as well: so most of these calls are known
    before anything is lost.

    Args:
        read: is given layers and tensors.
        lose: is given layers of which a tensor was dropped.
    """

    def __init__(
        self,
        layers: int,
        read: Callable[[list[int], list[Tensor]], None],
        lose: Callable[[list[int]], None],
    ) -> None:
        self._layers, self._read, self._lose = layers, read, lose
        self._waiting: list[tuple[int, Tensor, int]] = []
        self._entries = 0
        # A call's number is its layer's, plus the number of layers for each call before: one whole
        # number that tells both, and costs a third of what a pair does at every tensor.
        self._next = list(range(layers))
        self._changing: set[int] = set()
        self.first = True
        """Whether this is the first step."""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, layer: int, tensor: Tensor) -> None:
        """A tensor, as it is now."""
        call = self._next[layer]
        self._next[layer] = call + self._layers
        if call in self._changing:
            self.read()
            self._read([layer], [tensor])
            return
        if self.first:
            self._read([layer], [tensor])
        self._waiting.append((call, tensor, tensor._version))
        self._entries += tensor.numel()
        if self._entries > MOST_HELD:
            self.read()

    def read(self) -> None:
        """Read all that wait."""
        waiting, self._waiting, self._entries = self._waiting, [], 0
        same = [(call, tensor) for call, tensor, before in waiting if tensor._version == before]
        if len(same) < len(waiting):
            changed = {call for call, _, _ in waiting} - {call for call, _ in same}
            self._changing |= changed
            if not self.first:
                self._lose([call % self._layers for call in changed])
        if same and not self.first:
            self._read([call % self._layers for call, _ in same], [tensor for _, tensor in same])

    def drop(self, layer: int) -> None:
        """Forget a layer's tensors."""
        self._waiting = [part for part in self._waiting if part[0] % self._layers != layer]
        self._next[layer] = layer

    def clear(self) -> None:
        """Forget all: a new step begins."""
        self._waiting, self._entries = [], 0
        self._next = list(range(self._layers))
