"""Every option a person can pick, declared once.

Form, link, command line, engine, docs and tests all read these tables. A new option is one line
here and, where it computes something, one line in the engine's table of the same keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Choice:
    """One option: the key people type, the label and help they read, and the target it names.

    ``target`` is what the engine looks up: a class name in ``torch.nn`` or ``torch.optim``, the
    name of a function, or the empty string where there is nothing to build.
    """

    key: str
    label: str
    help: str
    target: str = ""


Choices = Mapping[str, Choice]


def _table(*choices: Choice) -> Choices:
    return MappingProxyType({choice.key: choice for choice in choices})


DATASETS = _table(
    Choice("digits", "Digits", "1,797 handwritten digits, 8×8 pixels, ten classes", "digits"),
    Choice("spirals", "Spirals", "two interleaved spirals in the plane", "spirals"),
    Choice("moons", "Moons", "two half moons in the plane", "moons"),
    Choice("circles", "Circles", "a circle inside a circle", "circles"),
    Choice(
        "gaussian", "Gaussian", "x ~ N(0, 1), as many inputs as units, random labels", "gaussian"
    ),
)

ARCHITECTURES = _table(
    Choice("mlp", "MLP", "fully connected layers, one after the other", "mlp"),
    Choice("rnn", "RNN", "an Elman network: layers are time steps; Elman 1990", "rnn"),
)

INITIALIZATIONS = _table(
    Choice(
        "glorot_normal", "Glorot normal", "N(0, 2/(n_in + n_out)); Glorot & Bengio 2010", "glorot"
    ),
    Choice(
        "glorot_uniform",
        "Glorot uniform",
        "U(±√(6/(n_in + n_out))); Glorot & Bengio 2010",
        "glorot",
    ),
    Choice("he_normal", "He normal", "N(0, 2/n_in), made for ReLU; He et al. 2015", "he"),
    Choice("he_uniform", "He uniform", "U(±√(6/n_in)), made for ReLU; He et al. 2015", "he"),
    Choice("lecun_normal", "LeCun normal", "N(0, 1/n_in), for SELU; LeCun et al. 1998", "lecun"),
    Choice("lecun_uniform", "LeCun uniform", "U(±√(3/n_in)); LeCun et al. 1998", "lecun"),
    Choice(
        "orthogonal", "Orthogonal", "a random rotation times gain; Saxe et al. 2014", "orthogonal"
    ),
    Choice("identity", "Identity", "ones on the diagonal, times gain; Le et al. 2015", "identity"),
    Choice(
        "lsuv", "LSUV", "orthogonal, then scaled to unit variance on data; Mishkin 2016", "lsuv"
    ),
    Choice("normal", "Normal", "N(0, init_std²), whatever the width", "normal"),
    Choice(
        "torch_default", "PyTorch default", "U(±1/√n_in) for weights and biases", "torch_default"
    ),
    Choice("zeros", "Zeros", "every weight 0: units stay identical", "zeros"),
)

ACTIVATIONS = _table(
    Choice("sigmoid", "Sigmoid", "saturates at 0 and 1; slope at most ¼", "Sigmoid"),
    Choice("tanh", "Tanh", "saturates at ±1; slope 1 at 0", "Tanh"),
    Choice("hard_tanh", "Hard tanh", "the identity cut off at ±1", "Hardtanh"),
    Choice("relu", "ReLU", "max(0, z): never saturates above 0, can die", "ReLU"),
    Choice("leaky_relu", "Leaky ReLU", "max(αz, z): leaks α below 0, cannot die", "LeakyReLU"),
    Choice("prelu", "PReLU", "leaky ReLU whose leak is learned", "PReLU"),
    Choice("elu", "ELU", "smooth below 0, down to −1", "ELU"),
    Choice("selu", "SELU", "self-normalizing with LeCun initialization", "SELU"),
    Choice("gelu", "GELU", "z·Φ(z)", "GELU"),
    Choice("silu", "SiLU", "z·sigmoid(z), also called swish", "SiLU"),
    Choice("softplus", "Softplus", "log(1 + eᶻ), a smooth ReLU", "Softplus"),
    Choice("linear", "Linear", "no activation at all", "Identity"),
)

NORMS = _table(
    Choice("none", "Off", "no normalization"),
    Choice(
        "batch", "Batch", "normalize each unit over the batch; Ioffe & Szegedy 2015", "BatchNorm1d"
    ),
    Choice("layer", "Layer", "normalize each sample over the units; Ba et al. 2016", "LayerNorm"),
)

NORM_POSITIONS = _table(
    Choice("before", "Before activation", "linear → norm → activation"),
    Choice("after", "After activation", "linear → activation → norm"),
)

CLIPS = _table(
    Choice("none", "Off", "gradients are applied as they come"),
    Choice("norm", "Norm", "scale all gradients together to a largest global norm; Pascanu 2013"),
    Choice("value", "Value", "cut every entry to ±threshold; turns the gradient"),
    Choice("layer_norm", "Per layer", "scale each layer's gradient to a largest norm"),
    Choice("agc", "AGC", "limit each unit's gradient relative to its weights; Brock et al. 2021"),
)

OPTIMIZERS = _table(
    Choice("sgd", "SGD", "plain gradient descent", "SGD"),
    Choice("momentum", "Momentum", "SGD with momentum 0.9", "SGD"),
    Choice("rmsprop", "RMSProp", "steps scaled by a running mean of squares", "RMSprop"),
    Choice("adam", "Adam", "momentum and scaled steps; Kingma & Ba 2015", "Adam"),
    Choice("adamw", "AdamW", "Adam with decoupled weight decay", "AdamW"),
)
