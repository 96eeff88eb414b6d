"""How weights are drawn. Biases are zero, except under PyTorch's default.

n_in and n_out are a layer's input and output connections. Glorot's σ is √(2/(n_in + n_out));
lecture notes that print a minus there carry a typo, which has no value for n_in ≤ n_out.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn

Draw = Callable[[nn.Linear], object]

LSUV_TOLERANCE = 0.01
LSUV_ROUNDS = 10


def variance(scheme: str, n_in: int, n_out: int) -> float:
    """Var(W) of glorot (Glorot & Bengio 2010), he (He et al. 2015) or lecun (LeCun et al. 1998)."""
    return {"glorot": 2 / (n_in + n_out), "he": 2 / n_in, "lecun": 1 / n_in}[scheme]


def _normal(scheme: str, linear: nn.Linear) -> None:
    nn.init.normal_(linear.weight, 0.0, math.sqrt(_variance_of(scheme, linear)))


def _uniform(scheme: str, linear: nn.Linear) -> None:
    r = math.sqrt(3 * _variance_of(scheme, linear))
    nn.init.uniform_(linear.weight, -r, r)


def _variance_of(scheme: str, linear: nn.Linear) -> float:
    return variance(scheme, linear.in_features, linear.out_features)


def _torch_default(linear: nn.Linear) -> None:
    r = 1 / math.sqrt(linear.in_features)
    nn.init.uniform_(linear.weight, -r, r)
    nn.init.uniform_(linear.bias, -r, r)


def _orthogonal(linear: nn.Linear) -> None:
    nn.init.orthogonal_(linear.weight)


def _zeros(linear: nn.Linear) -> None:
    nn.init.zeros_(linear.weight)


_DRAWS: Mapping[str, Draw] = {
    "glorot_normal": partial(_normal, "glorot"),
    "glorot_uniform": partial(_uniform, "glorot"),
    "he_normal": partial(_normal, "he"),
    "he_uniform": partial(_uniform, "he"),
    "lecun_normal": partial(_normal, "lecun"),
    "lecun_uniform": partial(_uniform, "lecun"),
    "orthogonal": _orthogonal,
    "lsuv": _orthogonal,
    "torch_default": _torch_default,
    "zeros": _zeros,
}


def draw(linear: nn.Linear, init: str, std: float) -> None:
    """Draw a layer's weights in place from torch's global generator; ``std`` is of ``normal``."""
    nn.init.zeros_(linear.bias)
    if init == "normal":
        nn.init.normal_(linear.weight, 0.0, std)
    else:
        _DRAWS[init](linear)


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
