"""Signal gradients δ = ∂L/∂z: caught in backward passes, counted where these were applied."""

from collections.abc import Callable

import numpy as np
from torch import Tensor

from diagnostics.engine.measure import kernels, reductions
from diagnostics.engine.measure.calls import Calls
from diagnostics.engine.measure.kernels import Flags, Floats, Ints, Records
from diagnostics.engine.measure.moments import first_over_last
from diagnostics.engine.measure.passes import Passes
from diagnostics.engine.measure.pending import Pending


class Signals:
    """A row for each signal of a call in a pass.

    Args:
        read: called with rows and tensors before their norms are taken.
    """

    def __init__(self, calls: Calls, passes: Passes, spoilt: Callable[..., None]) -> None:
        self._calls, self._passes, self._spoilt = calls, passes, spoilt
        self._norms = reductions.Norms(0, tails=True)
        self.pending = Pending(self._read, self._lose)

    def add(self, call: int, output: int, gradient: Tensor) -> None:
        """What a backward pass that is going on brought back to an output of a call of this step.

        Args:
            call: its place among those.
        """
        row, whole = self._passes.signal((call, output), gradient)
        if whole is None:
            self._lose([row])
        else:
            self.pending.add(self._calls.key(call), row, whole)

    def hear(self, calls: list[int], gradients: list[Tensor]) -> None:
        """What a backward pass that is going on brought back to calls, which nothing changes."""
        self._read([self._passes.sums((call, 0), again=False) for call in calls], gradients)

    def take(self, calls: list[int], sizes: Records, again: bool) -> None:
        """What a backward pass that is going on brought back to calls, summed up.

        Sums of a graph that is gone through twice are not those of what adds up in it.

        Args:
            again: whether this pass's graph may be gone through again.
        """
        lost = self._passes.kept
        rows = [self._passes.sums((call, 0), again) for call in calls]
        self._norms.take(rows, sizes)
        if lost:
            self._norms.lose(rows)

    def counted(
        self, moved: Flags, layers_of: Callable[[Flags], Flags]
    ) -> tuple[Ints, Ints, Floats]:
        """Rows that count, the calls they are of, and what their losses were multiplied with.

        A layer that was moved counts the passes it was moved by, any other those that moved any.

        Args:
            moved: layers with a parameter that was stepped, [layers].
            layers_of: layers that own some parameters.
        """
        rows: list[int] = []
        scales: list[float] = []
        found = self._passes.counted()
        replaced = set[int]().union(*(one.replaced for one in found))
        for one in found:
            allowed = (layers_of(one.applied) | ~moved).tolist()
            for row, (call, _) in one.events:
                if allowed[self._calls.layers[call]] and row not in replaced:
                    rows.append(row)
                    scales.append(one.scale)
        calls = [self._passes.calls[row] for row in rows]
        return np.array(rows, np.int64), np.array(calls, np.int64), np.array(scales)

    def pooled(self, rows: Ints, owner: Ints, scales: Floats, layers: int) -> Records:
        """What rows come to together, ``SIZE`` of each layer."""
        self._norms.fit(len(self._passes.calls))
        pooled = np.zeros(layers, kernels.SIZE)
        kernels.pool_signals(self._norms.rows, rows, owner, scales, pooled)
        return pooled

    def first_over_last(self, rows: Ints, calls: Ints, layers: Ints, layer: int) -> float:
        """The signal of a layer's first call over that of its last one; NaN where there are no two.

        Args:
            rows, calls: those that count.
            layers: of each call, the layer.
        """
        found: dict[int, float] = {}
        for row, call in zip(rows.tolist(), calls.tolist(), strict=True):
            if layers[call] == layer:
                found[call] = float(np.hypot(found.get(call, 0.0), self._norms.values[row]))
        return first_over_last([found[call] for call in sorted(found)])

    def clear(self) -> None:
        """A new step begins."""
        self.pending.clear()
        self._norms.clear()

    def _read(self, rows: list[int], tensors: list[Tensor]) -> None:
        self._norms.fit(len(self._passes.calls))
        if not self._norms.add(reductions.gather(rows, tensors)):
            self._spoilt([self._passes.calls[row] for row in rows], "signal_grad", tensors)

    def _lose(self, rows: list[int]) -> None:
        self._norms.fit(len(self._passes.calls))
        self._norms.lose(rows)
