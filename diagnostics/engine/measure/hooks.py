"""Whose is each tensor that a model computes: layers and activations are heard when called."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from diagnostics.engine.measure import hearing
from diagnostics.engine.measure.calls import Calls
from diagnostics.engine.measure.hearing import Ear
from diagnostics.engine.measure.layers import Layer, linear_range
from diagnostics.subject.activations import Span

NO_BACKWARD = -1
"""What torch calls the backward pass where none is going on."""

Signal = Callable[[int, int, int, tuple[Tensor | None, ...]], None]


def nothing(*given: object) -> None:
    """Do nothing."""


class Hooks:
    """Ears at layers and activations.

    An activation belongs to the layer called last before it, so that one module may serve many.
    Until one was seen, a layer's output stands for it.

    Args:
        activations: modules whose outputs are activations.
        calls: where calls are counted.
        called: told of a layer's call, its inputs and its outputs that have a gradient's way back.
        output: told of a call and its activation.
        signal: told, in the backward pass, of a call, which of its outputs, and where among which
            gradients its own lies.
        found: told of a layer, until now without, that it has an activation with a linear range.

    Attributes:
        kinds: the activation seen after a layer of which it was not known before.
        bare: layers of which no activation is known.
        on: whether calls are heard.
        heard: outputs of activation modules in forward passes, since somebody set it to 0.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        activations: Sequence[nn.Module],
        calls: Calls,
        called: Callable[[int, tuple[Any, ...], list[Tensor]], None],
        output: Callable[[int, Tensor], None],
        signal: Signal,
        found: Callable[[int, Span | None], None],
    ) -> None:
        self._modules: list[nn.Module] = [layer.linear for layer in layers]
        self._activations = list({id(module): module for module in activations}.values())
        self._calls, self._called = calls, called
        self._output, self._signal, self._found = output, signal, found
        self._ears: list[tuple[nn.Module, Ear]] = []
        self._handles: list[Any] = []
        self._leaves: set[int] = set()
        self._last = self._within = -1
        self._own: dict[int, int] = {}
        self.kinds: dict[int, str] = {}
        self.bare = {i for i, layer in enumerate(layers) if layer.activation is None}
        self.heard = 0
        self.on = False

    def attach(self) -> None:
        """From now on calls are heard."""
        self._ears = [*self._at_layers(), *self._at_activations()]
        self.on = bool(self._ears)
        for module, ear in self._ears:
            hearing.listen(module, ear)

    def detach(self) -> None:
        """From now on they are not; graphs that still lie about are left alone."""
        for module, ear in self._ears:
            hearing.leave(module, ear)
        self._ears = []
        self.on = False
        self.forget()

    def activated(self, kind: str, h: Tensor, span: Span | None) -> None:
        """An activation of a kind was computed, with its linear range where it has one."""
        call, self._last = self._last, -1
        within, self._within = self._within, -1
        if hearing.transformed() or not torch.is_grad_enabled():
            return
        if within >= 0:  # inside a layer's own call, whose number it gets once it is over
            call = self._own[within] = self._calls.add(within)
        if call < 0:
            return
        self.follows(self._calls.layers[self._calls.row(call)], kind, span)
        self._output(call, h)

    def follows(self, layer: int, kind: str, span: Span | None) -> None:
        """An activation of a kind is seen after a layer."""
        if layer in self.bare:
            self.bare.discard(layer)
            self.kinds[layer] = kind
            self._found(layer, span)

    def forget(self) -> None:
        """A step is over: no activation to come belongs to a layer of it."""
        self._last, self._within, self.heard = -1, -1, 0
        self._own.clear()
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._leaves.clear()

    def _at_layers(self) -> Iterator[tuple[nn.Module, Ear]]:
        for i, module in enumerate(self._modules):
            # A stranger's layer may call functions of its own: an activation inside is its own.
            strange = not type(module).__module__.startswith("torch.")
            yield module, Ear(partial(self._on_begin, i) if strange else None, self._on_output(i))

    def _at_activations(self) -> Iterator[tuple[nn.Module, Ear]]:
        for module in self._activations:
            yield module, Ear(None, self._on_activation(module))

    def _on_begin(self, i: int, *called: object) -> None:
        self._last, self._within = -1, i
        self._own.pop(i, None)

    def _on_activation(self, module: nn.Module) -> Callable[..., None]:
        kind, span = type(module).__name__, linear_range(module)

        def on_activation(module: nn.Module, args: object, h: Any) -> None:
            self.heard += torch._C._current_graph_task_id() == NO_BACKWARD  # not computed anew
            if isinstance(h, Tensor):
                self.activated(kind, h, span)

        return on_activation

    def _on_output(self, i: int) -> Callable[..., None]:
        def on_output(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            own = self._own.pop(i, -1) if self._own else -1
            self._within = self._last = -1
            if hearing.transformed():
                return
            self._calls.order.setdefault(i)
            if not torch.is_grad_enabled():
                return
            zs = [output] if type(output) is Tensor else tensors_of(output)
            self._last = call = own if own >= 0 else self._calls.add(i)
            ways = [z for z in zs if z.requires_grad]
            self._called(call, args, [z for k, z in enumerate(ways) if self._follow(call, k, z)])
            if zs and i in self.bare:
                self._output(call, zs[0])

        return on_output

    def _follow(self, call: int, k: int, z: Tensor) -> bool:
        """Catch the signal gradient from a hook on an output; whether there is a way back.

        On the node that made it, not on the tensor: an activation that works in place would take
        a tensor's hook along, and the node's is called for half of what a tensor's costs.
        """
        node = z.grad_fn
        if node is not None:
            node.register_prehook(partial(self._signal, call, k, z.output_nr))
        elif id(z) not in self._leaves:  # a parameter, which lives on
            self._leaves.add(id(z))
            hook = partial(self._on_leaf, call, k)
            self._handles.append(z.register_hook(hook))  # type: ignore[no-untyped-call]
        return node is not None

    def _on_leaf(self, call: int, k: int, gradient: Tensor) -> None:
        self._signal(call, k, 0, (gradient,))


def tensors_of(output: Any) -> list[Tensor]:
    """The tensors that a module gave out, each once: of an LSTM the outputs of all steps first."""
    return list({id(tensor): tensor for tensor in _within(output)}.values())


def _within(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, (tuple, list, dict)):
        for part in output.values() if isinstance(output, dict) else output:
            yield from _within(part)
