"""RunConfig → model: blocks of linear, normalization, activation and dropout, then an output."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from torch import Tensor, nn

from diagnostics.choices import ACTIVATIONS, NORMS
from diagnostics.config import RunConfig
from diagnostics.engine import initialization
from diagnostics.engine.data import Dataset

LSUV_SAMPLES = 256


class Layer(NamedTuple):
    """A measured layer: its weights, and the activation that follows them, if any."""

    name: str
    linear: nn.Module
    activation: nn.Module | None


class Block(nn.Module):
    """One hidden layer, [batch, inputs] → [batch, width]."""

    def __init__(self, inputs: int, config: RunConfig) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, config.width)
        self.activation = activation(config)
        norm = normalization(config)
        middle = (
            [norm, self.activation] if config.norm_position == "before" else [self.activation, norm]
        )
        self.rest = nn.Sequential(*middle, nn.Dropout(config.dropout))
        self.adds = config.residual and inputs == config.width

    def forward(self, x: Tensor) -> Tensor:
        """Linear, normalization and activation in the chosen order, dropout; plus x if residual."""
        h: Tensor = self.rest(self.linear(x))
        return x + h if self.adds else h


class Network(nn.Module):
    """A multilayer perceptron, [batch, inputs] → logits [batch, classes]."""

    def __init__(self, config: RunConfig, inputs: int, classes: int) -> None:
        super().__init__()
        sizes = [inputs] + [config.width] * (config.depth - 1)
        self.blocks = nn.Sequential(*(Block(size, config) for size in sizes))
        self.output = nn.Linear(config.width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self.output(self.blocks(x))
        return logits

    def layers(self) -> list[Layer]:
        """The hidden layers in order, 1 to depth, and the output layer."""
        blocks = [block for block in self.blocks if isinstance(block, Block)]
        hidden = [
            Layer(str(i), block.linear, block.activation) for i, block in enumerate(blocks, 1)
        ]
        return [*hidden, Layer("output", self.output, None)]


def activation(config: RunConfig) -> nn.Module:
    """The hidden layers' activation."""
    kind: type[nn.Module] = getattr(nn, ACTIVATIONS[config.activation].target)
    if config.activation == "leaky_relu":
        return kind(config.alpha)
    return kind(init=config.alpha) if config.activation == "prelu" else kind()


def normalization(config: RunConfig) -> nn.Module:
    """The hidden layers' normalization; the identity where there is none."""
    if config.norm == "none":
        return nn.Identity()
    kind: type[nn.Module] = getattr(nn, NORMS[config.norm].target)
    return kind(config.width)


def build(config: RunConfig, data: Dataset) -> Network:
    """A network with its weights drawn from torch's global generator, in float32."""
    network = Network(config, data.inputs, data.classes)
    linears = [layer.linear for layer in network.layers() if isinstance(layer.linear, nn.Linear)]
    for linear in linears:
        initialization.draw(linear, config.init, config.init_std)
    if config.init == "lsuv":
        _lsuv(network, linears, data.train_x[:LSUV_SAMPLES])
    return network


def _lsuv(network: Network, linears: list[nn.Linear], sample: Tensor) -> None:
    """Layer by layer, from the input on."""
    with batch_statistics(network):
        for linear in linears:
            initialization.scale_to_unit_variance(linear, network, sample)


@contextmanager
def batch_statistics(network: nn.Module) -> Iterator[None]:
    """Forward passes inside normalize by their own batch, drop nothing out, and leave no trace.

    Untrained running statistics say nothing of the data, so a look at a network at
    initialization needs the batch's own.
    """
    training = network.training
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm1d)]
    saved = [[buffer.clone() for buffer in norm.buffers()] for norm in norms]
    network.eval()
    for norm in norms:
        norm.train()
    try:
        yield
    finally:
        network.train(training)
        for norm, values in zip(norms, saved, strict=True):
            for buffer, value in zip(norm.buffers(), values, strict=True):
                buffer.copy_(value)
