"""Gradient clipping, each method changing gradients in place.

A gradient that holds a NaN or an infinity must not be clipped: scaling would spread the NaN to all.
The trainer stops before that.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from diagnostics.engine.measure.kernels import Floats
from diagnostics.engine.measure.reductions import global_norm

EPSILON = 1e-6
AGC_SMALLEST_WEIGHT = 1e-3

Method = Callable[[Sequence[nn.Parameter], Floats, float], None]


def clip(method: str, parameters: Sequence[nn.Parameter], norms: Floats, threshold: float) -> None:
    """Clip the parameters' gradients in place; ``norms`` are those of the gradients as computed."""
    with torch.no_grad():
        _METHODS[method](parameters, norms, threshold)


def _leave(parameters: Sequence[nn.Parameter], norms: Floats, threshold: float) -> None:
    pass


def _by_norm(parameters: Sequence[nn.Parameter], norms: Floats, threshold: float) -> None:
    """g·min(1, max/(‖g‖ + 1e-6)) for all gradients together (Pascanu et al. 2013)."""
    _scale([_gradient(p) for p in parameters], global_norm(norms), threshold)


def _by_value(parameters: Sequence[nn.Parameter], norms: Floats, threshold: float) -> None:
    """Every entry cut to ±threshold; the direction changes."""
    for parameter in parameters:
        _gradient(parameter).clamp_(-threshold, threshold)


def _by_layer_norm(parameters: Sequence[nn.Parameter], norms: Floats, threshold: float) -> None:
    """Each tensor by its own norm."""
    for parameter, norm in zip(parameters, norms, strict=True):
        _scale([_gradient(parameter)], float(norm), threshold)


def _adaptive(parameters: Sequence[nn.Parameter], norms: Floats, threshold: float) -> None:
    """Each unit's gradient at most threshold times its weights (Brock et al. 2021, eq. 3)."""
    for parameter in parameters:
        gradient = _gradient(parameter)
        largest = threshold * _unit_norm(parameter).clamp(min=AGC_SMALLEST_WEIGHT)
        gradient.mul_((largest / _unit_norm(gradient).clamp(min=EPSILON)).clamp(max=1.0))


def _scale(gradients: Sequence[Tensor], norm: float, threshold: float) -> None:
    factor = threshold / (norm + EPSILON)
    if factor < 1:
        for gradient in gradients:
            gradient.mul_(factor)


def _unit_norm(tensor: Tensor) -> Tensor:
    """The norm of each row of a weight matrix, of each entry of a bias."""
    return tensor.norm(dim=1, keepdim=True) if tensor.ndim > 1 else tensor.abs()


def _gradient(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


_METHODS: Mapping[str, Method] = {
    "none": _leave,
    "norm": _by_norm,
    "value": _by_value,
    "layer_norm": _by_layer_norm,
    "agc": _adaptive,
}
