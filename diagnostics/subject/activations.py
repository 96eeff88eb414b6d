"""Activations φ: all that is known of each without torch. Adding one is adding its row."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import erf, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from diagnostics.subject.choices import Choice, table

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]
Span = tuple[float, float]

OUTERMOST = 0.05
"""Share of a bounded range, at either end, in which an activation counts as saturated."""


@dataclass(frozen=True, kw_only=True)
class Activation(Choice):
    """An activation.

    Attributes:
        module: its class in ``torch.nn``.
        function, slope: φ and φ′, of pre-activations and of the parameter where it has one.
        argument: what ``module`` calls its parameter.
        range: its lowest and highest value, where it has both.
        saturation: outside of what it counts as saturated, where that is not the outermost 5%.
        one_sided: whether its outputs have a mean that is not 0, for inputs that have none.
        transition: values of σw² near its phase transition, where theory is not reliable.
        shrinks: why a gradient vanishes in such layers,
        outgrown: and why where weights are initialized for them.
    """

    module: str
    function: Callable[..., Floats]
    slope: Callable[..., Floats]
    argument: str = ""
    range: Span | None = None
    saturation: Span | None = None
    one_sided: bool = False
    transition: Span | None = None
    shrinks: str = ""
    outgrown: str = ""

    def at(self, parameter: float) -> tuple[Function, Function]:
        """φ and φ′ for a value of the parameter."""
        if not self.parameter:
            return self.function, self.slope
        return partial(self.function, parameter), partial(self.slope, parameter)

    @property
    def linear_range(self) -> Span | None:
        """(low, high) outside of which it counts as saturated; None where it is not bounded."""
        if self.saturation or not self.range:
            return self.saturation
        return inner(*self.range)


def inner(low: float, high: float) -> Span:
    """A range without its outermost ends."""
    margin = (high - low) * OUTERMOST
    return low + margin, high - margin


def _sigmoid(z: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(z / 2)))


def _leaky(alpha: float, z: Floats) -> Floats:
    return np.where(z > 0, z, alpha * z)


def _leaky_slope(alpha: float, z: Floats) -> Floats:
    return np.where(z > 0, 1.0, alpha)


def _elu(z: Floats) -> Floats:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def _elu_slope(z: Floats) -> Floats:
    return np.where(z > 0, 1.0, np.exp(np.minimum(z, 0)))


_erf = np.vectorize(erf, otypes=[np.float64])


def _normal_cdf(z: Floats) -> Floats:
    return np.asarray(0.5 * (1 + _erf(z / sqrt(2))))


def _normal_density(z: Floats) -> Floats:
    return np.asarray(np.exp(-(z**2) / 2) / sqrt(2 * pi))


def _softplus(z: Floats) -> Floats:
    return np.asarray(np.logaddexp(0, z))


def _mish_slope(z: Floats) -> Floats:
    t = np.tanh(_softplus(z))
    return np.asarray(t + z * (1 - t**2) * _sigmoid(z))


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
"""Klambauer et al. 2017, equation 14."""

ACTIVATIONS = table(
    Activation(
        "sigmoid",
        "Sigmoid",
        "saturates at 0 and 1; slope at most ¼",
        common=True,
        module="Sigmoid",
        function=_sigmoid,
        slope=lambda z: _sigmoid(z) * (1 - _sigmoid(z)),
        range=(0.0, 1.0),
        shrinks="Each sigmoid multiplies it by at most ¼.",
    ),
    Activation(
        "tanh",
        "Tanh",
        "saturates at ±1; slope 1 at 0",
        common=True,
        module="Tanh",
        function=np.tanh,
        slope=lambda z: 1 - np.tanh(z) ** 2,
        range=(-1.0, 1.0),
        saturation=(-0.97, 0.97),
        shrinks="Each tanh and its weights shrink it.",
    ),
    Activation(
        "hard_tanh",
        "Hard tanh",
        "the identity cut off at ±1",
        module="Hardtanh",
        function=lambda z: np.clip(z, -1, 1),
        slope=lambda z: (np.abs(z) < 1).astype(np.float64),
        range=(-1.0, 1.0),
    ),
    Activation(
        "relu",
        "ReLU",
        "max(0, z): never saturates above 0, can die",
        common=True,
        module="ReLU",
        function=lambda z: np.maximum(z, 0),
        slope=lambda z: (z > 0).astype(np.float64),
        one_sided=True,
        shrinks="A ReLU stops half of it, and these weights are too small to make up for that.",
        outgrown="These weights no longer make up for the half that each ReLU stops.",
    ),
    Activation(
        "leaky_relu",
        "Leaky ReLU",
        "max(αz, z): leaks α below 0, cannot die",
        "alpha",
        "slope below 0",
        common=True,
        module="LeakyReLU",
        argument="negative_slope",
        function=_leaky,
        slope=_leaky_slope,
        one_sided=True,
    ),
    Activation(
        "prelu",
        "PReLU",
        "leaky ReLU whose leak is learned",
        "alpha",
        "slope below 0 at the start",
        module="PReLU",
        argument="init",
        function=_leaky,
        slope=_leaky_slope,
        one_sided=True,
    ),
    Activation(
        "elu",
        "ELU",
        "smooth below 0, down to −1",
        module="ELU",
        function=_elu,
        slope=_elu_slope,
        one_sided=True,
    ),
    Activation(
        "selu",
        "SELU",
        "self-normalizing with LeCun initialization",
        common=True,
        module="SELU",
        function=lambda z: SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * _elu(z)),
        slope=lambda z: SELU_SCALE * np.where(z > 0, 1.0, SELU_ALPHA * _elu_slope(z)),
        one_sided=True,
    ),
    Activation(
        "gelu",
        "GELU",
        "z·Φ(z)",
        common=True,
        module="GELU",
        function=lambda z: z * _normal_cdf(z),
        slope=lambda z: _normal_cdf(z) + z * _normal_density(z),
        one_sided=True,
        transition=(1.5, 2.3),
    ),
    Activation(
        "silu",
        "SiLU",
        "z·sigmoid(z), also called swish",
        module="SiLU",
        function=lambda z: z * _sigmoid(z),
        slope=lambda z: _sigmoid(z) * (1 + z * (1 - _sigmoid(z))),
        one_sided=True,
        transition=(1.9, 2.7),
    ),
    Activation(
        "mish",
        "Mish",
        "z·tanh(softplus(z)); Misra 2020",
        module="Mish",
        function=lambda z: z * np.tanh(_softplus(z)),
        slope=_mish_slope,
        one_sided=True,
        transition=(1.7, 2.3),
    ),
    Activation(
        "softplus",
        "Softplus",
        "log(1 + eᶻ), a smooth ReLU",
        module="Softplus",
        function=_softplus,
        slope=_sigmoid,
        one_sided=True,
        transition=(1.5, 2.5),
    ),
    Activation(
        "linear",
        "Linear",
        "no activation at all",
        module="Identity",
        function=lambda z: z,
        slope=np.ones_like,
    ),
)


def key_of(module: str) -> str:
    """The key of a class in ``torch.nn``; of one that is no choice here, its name in small letters.

    A key is its own.
    """
    found = (key for key, activation in ACTIVATIONS.items() if activation.module == module)
    return next(found, module.lower())
