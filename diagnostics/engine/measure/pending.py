"""Tensors that hooks have seen and that are read together, in one native call for many."""

from collections.abc import Callable

from torch import Tensor

MOST_HELD = 1 << 18
"""Entries that may wait: few enough to stay in a cache and to cost no memory worth naming. Of
larger tensors one call for each costs nothing in comparison."""


class Pending:
    """Tensors that wait to be read, each with the layer it belongs to.

    What training writes to before it was read is not what the layer gave out: it is dropped, and
    that layer's tensors are read at once from then on. To know these layers before anything is
    lost, the first step is read at once throughout.

    Args:
        read: is given layers and tensors.
    """

    def __init__(self, read: Callable[[list[int], list[Tensor]], None]) -> None:
        self._read = read
        self._waiting: list[tuple[int, Tensor, int]] = []
        self._entries = 0
        self._changing: set[int] = set()
        self.first = True
        """Whether this is the first step."""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, layer: int, tensor: Tensor) -> None:
        """A tensor, as it is now."""
        if layer in self._changing:
            self.read()
            self._read([layer], [tensor])
            return
        if self.first:
            self._read([layer], [tensor])
        self._waiting.append((layer, tensor, tensor._version))
        self._entries += tensor.numel()
        if self._entries > MOST_HELD:
            self.read()

    def read(self) -> None:
        """Read all that wait."""
        waiting = self._waiting
        self.clear()
        same = [(layer, tensor) for layer, tensor, before in waiting if tensor._version == before]
        if len(same) < len(waiting):
            self._changing |= {i for i, _, _ in waiting} - {i for i, _ in same}
        if same and not self.first:
            self._read([layer for layer, _ in same], [tensor for _, tensor in same])

    def drop(self, layer: int) -> None:
        """Forget a layer's tensors."""
        self._waiting = [part for part in self._waiting if part[0] != layer]

    def clear(self) -> None:
        """Forget all."""
        self._waiting, self._entries = [], 0
