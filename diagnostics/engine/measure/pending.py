"""Tensors that hooks have seen and that are read together, in one native call for many."""

from collections.abc import Callable

from torch import Tensor

from diagnostics.engine.measure import gate

MOST_HELD = 1 << 18
"""Entries that may wait: few enough to stay in a cache and to cost no memory worth naming. Of
larger tensors one call for each costs nothing in comparison."""

MOST_ELSEWHERE = 1 << 24
"""The same on another device, for which each reading has to wait: 64 MiB of float32."""

Read = Callable[[list[int], list[Tensor]], None]


class Pending:
    """Tensors that wait to be read, each with the row its numbers belong to.

    What training writes to before it was read is not what the layer gave out; torch counts writes
    in a tensor's version, so it is known. It is dropped, its row has no numbers in this step, and
    from then on what comes under the same key is read at once. A key tells a layer and how many
    tensors of it came before in the same step: of a layer called twice, one output may be kept and
    the other written to.

    The first step is read at once throughout, and waits as well: so most of these are known before
    anything is lost.

    Args:
        read: is given rows and tensors.
        lose: is given rows whose tensor was dropped.
    """

    def __init__(self, read: Read, lose: Callable[[list[int]], None]) -> None:
        self._read, self._lose = read, lose
        self._waiting: list[tuple[int, int, Tensor, int]] = []
        self._entries = 0
        self._changing: set[int] = set()
        self.first = True
        """Whether this is the first step."""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: int, row: int, tensor: Tensor) -> None:
        """A tensor, as it is now."""
        version = gate.version_of(tensor)
        if key in self._changing or version is None:
            self.read()
            self._read([row], [tensor])
            return
        if self.first:
            self._read([row], [tensor])
        self._waiting.append((key, row, tensor, version))
        self._entries += tensor.numel()
        if self._entries > (MOST_HELD if tensor.is_cpu else MOST_ELSEWHERE):
            self.read()

    def read(self) -> None:
        """Read all that wait."""
        waiting, self._waiting, self._entries = self._waiting, [], 0
        same = [(row, tensor) for _, row, tensor, before in waiting if tensor._version == before]
        if len(same) < len(waiting):
            lost = [(key, row) for key, row, tensor, before in waiting if tensor._version != before]
            self._changing.update(key for key, _ in lost)
            if not self.first:
                self._lose([row for _, row in lost])
        if same and not self.first:
            self._read([row for row, _ in same], [tensor for _, tensor in same])

    def drop(self, rows: set[int]) -> None:
        """Forget what waits for rows."""
        self._waiting = [part for part in self._waiting if part[1] not in rows]

    def clear(self) -> None:
        """Forget all: a new step begins."""
        self._waiting, self._entries = [], 0
