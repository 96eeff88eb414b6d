"""Mean-field predictions of how signals travel through a network at initialization; numpy only.

In a wide network the pre-activations of layer l are Gaussian with variance q_l, and the squared
signal gradient shrinks by a factor χ_l from layer l + 1 to layer l (Poole et al. 2016,
Schoenholz et al. 2017):

    q_1 = σw²·E[x²] + σb²,  q_{l+1} = σw²·E[φ(√q_l·z)²] + σb²,  χ_l = σw²·E[φ′(√q_l·z)²]
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import erf, pi, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diagnostics.subject.config import RunConfig

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]

REACH = 10.0
"""Standard deviations covered by the quadrature; beyond lies less than 1e-22 of the mass."""

BREAKS = (-40.0, -8.0, -1.0, 0.0, 1.0, 8.0, 40.0)
"""Pre-activations between which every activation is smooth and bends little."""

ONE_SIDED = ("relu", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "softplus")

READING = 1 / 3
"""Variance that an RNN's input adds to z: its weights are PyTorch's default, U(±1/√n_in)."""

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
    layers = list(_forward(config))
    gains = np.array([layer.gain for layer in layers])
    chi = np.array([layer.weight for layer in layers]) * gains
    around = np.array([float(layer.adds) for layer in layers])
    steps = np.log10(chi + around)[1:]  # E[g²] at a layer's input over that at its output
    at_output = np.append(np.cumsum(steps[::-1])[::-1], 0.0)
    decades = 0.5 * (np.log10(gains) + at_output)
    std = np.array([layer.activation_std for layer in layers])
    return Prediction(decades - decades[-1], std, _spread(config.width, chi / (chi + around)))


class _Layer(NamedTuple):
    """A layer as the signals pass it.

    Attributes:
        weight: σw², which multiplies a squared signal on its way through the weights.
        gain: E[δ²] over the squared gradient at the layer's output.
        activation_std: of φ(z) over batch and units.
        adds: whether its input goes around it.
    """

    weight: float
    gain: float
    activation_std: float
    adds: bool


def _forward(config: RunConfig) -> Iterator[_Layer]:
    """The layers from input to output.

    Beside the second moment E[x²] of what a layer is given go its mean and its variance over the
    batch, which batch norm divides by (Yang et al. 2019). With residual connections all three add
    up (Yang & Schoenholz 2017); dropout multiplies squares by 1/(1 − p).
    """
    recurrent = config.architecture == "rnn"
    second, mean, variance = (0.0, 0.0, 0.0) if recurrent else (1.0, 0.0, 1.0)
    kept = 1 / (1 - config.dropout)
    for layer in range(config.hidden_layers):
        first = layer == 0 and not recurrent
        adds = config.residual and not (first and config.inputs != config.width)
        weight, bias = _variances(config, config.inputs if first else config.width)
        bias += READING if recurrent else 0.0
        q = weight * second + bias
        moments = _moments(config, 1.0 if _before(config) else q)
        spread = q if config.norm == "layer" else weight * variance + (bias if recurrent else 0.0)
        divisor = {True: spread, False: moments.variance}[_before(config)]
        gain = moments.slope * kept / (1.0 if config.norm == "none" else divisor)
        yield _Layer(weight, gain, sqrt(moments.variance), adds)
        after = config.norm != "none" and not _before(config)
        square, shift = (kept, 0.0) if after else (moments.square * kept, moments.mean)
        if not adds:
            second, mean, variance = 0.0, 0.0, 0.0
        second += square + 2 * mean * shift
        mean, variance = mean + shift, variance + square - shift**2


def _before(config: RunConfig) -> bool:
    return config.norm != "none" and config.norm_position == "before"


class _Moments(NamedTuple):
    """E[φ], E[φ²] and E[φ′²] for Gaussian pre-activations."""

    mean: float
    square: float
    slope: float

    @property
    def variance(self) -> float:
        """Var φ; rounding may not make it negative."""
        return max(0.0, self.square - self.mean**2)


def _moments(config: RunConfig, q: float) -> _Moments:
    function, slope = activation(config.activation, config.alpha)
    return _Moments(
        expectation(function, q),
        expectation(lambda z: function(z) ** 2, q),
        expectation(lambda z: slope(z) ** 2, q),
    )


def unfounded(config: RunConfig) -> str | None:
    """Why there is no prediction for a configuration, in a sentence; None where there is one."""
    if config.residual and config.norm == "none" and config.activation in ONE_SIDED:
        return "Residual layers of this activation share a mean that outgrows what theory follows."
    if config.init in ("zeros", "lsuv", "identity"):
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


def _variances(config: RunConfig, inputs: int) -> tuple[float, float]:
    """(n_in·Var W, Var b) of a layer: σw² and σb²."""
    family = config.init.removesuffix("_normal").removesuffix("_uniform")
    scales = {
        "glorot": 2 * inputs / (inputs + config.width),
        "he": 2.0,
        "lecun": 1.0,
        "orthogonal": config.gain**2 * min(1.0, config.width / inputs),
        "normal": inputs * config.init_std**2,
        "torch_default": 1 / 3,
    }
    return scales[family], 1 / (3 * inputs) if config.init == "torch_default" else 0.0


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


def _spread(width: int, through: Floats) -> Floats:
    """The log of a squared norm spreads with variance about 5/N per layer that it goes through.

    ``through`` is the share that goes through a layer's weights and not around them.
    """
    passed = np.cumsum((through[1:] ** 2)[::-1])[::-1]
    return np.asarray(np.sqrt(5 * np.append(passed, 0.0) / width) / (2 * np.log(10)))
