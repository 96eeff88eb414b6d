"""The same families with one thing wrong each, and the rules that are right about it."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from benchmarks.corpus.families.games import Adversarial, Policy
from benchmarks.corpus.families.healthy import Make, gpt, he, loop
from benchmarks.corpus.families.loops import by_norm
from benchmarks.corpus.families.others import (
    Experts,
    Graph,
    Headed,
    Sets,
    Variational,
    drawn,
    mlp,
)
from benchmarks.corpus.families.sequences import Encoder, Recurrent, Steps
from benchmarks.corpus.families.tasks import WORDS
from benchmarks.corpus.families.vision import ConvCoder, ResNet, UNet, lenet, plain


def normal(model: nn.Module, std: float) -> nn.Module:
    return drawn(model, lambda w: nn.init.normal_(w, std=std))


def constant(model: nn.Module, value: float) -> nn.Module:
    return drawn(model, nn.init.constant_, value)


def shifted(model: nn.Module, bias: float) -> nn.Module:
    """Torch's weights, with biases that shut every unit."""
    return drawn(model, lambda w: w, bias=bias)


def spoilt(loss: Tensor) -> Tensor:
    """The log of a number that comes near 0."""
    return torch.log(loss.clamp(max=3.0) - 1.0)


def cut(model: nn.Module) -> nn.Module:
    """A last layer behind which all is 0."""
    nn.init.constant_(model[-1].bias, -8.0)  # type: ignore[index, arg-type, operator]
    return Headed(model, nn.ReLU())


Truth = tuple[str, ...]
VANISHING, EXPLODING, SATURATED = ("vanishing",), ("exploding", "diverged"), ("saturated",)
DEAD, BORN, STALLED = ("dead", "born_dead", "dying"), ("born_dead", "dead"), ("stalled",)
LARGE = ("too_large", "diverged", "dead", "exploding")
FORGETTING = ("forgetting", "vanishing")
TWINS, UNZEROED, UNMOVED = ("symmetric",), ("unzeroed",), ("unmoved",)
OUTPUT, INPUT, BATCHES = ("dead_output",), ("input_scale",), ("small_batches",)
DIVERGED, OVERFITTING, CLIPPED = ("diverged",), ("overfitting",), ("clipping_always", "stalled")

Deep = Callable[[], nn.Module]


def sigmoid(depth: int) -> Deep:
    return lambda: mlp(nn.Sigmoid, depth)


def adam(make: Deep, task: str = "digits", lr: float = 2e-3, **more: object) -> Make:
    return loop(make, task, "adam", lr, **more)


def sgd(make: Deep, task: str = "digits", lr: float = 0.05, **more: object) -> Make:
    return loop(make, task, "sgd", lr, **more)


