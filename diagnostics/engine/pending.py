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
        self._layers: list[int] = []
        self._tensors: list[Tensor] = []
        self._versions: list[int] = []
        self._entries = 0
        self._changing: set[int] = set()
        self.first = True
        """Whether this is the first step."""

    def __len__(self) -> int:
        return len(self._layers)

    def add(self, layer: int, tensor: Tensor) -> None:
        """A tensor, as it is now."""
        if self.first or layer in self._changing:
            self._read([layer], [tensor])
        if layer in self._changing:
            return
        self._layers.append(layer)
        self._tensors.append(tensor)
        self._versions.append(tensor._version)
        self._entries += tensor.numel()
        if self._entries > MOST_HELD:
            self.read()

    def read(self) -> None:
        """Read all that wait."""
        versions = [tensor._version for tensor in self._tensors]
        if versions != self._versions:
            self._drop_changed(versions)
        layers, tensors = self._layers, self._tensors
        self.clear()
        if layers and not self.first:
            self._read(layers, tensors)

    def drop(self, layer: int) -> None:
        """Forget a layer's tensors."""
        self._keep([k for k, other in enumerate(self._layers) if other != layer])

    def clear(self) -> None:
        """Forget all."""
        self._layers, self._tensors, self._versions, self._entries = [], [], [], 0

    def _drop_changed(self, versions: list[int]) -> None:
        same = [k for k, version in enumerate(versions) if version == self._versions[k]]
        self._changing |= set(self._layers) - {self._layers[k] for k in same}
        self._keep(same)

    def _keep(self, places: list[int]) -> None:
        self._layers = [self._layers[k] for k in places]
        self._tensors = [self._tensors[k] for k in places]
        self._versions = [self._versions[k] for k in places]
