"""Every option that a person can pick, declared once: all that is known of it without torch.

Form, link, command line, theory, diagnoses, engine, docs and tests read these tables, and those of
``activations`` and ``initializations``. The engine computes by the keys of the same tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar


@dataclass(frozen=True)
class Choice:
    """One option: the key people type, the label and help they read.

    ``parameter`` names the field of ``RunConfig`` that means something beside such keys only, and
    ``meaning`` says what. ``common`` ones are in sight where there are many.
    """

    key: str
    label: str
    help: str
    parameter: str = ""
    meaning: str = ""
    common: bool = field(default=False, kw_only=True)


Choices = Mapping[str, Choice]
C = TypeVar("C", bound=Choice)


def table(*choices: C) -> Mapping[str, C]:
    """Choices by their keys, in the order they are shown."""
    return MappingProxyType({choice.key: choice for choice in choices})


@dataclass(frozen=True, kw_only=True)
class Dataset(Choice):
    """Data.

    Attributes:
        inputs: features of a sample, 0 for as many as a layer has units.
        classes: how many there are to choose from, 0 where labels are random.
    """

    inputs: int = 2
    classes: int = 2


DATASETS = table(
    Dataset(
        "digits",
        "Digits",
        "1,797 handwritten digits, 8×8 pixels, ten classes",
        inputs=64,
        classes=10,
    ),
    Dataset("spirals", "Spirals", "two interleaved spirals in the plane"),
    Dataset("moons", "Moons", "two half moons in the plane"),
    Dataset("circles", "Circles", "a circle inside a circle"),
    Dataset(
        "gaussian",
        "Gaussian",
        "x ~ N(0, 1), as many inputs as units, random labels",
        inputs=0,
        classes=0,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Architecture(Choice):
    """A kind of network: what its hidden layers are called, and whether they are time steps."""

    layer_word: str = "layer"
    recurrent: bool = False


ARCHITECTURES = table(
    Architecture("mlp", "MLP", "fully connected layers, one after the other", parameter="depth"),
    Architecture(
        "rnn",
        "RNN",
        "an Elman network: layers are time steps; Elman 1990",
        parameter="chunk",
        layer_word="time step",
        recurrent=True,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Norm(Choice):
    """A normalization: its class in ``torch.nn``, and whether it averages over the batch."""

    module: str = "Identity"
    over_batch: bool = False


NORMS = table(
    Norm("none", "Off", "no normalization"),
    Norm(
        "batch",
        "Batch",
        "normalize each unit over the batch; Ioffe & Szegedy 2015",
        parameter="norm_position",
        module="BatchNorm1d",
        over_batch=True,
    ),
    Norm(
        "layer",
        "Layer",
        "normalize each sample over the units; Ba et al. 2016",
        parameter="norm_position",
        module="LayerNorm",
    ),
)

NORM_POSITIONS = table(
    Choice("before", "Before activation", "linear → norm → activation"),
    Choice("after", "After activation", "linear → activation → norm"),
)


@dataclass(frozen=True, kw_only=True)
class Clip(Choice):
    """A way to clip; ``global_norm`` tells whether its threshold is a global norm."""

    global_norm: bool = False


CLIPS = table(
    Clip("none", "Off", "gradients are applied as they come"),
    Clip(
        "norm",
        "Norm",
        "scale all gradients together to a largest global norm; Pascanu 2013",
        parameter="clip_threshold",
        meaning="largest norm of all gradients together",
        global_norm=True,
    ),
    Clip(
        "value",
        "Value",
        "cut every entry to ±threshold; turns the gradient",
        parameter="clip_threshold",
        meaning="largest entry",
    ),
    Clip(
        "layer_norm",
        "Per layer",
        "scale each layer's gradient to a largest norm",
        parameter="clip_threshold",
        meaning="largest norm of a layer's gradient",
    ),
    Clip(
        "agc",
        "AGC",
        "limit each unit's gradient relative to its weights; Brock et al. 2021",
        parameter="clip_threshold",
        meaning="largest ratio of a unit's gradient to its weights",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Optimizer(Choice):
    """An optimizer.

    Attributes:
        module: its class in ``torch.optim``, made with ``arguments``.
        usual_lr: the learning rate it is mostly used with.
        scales_steps: whether it scales each weight's step by that weight's own gradients, and so
            makes up for some that are small.
    """

    module: str
    arguments: Mapping[str, float] = field(default_factory=dict)
    usual_lr: float
    scales_steps: bool = False


OPTIMIZERS = table(
    Optimizer("sgd", "SGD", "plain gradient descent", module="SGD", usual_lr=0.05),
    Optimizer(
        "momentum",
        "Momentum",
        "SGD with momentum 0.9",
        module="SGD",
        arguments={"momentum": 0.9},
        usual_lr=0.01,
    ),
    Optimizer(
        "rmsprop",
        "RMSProp",
        "steps scaled by a running mean of squares",
        module="RMSprop",
        usual_lr=1e-3,
        scales_steps=True,
    ),
    Optimizer(
        "adam",
        "Adam",
        "momentum and scaled steps; Kingma & Ba 2015",
        module="Adam",
        usual_lr=1e-3,
        scales_steps=True,
    ),
    Optimizer(
        "adamw",
        "AdamW",
        "Adam with decoupled weight decay",
        module="AdamW",
        usual_lr=1e-3,
        scales_steps=True,
    ),
)
