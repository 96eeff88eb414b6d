"""Hooks on modules: whose is each tensor that a model computes."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from diagnostics.engine.measure.layers import Layer, linear_range
from diagnostics.subject.activations import Span

Signal = Callable[[int, int, tuple[Tensor | None, ...]], None]


class Hook(partial[object]):
    """A module's hook that does nothing any more once the module was copied or saved.

    A copy would tell the probe of a model that nobody watches, and a pickle would take the probe
    with it.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return Hook, (nothing,)

    def __deepcopy__(self, memo: object) -> "Hook":
        return Hook(nothing)


def nothing(*given: object) -> None:
    """Do nothing."""


class Hooks:
    """Hooks on layers and activations.

    An activation belongs to the layer called last before it, so that one module may serve many.
    Until one was seen, a layer's output stands for it.

    Args:
        activations: modules whose outputs are activations.
        output: told of a layer and its activation.
        signal: told, in the backward pass, of a layer, which of its outputs, and all gradients.
        found: told of a layer, until now without, that it has an activation with a linear range.

    Attributes:
        order: layers in the order of their first call: the keys.
        kinds: the activation seen after a layer of which it was not known before.
        bare: layers of which no activation is known.
        heard: outputs of activation modules, since somebody set it to 0.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        activations: Sequence[nn.Module],
        output: Callable[[int, Tensor], None],
        signal: Signal,
        found: Callable[[int, Span | None], None],
    ) -> None:
        self._modules: list[nn.Module] = [layer.linear for layer in layers]
        self._activations = list({id(module): module for module in activations}.values())
        self._output, self._signal, self._found = output, signal, found
        self._handles: list[Any] = []
        self._last = -1
        self.order: dict[int, None] = {}
        self.kinds: dict[int, str] = {}
        self.bare = {i for i, layer in enumerate(layers) if layer.activation is None}
        self.heard = 0

    def attach(self) -> None:
        """Put them on."""
        for i, module in enumerate(self._modules):
            self._handles.append(module.register_forward_hook(Hook(self._on_output(i))))
            if not type(module).__module__.startswith("torch."):
                # It may call functions of its own: an activation inside is its own.
                begin = Hook(partial(self._on_begin, i))
                self._handles.append(module.register_forward_pre_hook(begin))
        for module in self._activations:
            hook = Hook(self._on_activation(module))
            self._handles.append(module.register_forward_hook(hook))

    def detach(self) -> None:
        """Take them off; graphs that still lie about are left alone."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    @property
    def on(self) -> bool:
        """Whether they are on."""
        return bool(self._handles)

    def activated(self, kind: str, h: Tensor, span: Span | None) -> None:
        """An activation of a kind was computed, with its linear range where it has one."""
        i, self._last = self._last, -1
        if i < 0 or not torch.is_grad_enabled():
            return
        if i in self.bare:
            self.bare.discard(i)
            self.kinds[i] = kind
            self._found(i, span)
        self._output(i, h)

    def forget(self) -> None:
        """A step is over: no activation to come belongs to a layer of it."""
        self._last, self.heard = -1, 0

    def _on_begin(self, i: int, *called: object) -> None:
        self._last = i

    def _on_activation(self, module: nn.Module) -> Callable[..., None]:
        kind, span = type(module).__name__, linear_range(module)

        def on_activation(module: nn.Module, args: object, h: Tensor) -> None:
            self.heard += 1
            self.activated(kind, h, span)

        return on_activation

    def _on_output(self, i: int) -> Callable[..., None]:
        """A forward hook: the signal gradient is caught from a hook on the output.

        On the node that made it, not on the tensor: an activation that works in place would take
        a tensor's hook along, and the node's is called for half of what a tensor's costs.
        """
        first = partial(self._signal, i, 0)

        def on_output(module: nn.Module, args: object, output: Any) -> None:
            self._last = i
            if not torch.is_grad_enabled():
                return
            self.order.setdefault(i)
            zs = [output] if type(output) is Tensor else tensors_of(output)
            for z in zs:
                node = z.grad_fn
                if node is not None:
                    place = z.output_nr
                    node.register_prehook(partial(self._signal, i, place) if place else first)
                elif z.requires_grad:
                    z.register_hook(lambda gradient: first((gradient,)))  # type: ignore[no-untyped-call]
            if zs and i in self.bare:
                self._output(i, zs[0])

        return on_output


def tensors_of(output: Any) -> list[Tensor]:
    """The tensors that a module gave out, each once: of an LSTM the outputs of all steps first."""
    return list({id(tensor): tensor for tensor in _within(output)}.values())


def _within(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, (tuple, list, dict)):
        for part in output.values() if isinstance(output, dict) else output:
            yield from _within(part)
