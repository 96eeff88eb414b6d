"""Weights drawn as their initialization's row says; biases are zero where it says nothing."""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from diagnostics.subject.config import RunConfig
from diagnostics.subject.initializations import INITIALIZATIONS, Law, Variance

LSUV_TOLERANCE = 0.01
LSUV_ROUNDS = 10

READING = RunConfig(init="torch_default")
"""How the weights are drawn that read an RNN's input."""


def _normal(tensor: Tensor, variance: float) -> None:
    nn.init.normal_(tensor, 0.0, math.sqrt(variance))


def _uniform(tensor: Tensor, variance: float) -> None:
    r = math.sqrt(3 * variance)
    nn.init.uniform_(tensor, -r, r)


_DRAWS: Mapping[Law, Callable[[Tensor, float], object]] = {
    "normal": _normal,
    "uniform": _uniform,
    "orthogonal": lambda weight, variance: nn.init.orthogonal_(weight),
    "identity": lambda weight, variance: nn.init.eye_(weight),
    "zeros": lambda weight, variance: nn.init.zeros_(weight),
}


@torch.no_grad()
def draw(weight: Tensor, bias: Tensor, config: RunConfig) -> None:
    """Draw weights [outputs, inputs] and biases in place from torch's global generator."""
    _draw_weight(weight, config)
    chosen = INITIALIZATIONS[config.init]
    nn.init.zeros_(bias)
    if chosen.bias_variance:
        _DRAWS[chosen.law](bias, _of(chosen.bias_variance, weight, config))


def _draw_weight(weight: Tensor, config: RunConfig) -> None:
    chosen = INITIALIZATIONS[config.init]
    _DRAWS[chosen.law](weight, _of(chosen.variance, weight, config))
    if chosen.parameter == "gain":
        weight *= config.gain


def _of(variance: Variance | None, weight: Tensor, config: RunConfig) -> float:
    """A variance for a layer of a weight's size; NaN where there is none."""
    n_out, n_in = weight.shape
    return variance(n_in, n_out, config.parameter("init")) if variance else math.nan


@torch.no_grad()
def draw_recurrent(linear: nn.Linear, config: RunConfig) -> None:
    """Draw an Elman cell's weights [width, inputs + width]: the recurrent part as configured.

    The part that reads the input is PyTorch's default, U(±1/√n_in).
    """
    chunk = linear.in_features - config.width
    draw(linear.weight[:, chunk:], linear.bias, config)
    _draw_weight(linear.weight[:, :chunk], READING)


@torch.no_grad()
def scale_to_unit_variance(linear: nn.Linear, network: nn.Module, sample: Tensor) -> None:
    """LSUV (Mishkin & Matas 2016): rescale until the layer's pre-activation has variance 1."""
    outputs: list[Tensor] = []
    handle = linear.register_forward_hook(lambda module, args, output: outputs.append(output))
    try:
        for _ in range(LSUV_ROUNDS):
            network(sample)
            std = float(outputs.pop().std())
            if std == 0 or not math.isfinite(std) or abs(std - 1) < LSUV_TOLERANCE:
                return
            linear.weight /= std
    finally:
        handle.remove()
