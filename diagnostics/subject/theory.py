"""Mean-field predictions of how signals travel through a network at initialization; numpy only.

In a wide network the pre-activations of layer l are Gaussian with variance q_l, and the squared
signal gradient shrinks by a factor χ_l from layer l + 1 to layer l (Poole et al. 2016,
Schoenholz et al. 2017):

    q_1 = σw²·E[x²] + σb²,  q_{l+1} = σw²·E[φ(√q_l·z)²] + σb²,  χ_l = σw²·E[φ′(√q_l·z)²]
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import pi, sqrt
from typing import NamedTuple

import numpy as np

from diagnostics.subject.activations import ACTIVATIONS, Floats, Function
from diagnostics.subject.choices import NORMS
from diagnostics.subject.config import RunConfig
from diagnostics.subject.initializations import INITIALIZATIONS, torch_default

REACH = 10.0
"""Standard deviations covered by the quadrature; beyond lies less than 1e-22 of the mass."""

BREAKS = (-40.0, -8.0, -1.0, 0.0, 1.0, 8.0, 40.0)
"""Pre-activations between which every activation is smooth and bends little."""

READING = torch_default(1, 1)
"""Variance that an RNN's input adds to z: its weights are PyTorch's default, U(±1/√n_in)."""

NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)


@dataclass(frozen=True)
class Prediction:
    """What theory says of the hidden layers.

    Attributes:
        decades: log10 of the signal gradient's norm, relative to the last hidden layer, [layers].
        activation_std: of each layer's activations over batch and units, [layers].
        spread: one standard deviation of ``decades`` for networks of this width, [layers].
        variance: of what the activation is given, over batch and units, [layers].
    """

    decades: Floats
    activation_std: Floats
    spread: Floats
    variance: Floats


def predict(config: RunConfig) -> Prediction | None:
    """The prediction for a network at initialization; None where theory does not hold.

    Inputs count as Gaussian with E[x²] = 1, which is what the datasets are standardized to.
    """
    return _solved(config) if unfounded(config) is None else None


@lru_cache(maxsize=256)
def _solved(config: RunConfig) -> Prediction:
    """Whether it can be believed or not; NaN and infinite where floats can't hold it."""
    with np.errstate(all="ignore"):
        layers = list(_forward(config))
        gains = np.array([layer.gain for layer in layers])
        chi = np.array([layer.weight for layer in layers]) * gains
        around = np.array([float(layer.adds) for layer in layers])
        steps = np.log10(chi + around)[1:]  # E[g²] at a layer's input over that at its output
        at_output = np.append(np.cumsum(steps[::-1])[::-1], 0.0)
        decades = 0.5 * (np.log10(gains) + at_output)
        std = np.array([layer.activation_std for layer in layers])
        spread = _spread(config.width, chi / (chi + around))
        variance = np.array([layer.variance for layer in layers])
        return Prediction(decades - decades[-1], std, spread, variance)


DEVIATIONS = np.linspace(-6, 6, 24_001)
"""At which a Gaussian's density is looked at, fine enough for a histogram's bins."""

DENSITY = np.exp(-(DEVIATIONS**2) / 2) / np.exp(-(DEVIATIONS**2) / 2).sum()


def shares(config: RunConfig, layer: int, edges: Floats) -> Floats | None:
    """What share of a hidden layer's activations lies between edges at initialization.

    Gaussian pre-activations of the predicted variance, through φ; those that are exactly 0 are left
    out. None where theory does not hold.

    Args:
        layer: from 1.
    """
    found = predict(config)
    if found is None:
        return None
    function, _ = ACTIVATIONS[config.activation].at(config.parameter("activation"))
    h = function(DEVIATIONS * sqrt(found.variance[layer - 1]))
    return np.histogram(h[h != 0], edges, weights=DENSITY[h != 0])[0]


class _Layer(NamedTuple):
    """A layer as the signals pass it.

    Attributes:
        weight: σw², which multiplies a squared signal on its way through the weights.
        gain: E[δ²] over the squared gradient at the layer's output.
        variance: of what φ is given.
        activation_std: of φ(z) over batch and units.
        adds: whether its input goes around it.
    """

    weight: float
    gain: float
    variance: float
    activation_std: float
    adds: bool


def _forward(config: RunConfig) -> Iterator[_Layer]:
    """The layers from input to output.

    Beside the second moment E[x²] of what a layer is given go its mean and its variance over the
    batch, which batch norm divides by (Yang et al. 2019). With residual connections all three add
    up (Yang & Schoenholz 2017); dropout multiplies squares by 1/(1 − p).
    """
    recurrent = config.recurrent
    second, mean, variance = (0.0, 0.0, 0.0) if recurrent else (1.0, 0.0, 1.0)
    kept = 1 / (1 - config.dropout)
    for layer in range(config.hidden_layers):
        first = layer == 0 and not recurrent
        adds = config.residual and not (first and config.inputs != config.width)
        weight, bias = _variances(config, config.inputs if first else config.width)
        bias += READING if recurrent else 0.0
        q = weight * second + bias
        given = 1.0 if _before(config) else q
        moments = _moments(config, given)
        moved = weight * variance + (bias if recurrent else 0.0)
        spread = moved if NORMS[config.norm].over_batch else q
        divisor = {True: spread, False: moments.variance}[_before(config)]
        passed = np.float64(moments.slope * kept)
        gain = float(passed / (1.0 if config.norm == "none" else divisor))
        yield _Layer(weight, gain, given, sqrt(moments.variance), adds)
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
    parameter = config.parameter("activation")
    return _moments_of(config.activation, None if math.isnan(parameter) else parameter, q)


@lru_cache(maxsize=4096)
def _moments_of(activation: str, parameter: float | None, q: float) -> _Moments:
    """Deeper networks begin with the layers of less deep ones: a sweep over depth asks once."""
    function, slope = ACTIVATIONS[activation].at(math.nan if parameter is None else parameter)
    return _Moments(
        expectation(function, q),
        expectation(lambda z: function(z) ** 2, q),
        expectation(lambda z: slope(z) ** 2, q),
    )


def unfounded(config: RunConfig) -> str | None:
    """Why there is no prediction for a configuration, in a sentence; None where there is one."""
    activation, init = ACTIVATIONS[config.activation], INITIALIZATIONS[config.init]
    if config.residual and config.norm == "none" and activation.one_sided:
        return "Residual layers of this activation share a mean that outgrows what theory follows."
    if init.variance is None:
        return f"{init.label} is not a random initialization with a fixed variance."
    low, high = activation.transition or (math.inf, -math.inf)
    if low <= _variances(config, config.width)[0] <= high:
        pair = f"{init.label} with {activation.label}"
        return f"{pair} sits near a phase transition, where theory is not reliable."
    found = _solved(config)
    if not np.isfinite([*found.decades, *found.activation_std, *found.spread]).all():
        return "This network's numbers leave the range of floats."
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
    chosen, parameter = INITIALIZATIONS[config.init], config.parameter("init")
    assert chosen.variance is not None
    bias = chosen.bias_variance
    return (
        inputs * chosen.variance(inputs, config.width, parameter),
        bias(inputs, config.width, parameter) if bias else 0.0,
    )


def _spread(width: int, through: Floats) -> Floats:
    """The log of a squared norm spreads with variance about 5/N per layer that it goes through.

    ``through`` is the share that goes through a layer's weights and not around them.
    """
    passed = np.cumsum((through[1:] ** 2)[::-1])[::-1]
    return np.asarray(np.sqrt(5 * np.append(passed, 0.0) / width) / (2 * np.log(10)))
