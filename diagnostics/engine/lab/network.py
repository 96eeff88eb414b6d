"""RunConfig → model: blocks of linear, normalization, activation and dropout, then an output.

In an MLP the blocks follow each other, in an RNN they are one block at successive time steps.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from diagnostics.engine.lab import initialization
from diagnostics.engine.lab.data import Dataset
from diagnostics.engine.measure.layers import Layer
from diagnostics.engine.measure.probe import Probe
from diagnostics.subject.activations import ACTIVATIONS
from diagnostics.subject.choices import NORMS
from diagnostics.subject.config import RunConfig
from diagnostics.subject.initializations import INITIALIZATIONS

LSUV_SAMPLES = 256

M = TypeVar("M", bound=nn.Module)


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
    """A classifier, [batch, inputs] → logits [batch, classes]."""

    def __init__(self, blocks: list[Block], width: int, classes: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)
        self.output = nn.Linear(width, classes)
        self._by_mode = [module for module in self.modules() if _has_modes(module)]

    def train(self, mode: bool = True) -> Self:
        """As ever, told to those modules alone that act otherwise in training."""
        self.training = mode
        for module in self._by_mode:
            module.train(mode)
        return self

    def by_mode(self, kind: type[M]) -> list[M]:
        """Modules of a kind that act otherwise in training."""
        return [module for module in self._by_mode if isinstance(module, kind)]

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


class Recurrent(Network):
    """An Elman network (Elman 1990) that reads its input piece by piece and answers at the end.

    h_t = φ(W [x_t, h_(t−1)] + b). Each time step is a block of its own that shares all parameters
    with the others, so that a probe sees every step apart.
    """

    def __init__(self, config: RunConfig, classes: int) -> None:
        count = config.hidden_layers
        blocks = [Block(config.chunk + config.width, config) for _ in range(count)]
        super().__init__(blocks, config.width, classes)
        self.config = config
        for block in blocks[1:]:
            share_parameters(blocks[0], block)

    def forward(self, x: Tensor) -> Tensor:
        """Logits after the last time step; the last piece is filled up with zeros."""
        missing = len(self.blocks) * self.config.chunk - x.shape[1]
        pieces = torch.split(F.pad(x, (0, missing)), self.config.chunk, dim=1)
        h = x.new_zeros(len(x), self.config.width)
        for piece, block in zip(pieces, self.blocks, strict=True):
            new = block(torch.cat([piece, h], dim=1))
            h = h + new if self.config.residual else new
        logits: Tensor = self.output(h)
        return logits


def _has_modes(module: nn.Module) -> bool:
    dropping = isinstance(module, nn.Dropout) and module.p > 0
    return dropping or isinstance(module, nn.BatchNorm1d)


def share_parameters(source: nn.Module, target: nn.Module) -> None:
    """Let a module of the same kind have another's parameters as its own."""
    for name, parameter in source.named_parameters(remove_duplicate=False):
        path, _, own = name.rpartition(".")
        setattr(target.get_submodule(path), own, parameter)


def activation(config: RunConfig) -> nn.Module:
    """The hidden layers' activation."""
    chosen = ACTIVATIONS[config.activation]
    kind: type[nn.Module] = getattr(nn, chosen.module)
    given = {chosen.argument: config.parameter("activation")} if chosen.parameter else {}
    return kind(**given)


def normalization(config: RunConfig) -> nn.Module:
    """The hidden layers' normalization; the identity where there is none."""
    kind: type[nn.Module] = getattr(nn, NORMS[config.norm].module)
    return kind(config.width)


def build(config: RunConfig, data: Dataset) -> Network:
    """A network with its weights drawn from torch's global generator, in float32."""
    network = (_rnn if config.recurrent else _mlp)(config, data)
    if INITIALIZATIONS[config.init].fitted:
        linears = [m for m in network.modules() if isinstance(m, nn.Linear)]
        _lsuv(network, linears, data.train_x[:LSUV_SAMPLES])
    return network


def _mlp(config: RunConfig, data: Dataset) -> Network:
    sizes = [data.inputs] + [config.width] * (config.depth - 1)
    network = Network([Block(size, config) for size in sizes], config.width, data.classes)
    for module in network.modules():
        if isinstance(module, nn.Linear):
            initialization.draw(module.weight, module.bias, config)
    return network


def _rnn(config: RunConfig, data: Dataset) -> Network:
    network = Recurrent(config, data.classes)
    initialization.draw_recurrent(network.layers()[0].linear, config)
    initialization.draw(network.output.weight, network.output.bias, RunConfig())
    return network


def _lsuv(network: Network, linears: list[nn.Linear], sample: Tensor) -> None:
    """Layer by layer, from the input on."""
    with batch_statistics(network):
        for linear in linears:
            initialization.scale_to_unit_variance(linear, network, sample)


PART = 336
"""Samples looked at together for dead units."""


def probe_parts(config: RunConfig, samples: Tensor) -> tuple[Tensor, ...]:
    """The probe set in parts; whole under batch norm, which normalizes by what it is given."""
    if NORMS[config.norm].over_batch:
        return (samples,)
    return torch.split(samples, PART)


@contextmanager
def batch_statistics(network: Network) -> Iterator[None]:
    """Forward passes inside normalize by their own batch, drop nothing out, and leave no trace.

    Untrained running statistics say nothing of the data, so a look at a network at
    initialization needs the batch's own.
    """
    training = network.training
    norms = network.by_mode(nn.BatchNorm1d)
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


def count_dead(network: Network, probe: Probe, parts: Sequence[Tensor]) -> NDArray[np.bool_]:
    """Let a probe count dead units, with dropout at work as in training.

    A unit that is 0 for every sample until something before it is dropped gets its gradient then,
    and lives. Which are dropped is drawn aside, so that training's own numbers stay as they are.

    Returns:
        Which units are dead, [hidden layers, units].
    """
    with batch_statistics(network), torch.random.fork_rng(devices=[]):
        for module in network.by_mode(nn.Dropout):
            module.train()
        return probe.count_dead(network, parts)
