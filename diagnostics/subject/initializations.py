"""Initializations: all that is known of each without torch. Adding one is adding its row.

n_in and n_out are a layer's input and output connections. Glorot's variance is 2/(n_in + n_out);
lecture notes that print a minus there carry a typo, which has no value for n_in ≤ n_out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from diagnostics.subject.choices import Choice, table

Law = Literal["normal", "uniform", "orthogonal", "identity", "zeros"]
Variance = Callable[[int, int, float], float]


def glorot(n_in: int, n_out: int, parameter: float = 1.0) -> float:
    """Var(W) = 2/(n_in + n_out); Glorot & Bengio 2010, equation 12."""
    return 2 / (n_in + n_out)


def he(n_in: int, n_out: int, parameter: float = 1.0) -> float:
    """Var(W) = 2/n_in; He et al. 2015, equation 10."""
    return 2 / n_in


def lecun(n_in: int, n_out: int, parameter: float = 1.0) -> float:
    """Var(W) = 1/n_in; LeCun et al. 1998, section 4.6."""
    return 1 / n_in


def torch_default(n_in: int, n_out: int, parameter: float = 1.0) -> float:
    """Var of U(±1/√n_in), of ``torch.nn.Linear``'s weights and biases."""
    return 1 / (3 * n_in)


def rotation(n_in: int, n_out: int, gain: float) -> float:
    """Var(W) of orthogonal rows or columns times a gain; Saxe et al. 2014."""
    return gain**2 * min(1.0, n_out / n_in) / n_in


def _squared(n_in: int, n_out: int, std: float) -> float:
    return std**2


@dataclass(frozen=True, kw_only=True)
class Initialization(Choice):
    """How weights are drawn; biases are 0 where nothing is said of them.

    Attributes:
        law: what they are drawn from; orthogonal and identity are multiplied with a gain.
        variance: Var(W), from n_in, n_out and the parameter; None where there is none to speak of.
        bias_variance: Var(b), likewise.
        made_for: the activation that it keeps signals alive in.
        fitted: whether weights are scaled to unit variance of pre-activations on data afterwards.
    """

    law: Law
    variance: Variance | None = None
    bias_variance: Variance | None = None
    made_for: str = ""
    fitted: bool = False


INITIALIZATIONS = table(
    Initialization(
        "glorot_normal",
        "Glorot normal",
        "N(0, 2/(n_in + n_out)); Glorot & Bengio 2010",
        common=True,
        law="normal",
        variance=glorot,
    ),
    Initialization(
        "glorot_uniform",
        "Glorot uniform",
        "U(±√(6/(n_in + n_out))); Glorot & Bengio 2010",
        law="uniform",
        variance=glorot,
    ),
    Initialization(
        "he_normal",
        "He normal",
        "N(0, 2/n_in), made for ReLU; He et al. 2015",
        common=True,
        law="normal",
        variance=he,
        made_for="relu",
    ),
    Initialization(
        "he_uniform",
        "He uniform",
        "U(±√(6/n_in)), made for ReLU; He et al. 2015",
        law="uniform",
        variance=he,
        made_for="relu",
    ),
    Initialization(
        "lecun_normal",
        "LeCun normal",
        "N(0, 1/n_in), for SELU; LeCun et al. 1998",
        law="normal",
        variance=lecun,
        made_for="selu",
    ),
    Initialization(
        "lecun_uniform",
        "LeCun uniform",
        "U(±√(3/n_in)); LeCun et al. 1998",
        law="uniform",
        variance=lecun,
        made_for="selu",
    ),
    Initialization(
        "orthogonal",
        "Orthogonal",
        "a random rotation times gain; Saxe et al. 2014",
        "gain",
        "times the rotation",
        common=True,
        law="orthogonal",
        variance=rotation,
    ),
    Initialization(
        "identity",
        "Identity",
        "ones on the diagonal, times gain; Le et al. 2015",
        "gain",
        "on the diagonal",
        law="identity",
    ),
    Initialization(
        "lsuv",
        "LSUV",
        "orthogonal, then scaled to unit variance on data; Mishkin 2016",
        law="orthogonal",
        fitted=True,
    ),
    Initialization(
        "normal",
        "Normal",
        "N(0, init_std²), whatever the width",
        "init_std",
        "of each weight",
        law="normal",
        variance=_squared,
    ),
    Initialization(
        "torch_default",
        "PyTorch default",
        "U(±1/√n_in) for weights and biases",
        common=True,
        law="uniform",
        variance=torch_default,
        bias_variance=torch_default,
    ),
    Initialization("zeros", "Zeros", "every weight 0: units stay identical", law="zeros"),
)