BROKEN: Mapping[str, tuple[Truth, Make]] = {
    # gradients that vanish
    "10 sigmoid layers": (VANISHING, sgd(sigmoid(10))),
    "8 sigmoid layers, momentum": (VANISHING, loop(sigmoid(8), "digits", "momentum", 0.05)),
    "18 sigmoid layers, adam": (VANISHING, adam(sigmoid(18))),
    "16 relu layers of torch's": (VANISHING, sgd(lambda: mlp(depth=16))),
    "12 relu layers of torch's": (VANISHING, sgd(lambda: mlp(depth=12))),
    "30 relu layers of torch's, adam": (VANISHING, adam(lambda: mlp(depth=30), lr=5e-4)),
    "24 tanh layers of torch's": (VANISHING, sgd(lambda: mlp(nn.Tanh, 24))),
    "14 plain convolutions": (VANISHING, sgd(lambda: plain(14), "images", steps=200)),
    "lenet of sigmoids, deeper": (
        VANISHING, sgd(lambda: plain(7, act=nn.Sigmoid), "images", steps=250)
    ),
    "regression by 14 sigmoids": (
        VANISHING, sgd(lambda: mlp(nn.Sigmoid, 14, 24, 4, 1), "curve")
    ),
    "12 gelu layers of small weights": (VANISHING, sgd(lambda: normal(mlp(nn.GELU, 12), 0.05))),
    "autoencoder of 12 sigmoids": (
        VANISHING, sgd(lambda: mlp(nn.Sigmoid, 12, outputs=64), "restore")
    ),
    "rnn that forgets": (
        FORGETTING, sgd(lambda: Recurrent(nn.RNN, WORDS), "far_back", 0.05, steps=250)
    ),
    "cells that forget": (
        FORGETTING, sgd(lambda: Steps(gain=0.4), "far_back", 0.05, steps=200)
    ),
    # that explode
    "12 relu layers of large weights": (
        EXPLODING, sgd(lambda: normal(mlp(depth=12), 0.4), lr=1e-4)
    ),
    "10 tanh layers of large weights": (
        ("exploding", "saturated"), sgd(lambda: normal(mlp(nn.Tanh, 10, 96), 0.8), lr=1e-3)
    ),
    "12 leaky layers of large weights": (
        EXPLODING, sgd(lambda: normal(mlp(nn.LeakyReLU, 12), 0.35), lr=1e-5)
    ),
    "10 convolutions of large weights": (
        EXPLODING, sgd(lambda: normal(plain(10), 0.35), "images", 1e-5, steps=200)
    ),
    "cells of gain 3": (
        ("echoing", "exploding", "diverged", "saturated", "too_large"),
        sgd(lambda: Steps(gain=3.0), "far_back", 0.05, steps=150),
    ),
    # that leave the range
    "mlp, rate 50": (LARGE, sgd(mlp, lr=50.0)),
    "resnet without norm, rate 5": (
        LARGE, sgd(lambda: he(ResNet(norm=False)), "images", 5.0, steps=150)
    ),
    "log of a negative number": (DIVERGED, adam(mlp, lr=1e-2, broken=spoilt)),
    "returns in thousands, momentum": (
        LARGE, loop(lambda: mlp(depth=3, inputs=4, outputs=1), "returns", "momentum", 0.05)
    ),
    "unet, rate 30": (LARGE, sgd(UNet, "denoise", 30.0, steps=120)),
    "gpt, sgd rate 1000": (LARGE, sgd(gpt(), "text", 1000.0, steps=150)),
    # steps too large
    "mlp, adam rate 1": (LARGE, adam(lambda: mlp(nn.Tanh), lr=1.0)),
    "cnn, adam rate 0.3": (LARGE, adam(plain, "images", 0.3)),
    "gpt, adam rate 1": (LARGE, adam(gpt(), "text", 1.0)),
    "vit, adam rate 0.5": (LARGE, adam(Encoder, "rows", 0.5)),
    "lstm, adam rate 2": ((*LARGE, "saturated"), adam(lambda: Recurrent(nn.LSTM, 8), "rows", 2.0)),
    "actor and critic, rate 1": ((*LARGE, "saturated"), lambda: Policy(lr=1.0)),
    "mixture, adam rate 1": (LARGE, adam(Experts, lr=1.0)),
    # units
    "cnn, biases shut": (BORN, adam(lambda: shifted(plain(4), -6.0), "images", 1e-3)),
    "mlp, biases shut": (BORN, sgd(lambda: shifted(mlp(depth=4), -4.0))),
    "30 layers of 3 units": (BORN, sgd(lambda: he(mlp(depth=30, width=3)))),
    "autoencoder, biases shut": (
        BORN, sgd(lambda: shifted(mlp(depth=3, outputs=64), -6.0), "restore")
    ),
    "mlp dies at rate 0.3": (
        (*DEAD, "too_large"), adam(lambda: mlp(depth=6), lr=0.3)
    ),
    "conv autoencoder dies": (
        (*DEAD, "too_large", "dead_output"), adam(ConvCoder, "restore_images", 0.5)
    ),
    "deep sets die": ((*DEAD, "too_large"), adam(Sets, "points", 0.5)),
    "5 tanh layers of weights of 2": (
        SATURATED, sgd(lambda: normal(mlp(nn.Tanh), 2.0), lr=1e-3)
    ),
    "hard tanh of weights of 2": (
        (*SATURATED, "exploding"), sgd(lambda: normal(mlp(nn.Hardtanh, 4), 2.0), lr=1e-3)
    ),
    "lenet of weights of 3": (
        (*SATURATED, "exploding"), sgd(lambda: normal(lenet(), 3.0), "images", 1e-3)
    ),
    "sigmoids of weights of 5": (
        (*SATURATED, "vanishing", "exploding"),
        sgd(lambda: normal(mlp(nn.Sigmoid, 4), 5.0), lr=1e-3),
    ),
    # steps too small
    "mlp, rate 1e-6": (STALLED, sgd(mlp, lr=1e-6)),
    "gpt, adam rate 1e-8": (STALLED, adam(gpt(), "text", 1e-8)),
    "resnet, rate 1e-7": (STALLED, sgd(ResNet, "images", 1e-7, steps=200)),
    "lstm, rate 1e-6": (STALLED, sgd(lambda: Recurrent(nn.LSTM, 8), "rows", 1e-6)),
    "vae, rate 1e-8": (STALLED, adam(Variational, "restore", 1e-8)),
    "a schedule that ended at once": (
        STALLED, sgd(lambda: mlp(depth=4), lr=0.02, schedule="soon nothing")
    ),
    "gan, critic's rate 1e-9": (STALLED, lambda: Adversarial(critic_lr=1e-9, lr=1e-9)),
    "clipped to nothing": (CLIPPED, sgd(mlp, clip=(by_norm, 1e-5))),
    "cnn clipped to nothing": (CLIPPED, sgd(plain, "images", clip=(by_norm, 1e-5))),
    # starts
    "mlp of zeros": (TWINS, sgd(lambda: constant(mlp(), 0.0))),
    "mlp of constants": (TWINS, sgd(lambda: constant(mlp(), 0.02))),
    "tanh of constants": (TWINS, adam(lambda: constant(mlp(nn.Tanh), 0.05))),
    "cnn of constants": (TWINS, sgd(lambda: constant(plain(3), 0.02), "images", 0.02)),
    "transformer of zeros": (TWINS, sgd(lambda: constant(mlp(nn.GELU, 4), 0.0))),
    "autoencoder of constants": (
        TWINS, adam(lambda: constant(mlp(depth=3, outputs=64), 0.01), "restore")
    ),
    # forgotten
    "mlp, gradients not zeroed": (UNZEROED, sgd(mlp, lr=0.1, zeroed=False)),
    "cnn, gradients not zeroed": (UNZEROED, sgd(plain, "images", 0.1, zeroed=False)),
    "gpt, gradients not zeroed": (UNZEROED, sgd(gpt(), "text", 1.0, zeroed=False)),
    "lstm, gradients not zeroed": (
        UNZEROED, sgd(lambda: Recurrent(nn.LSTM, 8), "rows", 0.5, zeroed=False)
    ),
    "vae, gradients not zeroed": (
        UNZEROED, loop(Variational, "restore", "momentum", 0.05, zeroed=False)
    ),
    "mlp, optimizer of another": (UNMOVED, adam(mlp, other=True)),
    "cnn, optimizer of another": (UNMOVED, sgd(plain, "images", other=True)),
    "gpt, optimizer of another": (UNMOVED, adam(gpt(), "text", other=True)),
    "graph, optimizer of another": (UNMOVED, adam(Graph, "graphs", other=True, batch=32)),
    # ends
    "mlp, dead output": (OUTPUT, sgd(lambda: cut(mlp()))),
    "cnn, dead output": (OUTPUT, adam(lambda: cut(plain(3)), "images", 1e-4)),
    "regression, dead output": (
        OUTPUT, sgd(lambda: cut(mlp(depth=3, inputs=4, outputs=1)), "curve", 0.01)
    ),
    "autoencoder, dead output": (OUTPUT, sgd(lambda: cut(mlp(outputs=64)), "restore")),
    # inputs and batches
    "mlp, raw inputs": (INPUT, sgd(mlp, "large_inputs", 0.05)),
    "mlp of tanh, raw inputs": (INPUT, sgd(lambda: mlp(nn.Tanh), "large_inputs", 0.01)),
    "cnn, raw images": (INPUT, sgd(plain, "large_images", 0.05)),
    "mlp of sigmoids, raw inputs": (
        INPUT, sgd(lambda: mlp(nn.Sigmoid, 2), "large_inputs", 0.01)
    ),
    "mlp, batch norm of two": (
        BATCHES, sgd(lambda: mlp(depth=4, norm=nn.BatchNorm1d), batch=2, lr=0.02)
    ),
    "tanh, batch norm of two": (
        BATCHES, adam(lambda: mlp(nn.Tanh, 3, norm=nn.BatchNorm1d), batch=2, lr=1e-3)
    ),
    "10 layers, batch norm of two": (
        BATCHES, sgd(lambda: mlp(depth=10, norm=nn.BatchNorm1d), batch=2, lr=0.02)
    ),
    # by heart
    "random labels": (
        OVERFITTING,
        adam(lambda: mlp(inputs=32), "random_labels", 3e-3, told="loss heldout", steps=400),
    ),
    "few digits, wrong labels": (
        OVERFITTING, adam(mlp, "few_digits", 3e-3, told="loss heldout", steps=400)
    ),
}  # fmt: skip
