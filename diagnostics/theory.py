"""Mean-field predictions of how signals travel through a network at initialization; numpy only.

In a wide network the pre-activations of layer l are Gaussian with variance q_l, and the squared
signal gradient shrinks by a factor χ_l from layer l + 1 to layer l (Poole et al. 2016,
Schoenholz et al. 2017):

    q_1 = σw²·E[x²] + σb²,  q_{l+1} = σw²·E[φ(√q_l·z)²] + σb²,  χ_l = σw²·E[φ′(√q_l·z)²]
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import erf, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from diagnostics.config import RunConfig

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]

REACH = 10.0
"""Standard deviations covered by the quadrature; beyond lies less than 1e-22 of the mass."""

BREAKS = (-40.0, -8.0, -1.0, 0.0, 1.0, 8.0, 40.0)
"""Pre-activations between which every activation is smooth and bends little."""

NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)


@dataclass(frozen=True)
class Prediction:
    """What theory says of the hidden layers.

    Attributes:
        decades: log10 of the signal gradient's norm, relative to the last hidden layer, [layers].
        activation_std: of each layer's activations over batch and units, [layers].
        spread: one standard deviation of ``decades`` for networks of this width, [layers].
    """

    decades: Floats
    activation_std: Floats
    spread: Floats


def predict(config: RunConfig) -> Prediction | None:
    """The prediction for a network at initialization; None where theory does not hold.

    Inputs count as Gaussian with E[x²] = 1, which is what the datasets are standardized to.
    """
    if unfounded(config) is not None:
        return None
    chi, std = _plain(config) if config.norm == "none" else _normalized(config)
    rates = 0.5 * np.log10(chi[:-1])
    decades = np.append(np.cumsum(rates[::-1])[::-1], 0.0)
    return Prediction(decades, std, _spread(config))


def _plain(config: RunConfig) -> tuple[Floats, Floats]:
    """χ and the activations' std without normalization, [layers] each."""
    weight, bias = variances(config.init, config.width, config.width, config.init_std)
    q = sum(variances(config.init, inputs(config), config.width, config.init_std))
    chi, std = np.empty(config.depth), np.empty(config.depth)
    for layer in range(config.depth):
        mean, square, slope = _moments(config, q)
        chi[layer], std[layer] = weight * slope, sqrt(max(0.0, square - mean**2))
        q = weight * square + bias
    return chi, std


def _normalized(config: RunConfig) -> tuple[Floats, Floats]:
    """The same with batch or layer norm: every layer starts from the same variance.

    Yang et al. 2019. Norm before the activation divides by the std of z, which in the first layer
    comes from the data.
    """
    weight = variances(config.init, config.width, config.width, config.init_std)[0]
    first = sum(variances(config.init, inputs(config), config.width, config.init_std))
    after = config.norm_position == "after"
    mean, square, slope = _moments(config, weight if after else 1.0)
    kept = square if config.norm == "layer" else square - mean**2
    chi = np.full(config.depth, (weight if after else 1.0) * slope / kept)
    if not after:
        chi[0] *= weight * kept / first
    return chi, np.full(config.depth, sqrt(square - mean**2))


def _moments(config: RunConfig, q: float) -> tuple[float, float, float]:
    """E[φ], E[φ²] and E[φ′²] for pre-activations of variance q."""
    function, slope = activation(config.activation, config.alpha)
    mean = expectation(function, q)
    square = expectation(lambda z: function(z) ** 2, q)
    return mean, square, expectation(lambda z: slope(z) ** 2, q)


def inputs(config: RunConfig) -> int:
    """Features of a sample of the configuration's dataset."""
    return {"digits": 64, "gaussian": config.width}.get(config.dataset, 2)


