"""How weights are drawn. Biases are zero, except under PyTorch's default.

n_in and n_out are a layer's input and output connections. Glorot's σ is √(2/(n_in + n_out));
lecture notes that print a minus there carry a typo, which has no value for n_in ≤ n_out.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn

from diagnostics.subject.config import RunConfig

Draw = Callable[[Tensor], object]

LSUV_TOLERANCE = 0.01
LSUV_ROUNDS = 10


def variance(scheme: str, n_in: int, n_out: int) -> float:
    """Var(W) of glorot (Glorot & Bengio 2010), he (He et al. 2015) or lecun (LeCun et al. 1998)."""
    return {"glorot": 2 / (n_in + n_out), "he": 2 / n_in, "lecun": 1 / n_in}[scheme]


def _normal(scheme: str, weight: Tensor) -> None:
    nn.init.normal_(weight, 0.0, math.sqrt(_variance_of(scheme, weight)))


def _uniform(scheme: str, weight: Tensor) -> None:
    r = math.sqrt(3 * _variance_of(scheme, weight))
    nn.init.uniform_(weight, -r, r)


def _variance_of(scheme: str, weight: Tensor) -> float:
    n_out, n_in = weight.shape
    return variance(scheme, n_in, n_out)


def _torch_default(weight: Tensor) -> None:
    r = 1 / math.sqrt(weight.shape[1])
    nn.init.uniform_(weight, -r, r)


_DRAWS: Mapping[str, Draw] = {
    "glorot_normal": partial(_normal, "glorot"),
    "glorot_uniform": partial(_uniform, "glorot"),
    "he_normal": partial(_normal, "he"),
    "he_uniform": partial(_uniform, "he"),
    "lecun_normal": partial(_normal, "lecun"),
    "lecun_uniform": partial(_uniform, "lecun"),
    "orthogonal": nn.init.orthogonal_,
    "identity": nn.init.eye_,
    "lsuv": nn.init.orthogonal_,
    "torch_default": _torch_default,
    "zeros": nn.init.zeros_,
}

SCALED = ("orthogonal", "identity")


@torch.no_grad()
def draw(weight: Tensor, bias: Tensor, config: RunConfig) -> None:
    """Draw weights [outputs, inputs] and biases in place from torch's global generator."""
    nn.init.zeros_(bias)
    if config.init == "normal":
        nn.init.normal_(weight, 0.0, config.init_std)
        return
    _DRAWS[config.init](weight)
    if config.init in SCALED:
        weight *= config.gain
    if config.init == "torch_default":
        r = 1 / math.sqrt(weight.shape[1])
        nn.init.uniform_(bias, -r, r)


@torch.no_grad()
def draw_recurrent(linear: nn.Linear, config: RunConfig) -> None:
    """Draw an Elman cell's weights [width, inputs + width]: the recurrent part as configured.

    The part that reads the input is PyTorch's default, U(±1/√n_in).
    """
    chunk = linear.in_features - config.width
    draw(linear.weight[:, chunk:], linear.bias, config)
    _torch_default(linear.weight[:, :chunk])


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
