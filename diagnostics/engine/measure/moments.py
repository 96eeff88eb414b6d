"""The gradient over moments of time: how much of it the first moment receives of the last one's."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from diagnostics.engine.measure import gate
from diagnostics.engine.measure.graph import Ways

SAMPLES = 8
"""Sequences of a batch that are gone through again: each has a gradient of its own."""


class Times:
    """Recurrent layers of a model: those that go through time in one call, and cells."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        self._modules = {i: m for i, m in enumerate(modules) if isinstance(m, nn.RNNBase)}
        self._cells = {i for i, m in enumerate(modules) if isinstance(m, nn.RNNCellBase)}
        self._inputs: dict[int, tuple[int, tuple[Any, ...]]] = {}
        self._brought: dict[int, dict[int, Tensor]] = {}
        self.ratios: dict[int, float] = {}
        """Of each layer that was looked at in this step: its first moment over its last."""
        self.failed: set[int] = set()

    def cells(self, ways: Ways) -> set[int]:
        """Layers whose calls are moments: cells, and what comes after itself."""
        return self._cells | {i for i in ways.repeating if i not in self._modules}

    def call(self, layer: int, row: int, args: tuple[Any, ...]) -> None:
        """A layer was called."""
        if layer in self._modules and args:
            self._inputs[row] = layer, args

    def signal(self, row: int, output: int, gradient: Tensor) -> None:
        """A gradient came back to one of a call's outputs."""
        if row in self._inputs:
            self._brought.setdefault(row, {})[output] = gradient

    def look(self, counts: bool) -> None:
        """A backward pass is over.

        Args:
            counts: whether it filled gradients.
        """
        brought, self._brought = self._brought, {}
        for row, signals in brought.items() if counts else ():
            layer, args = self._inputs[row]
            try:
                norms = through_time(self._modules[layer], args, signals)
            except Exception:  # whatever a stranger's recurrent layer makes of it
                self.failed.add(layer)
            else:
                self.ratios[layer] = first_over_last(norms)

    def clear(self) -> None:
        """A new step begins."""
        self._inputs, self._brought, self.ratios = {}, {}, {}


def first_over_last(norms: Sequence[float]) -> float:
    """The first over the last that is not 0; NaN where there are no two.

    Exact zeros are padding, or moments of which no loss speaks.
    """
    known = [norm for norm in norms if norm != 0]
    return known[0] / known[-1] if len(known) > 1 else math.nan


def through_time(
    module: nn.RNNBase, args: tuple[Any, ...], signals: dict[int, Tensor]
) -> list[float]:
    """‖∂L/∂x‖ at each moment of a recurrent layer's input, of some sequences of the batch.

    What happens between moments is inside of one call, so it is called again, on a graph apart,
    from its inputs and from the gradients that came back to its outputs.

    Args:
        signals: of the call's outputs (all hidden states, the last ones), the gradients.
    """
    gate.refuse_captured(list(signals.values()))
    packed = isinstance(args[0], PackedSequence)
    few = not packed and args[0].ndim == 3
    axis = 0 if module.batch_first else 1
    x = args[0].data if packed else args[0]
    x = (_some(x, axis) if few else x).detach().clone().requires_grad_()
    given = args[0]._replace(data=x) if packed else x
    devices = [x.device] if x.is_cuda else []
    with torch.enable_grad(), torch.random.fork_rng(devices=devices):
        rest = [_states(state, few) for state in args[1:]]
        outputs = _flat(type(module).forward(module, given, *rest))
        wanted = [_some(g, axis if k == 0 else 1) if few else g for k, g in signals.items()]
        (found,) = torch.autograd.grad([outputs[k] for k in signals], x, wanted)
    if packed:
        return [
            float(part.norm()) for part in torch.split(_exact(found), args[0].batch_sizes.tolist())
        ]
    moments = _exact(found).movedim(1 if few and module.batch_first else 0, 0)
    return [float(norm) for norm in moments.reshape(len(moments), -1).norm(dim=1)]


def _exact(tensor: Tensor) -> Tensor:
    known = gate.readable(tensor)
    assert known is not None, "it was computed here"
    return known.double()


def _some(tensor: Tensor, axis: int) -> Tensor:
    return tensor.narrow(axis, 0, min(SAMPLES, tensor.shape[axis])).contiguous()


def _states(states: Any, few: bool) -> Any:
    """The first hidden states, without their own way back."""
    if isinstance(states, tuple):
        return tuple(_states(state, few) for state in states)
    return _some(states.detach(), 1) if few and states is not None else states


def _flat(outputs: Any) -> list[Tensor]:
    """All hidden states first, then the last ones: as a call's outputs are counted."""
    first, last = outputs
    first = first.data if isinstance(first, PackedSequence) else first
    return [first, *(last if isinstance(last, tuple) else (last,))]