def unfounded(config: RunConfig) -> str | None:
    """Why there is no prediction for a configuration, in a sentence; None where there is one."""
    if config.residual or config.dropout:
        return "Theory is not worked out here for residual connections or dropout."
    if config.norm == "layer" and config.norm_position == "after":
        return "Theory is not worked out here for layer norm after the activation."
    if config.init in ("zeros", "lsuv"):
        return f"{config.init} is not a random initialization with a fixed variance."
    if config.init.startswith("he_") and config.activation in ("gelu", "silu", "softplus"):
        return "He with this activation sits near a phase transition, where theory is not reliable."
    return None


def expectation(function: Function, variance: float) -> float:
    """E[f(z)] for z ~ N(0, variance), by Gauss–Legendre quadrature between ``BREAKS``."""
    scale = sqrt(variance)
    edges = np.unique(np.clip(np.array([-np.inf, *BREAKS, np.inf]), *_ends(scale)))
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    z = middle[:, None] + half[:, None] * NODES
    density = np.exp(-((z / scale) ** 2) / 2) / (scale * sqrt(2 * pi))
    return float(np.sum(function(z) * density * WEIGHTS * half[:, None]))


def _ends(scale: float) -> tuple[float, float]:
    return -REACH * scale, REACH * scale


def variances(init: str, inputs: int, outputs: int, std: float = 1.0) -> tuple[float, float]:
    """(n_in·Var W, Var b) of a layer: σw² and σb²."""
    family = init.removesuffix("_normal").removesuffix("_uniform")
    scales = {
        "glorot": 2 * inputs / (inputs + outputs),
        "he": 2.0,
        "lecun": 1.0,
        "orthogonal": min(1.0, outputs / inputs),
        "normal": inputs * std**2,
        "torch_default": 1 / 3,
    }
    return scales[family], 1 / (3 * inputs) if init == "torch_default" else 0.0


def activation(key: str, alpha: float) -> tuple[Function, Function]:
    """An activation and its derivative."""
    if key in ("leaky_relu", "prelu"):
        return (
            lambda z: np.where(z > 0, z, alpha * z),
            lambda z: np.where(z > 0, 1.0, alpha),
        )
    return ACTIVATIONS[key]


def _sigmoid(z: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(z / 2)))


def _elu(z: Floats) -> Floats:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def _elu_slope(z: Floats) -> Floats:
    return np.where(z > 0, 1.0, np.exp(np.minimum(z, 0)))


_erf = np.vectorize(erf, otypes=[np.float64])


def _normal_cdf(z: Floats) -> Floats:
    return np.asarray(0.5 * (1 + _erf(z / sqrt(2))))


def _normal_density(z: Floats) -> Floats:
    return np.asarray(np.exp(-(z**2) / 2) / sqrt(2 * pi))


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
"""Klambauer et al. 2017, equation 14."""

ACTIVATIONS: dict[str, tuple[Function, Function]] = {
    "sigmoid": (_sigmoid, lambda z: _sigmoid(z) * (1 - _sigmoid(z))),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "hard_tanh": (lambda z: np.clip(z, -1, 1), lambda z: (np.abs(z) < 1).astype(np.float64)),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(np.float64)),
    "elu": (_elu, _elu_slope),
    "selu": (
        lambda z: SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * _elu(z)),
        lambda z: SELU_SCALE * np.where(z > 0, 1.0, SELU_ALPHA * _elu_slope(z)),
    ),
    "gelu": (
        lambda z: z * _normal_cdf(z),
        lambda z: _normal_cdf(z) + z * _normal_density(z),
    ),
    "silu": (
        lambda z: z * _sigmoid(z),
        lambda z: _sigmoid(z) * (1 + z * (1 - _sigmoid(z))),
    ),
    "softplus": (lambda z: np.logaddexp(0, z), _sigmoid),
    "linear": (lambda z: z, np.ones_like),
}


def _spread(config: RunConfig) -> Floats:
    """The log of the squared norm spreads with variance about 5/N per layer travelled."""
    travelled = np.arange(config.depth - 1, -1, -1)
    return np.asarray(np.sqrt(5 * travelled / config.width) / (2 * np.log(10)))
