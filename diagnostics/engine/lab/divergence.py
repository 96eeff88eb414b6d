"""Patient zero: the first tensor, in the order of computation, that holds a non-finite value."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diagnostics.engine.measure.layers import Layer
from diagnostics.store.records import PatientZero

Named = list[tuple[int, str, Tensor]]
Hook = Callable[[nn.Module, object, Tensor], None]


def locate(
    step: int, model: nn.Module, layers: Sequence[Layer], x: Tensor, y: Tensor
) -> PatientZero | None:
    """Run a step's batch once more and name the first non-finite tensor.

    Weights come first, since the step before left them so (its number is reported); then
    pre-activations and activations from input to output, the loss, and gradients from output to
    input. None where everything is finite.
    """
    for number, layer in enumerate(layers, 1):
        if any(not _finite(parameter) for parameter in layer.linear.parameters()):
            return PatientZero(step - 1, number, "weight")
    for number, tensor_name, tensor in _computed(model, layers, x, y):
        if not _finite(tensor):
            return PatientZero(step, number, tensor_name)
    return None


def _computed(
    model: nn.Module, layers: Sequence[Layer], x: Tensor, y: Tensor
) -> Iterator[tuple[int, str, Tensor]]:
    """(layer, tensor's name, tensor) in the order of computation; model gradients are renewed."""
    forward: Named = []
    backward: Named = []
    handles = []
    for number, layer in enumerate(layers, 1):
        handles.append(layer.linear.register_forward_hook(_catch(number, forward, backward)))
        if layer.activation is not None:
            handles.append(layer.activation.register_forward_hook(_catch(number, forward)))
    try:
        model.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(x), y)
        loss.backward()  # type: ignore[no-untyped-call]
    finally:
        for handle in handles:
            handle.remove()
    yield from forward
    yield len(layers), "loss", loss
    for number, name, gradient in backward:
        yield number, name, gradient
        yield from _parameter_gradients(number, layers[number - 1].linear)


def _catch(number: int, forward: Named, backward: Named | None = None) -> Hook:
    """A forward hook that keeps the output and, given ``backward``, its gradient as well."""

    def hook(module: nn.Module, args: object, output: Tensor) -> None:
        forward.append((number, "activation", output.detach().clone()))
        if backward is not None:
            keep = partial(_keep, number, backward)
            output.register_hook(keep)  # type: ignore[no-untyped-call]

    return hook


def _keep(number: int, backward: Named, gradient: Tensor) -> None:
    backward.append((number, "signal_grad", gradient))


def _parameter_gradients(number: int, module: nn.Module) -> Iterator[tuple[int, str, Tensor]]:
    for name in ("weight", "bias"):
        parameter = getattr(module, name)
        if parameter is not None and parameter.grad is not None:
            yield number, f"{name}_grad", parameter.grad


def _finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())
