"""Families that learn, in the loops they are usually trained in."""

from collections.abc import Callable, Mapping

from torch import nn

from benchmarks.corpus.families.games import Adversarial, Policy, Values
from benchmarks.corpus.families.loops import (
    Contrastive,
    Supervised,
    Training,
    adaptive,
    by_layer,
    by_norm,
    by_value,
)
from benchmarks.corpus.families.others import (
    Adapted,
    Conditioned,
    Experts,
    Graph,
    Highway,
    Sets,
    Towers,
    Variational,
    Wide,
    drawn,
    mlp,
    siren,
)
from benchmarks.corpus.families.sequences import (
    Bag,
    Encoder,
    Recurrent,
    Steps,
    TextConv,
    Transformer,
)
from benchmarks.corpus.families.tasks import WORDS
from benchmarks.corpus.families.vision import (
    ConvCoder,
    ConvNext,
    Dense,
    Mixer,
    Mobile,
    ResNet,
    UNet,
    lenet,
    plain,
)

Make = Callable[[], Training]


def loop(make: Callable[[], nn.Module], task: str, stepper: str, lr: float, **more: object) -> Make:
    return lambda: Supervised(make=make, task=task, stepper=stepper, lr=lr, **more)  # type: ignore


def frozen(model: nn.Module, *parts: str) -> nn.Module:
    """With some parts that don't learn."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.startswith(parts))
    return model


def gpt(blocks: int = 2, **block: bool) -> Callable[[], nn.Module]:
    return lambda: Transformer(blocks, **block)


def he(model: nn.Module) -> nn.Module:
    return drawn(model, nn.init.kaiming_normal_)


def glorot(model: nn.Module) -> nn.Module:
    return drawn(model, nn.init.xavier_normal_)


ONE = (by_norm, 1.0)

HEALTHY: Mapping[str, Make] = {
    # transformers
    "gpt, warmup, clip 1": loop(gpt(), "text", "fast", 3e-3, clip=ONE, schedule="warmup"),
    "gpt, warmup and cosine": loop(
        gpt(3), "text", "fast", 3e-3, clip=ONE, schedule="warmup cosine", steps=350
    ),
    "gpt, zero-init projections": loop(gpt(zero=True), "text", "adamw", 3e-3, clip=ONE),
    "gpt, 6 blocks": loop(gpt(6), "text", "fast", 2e-3, clip=ONE, schedule="warmup", batch=24),
    "gpt, post-norm, warmup": loop(
        gpt(post=True), "text", "adam", 2e-3, clip=ONE, schedule="warmup"
    ),
    "gpt, adafactor": loop(gpt(), "text", "adafactor", 3e-2, clip=ONE),
    "gpt, nadam": loop(gpt(), "text", "nadam", 2e-3, clip=ONE),
    "gpt, accumulated": loop(gpt(), "text", "adamw", 3e-3, accumulate=2, batch=24, clip=ONE),
    "bert-like": loop(lambda: Transformer(2, answers=3), "topic", "adamw", 2e-3, clip=ONE),
    "transformer reads the first": loop(
        lambda: Transformer(2, answers=4), "first_word", "adamw", 3e-3, steps=350
    ),
    "vit, pre-norm": loop(Encoder, "rows", "adamw", 2e-3, schedule="warmup cosine", clip=ONE),
    "vit, post-norm": loop(lambda: Encoder(first=False), "rows", "adam", 2e-3),
    "mixer": loop(Mixer, "rows", "adamw", 3e-3),
    "mixer, momentum": loop(Mixer, "rows", "momentum", 0.05),
    # images
    "resnet": loop(ResNet, "images", "momentum", 0.05, schedule="cosine"),
    "resnet, zero-init gains": loop(
        lambda: ResNet(gain=0.0), "images", "momentum", 0.05, schedule="warmup"
    ),
    "resnet, 6 blocks, adam": loop(lambda: ResNet(6), "images", "adam", 3e-3, steps=220),
    "resnet, no norm, zero-init": loop(
        lambda: ResNet(norm=False, gain=0.0), "images", "adam", 2e-3
    ),
    "resnet, no norm, AGC": loop(
        lambda: he(ResNet(norm=False)), "images", "momentum", 0.02, clip=(adaptive, 0.02)
    ),
    "resnet, SAM": loop(ResNet, "images", "momentum", 0.03, sharpness=0.05, steps=220),
    "densenet": loop(Dense, "images", "adam", 3e-3),
    "densenet, momentum": loop(Dense, "images", "momentum", 0.05),
    "cnn": loop(plain, "images", "adam", 2e-3),
    "cnn, momentum": loop(lambda: plain(3), "images", "momentum", 0.03),
    "cnn, batch norm": loop(lambda: plain(5, norm=True), "images", "adam", 3e-3),
    "cnn, he, larger rate": loop(lambda: he(plain(5)), "images", "adam", 5e-3),
    "cnn, gelu": loop(lambda: plain(4, act=nn.GELU), "images", "adamw", 3e-3),
    "cnn, six batch norms, narrow": loop(
        lambda: plain(6, norm=True, width=6), "images", "momentum", 0.05
    ),
    "lenet, tanh": loop(lenet, "images", "momentum", 0.05),
    "lenet, sigmoid": loop(lambda: lenet(nn.Sigmoid), "images", "adam", 1e-2, steps=500),
    "mobile, relu6": loop(Mobile, "images", "adam", 5e-3),
    "convnext, layer scale": loop(ConvNext, "images", "adamw", 4e-3),
    "unet": loop(UNet, "denoise", "adam", 2e-3, steps=220),
    "unet, no norm": loop(lambda: UNet(norm=False), "denoise", "adamw", 2e-3, steps=220),
    "conv autoencoder": loop(ConvCoder, "restore_images", "adam", 6e-3, steps=400),
    # codes
    "autoencoder": loop(lambda: mlp(depth=3, outputs=64), "restore", "adam", 2e-3),
    "autoencoder, narrow": loop(
        lambda: nn.Sequential(
            nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 8), nn.ReLU(), nn.Linear(8, 32), nn.ReLU(),
            nn.Linear(32, 64),
        ), "restore", "adam", 5e-3, steps=400,
    ),
    "vae": loop(Variational, "restore", "adam", 3e-3),
    "vae, rmsprop": loop(Variational, "restore", "rmsprop", 3e-3),
    # tables
    "mlp, relu": loop(mlp, "digits", "sgd", 0.1, told="loss accuracy"),
    "mlp, gelu": loop(lambda: mlp(nn.GELU, 4), "digits", "adamw", 2e-3),
    "mlp, silu, nadam": loop(lambda: mlp(nn.SiLU, 4), "digits", "nadam", 2e-3),
    "mlp, tanh": loop(lambda: glorot(mlp(nn.Tanh, 4)), "digits", "momentum", 0.02),
    "mlp, hard tanh": loop(lambda: glorot(mlp(nn.Hardtanh, 3)), "digits", "adam", 3e-3),
    "mlp, dropout": loop(lambda: mlp(dropout=0.3), "digits", "adam", 3e-3, told="loss heldout"),
    "mlp, layer norm": loop(lambda: mlp(depth=5, norm=nn.LayerNorm), "digits", "adam", 2e-3),
    "mlp, 22 layers of glorot relu": loop(
        lambda: glorot(mlp(depth=22, width=64)), "digits", "adam", 1e-3, steps=400
    ),
    "mlp, 10 layers, torch's": loop(
        lambda: mlp(depth=8), "digits", "adam", 1e-3, steps=400
    ),
    "mlp, selu": loop(
        lambda: drawn(mlp(nn.SELU, 8), nn.init.kaiming_normal_, 0.0, "fan_in", "linear"),
        "digits", "momentum", 0.01,
    ),
    "mlp, batch norm": loop(lambda: mlp(depth=4, norm=nn.BatchNorm1d), "digits", "momentum", 0.03),
    "mlp, batch norm before tanh": loop(
        lambda: mlp(nn.Tanh, 3, norm=nn.BatchNorm1d), "digits", "adam", 3e-3
    ),
    "mlp, batch norm before sigmoid": loop(
        lambda: mlp(nn.Sigmoid, 3, norm=nn.BatchNorm1d), "digits", "adam", 1e-2
    ),
    "mlp, batch norm, batches of 12": loop(
        lambda: mlp(depth=3, norm=nn.BatchNorm1d), "digits", "adam", 2e-3, batch=12
    ),
    "mlp, batch norm before gelu": loop(
        lambda: mlp(nn.GELU, 4, norm=nn.BatchNorm1d), "digits", "momentum", 0.03
    ),
    "mlp, clipped by value": loop(mlp, "digits", "momentum", 0.05, clip=(by_value, 0.02)),
    "mlp, clipped by layer": loop(mlp, "digits", "momentum", 0.05, clip=(by_layer, 0.3)),
    "mlp, large rate at the start": loop(lambda: he(mlp()), "digits", "adam", 8e-3),
    "mlp, cosine to an early end": loop(mlp, "digits", "adam", 3e-3, schedule="cosine"),
    "mlp, no loss told": loop(mlp, "digits", "adam", 2e-3, told=""),
    "mlp, adagrad": loop(mlp, "digits", "adagrad", 2e-2),
    "mlp, radam": loop(mlp, "digits", "radam", 5e-3),
    "regression": loop(
        lambda: mlp(nn.Tanh, 2, inputs=4, outputs=1), "curve", "adam", 5e-3, steps=400
    ),
    "regression, relu": loop(lambda: mlp(depth=3, inputs=4, outputs=1), "curve", "adamw", 3e-3),
    "spirals": loop(
        lambda: mlp(nn.Tanh, 3, width=32, inputs=2, outputs=2), "spirals", "adam", 1e-2, steps=600
    ),
    "residual mlp, layer norm": loop(Wide, "digits", "adamw", 2e-3),
    "residual mlp, 12 blocks": loop(lambda: Wide(12), "digits", "momentum", 0.02),
    "residual mlp, few units, he": loop(lambda: he(Wide(6, 24)), "digits", "adam", 3e-3),
    "highway": loop(Highway, "digits", "adam", 3e-3),
    "deep sets": loop(Sets, "points", "adam", 3e-3),
    "siren": loop(siren, "wave", "adam", 2e-3, steps=400),
    "graph": loop(Graph, "graphs", "adam", 5e-3, batch=32),
    "graph, 2 layers, momentum": loop(lambda: Graph(2), "graphs", "momentum", 0.1, batch=32),
    # adapted, gated
    "lora": loop(Adapted, "digits", "adamw", 3e-3),
    "lora, more ranks": loop(lambda: Adapted(2, 48, 16), "digits", "adam", 2e-3, clip=ONE),
    "adaLN-zero": loop(Conditioned, "digits", "adamw", 2e-3),
    "mixture, idle experts": loop(Experts, "digits", "adam", 2e-3),
    "mixture, momentum": loop(lambda: Experts(6), "digits", "momentum", 0.03),
    "frozen trunk": loop(
        lambda: frozen(he(mlp(depth=3)), "0.", "2.", "4."), "digits", "adam", 5e-3
    ),
    "frozen convolutions": loop(
        lambda: frozen(plain(3), "0.", "2."), "images", "adam", 3e-3
    ),
    "towers": lambda: Contrastive(
        make=Towers, task="digits", stepper="adam", lr=3e-3, steps=400
    ),
    # words
    "embedding bag": loop(Bag, "topic", "adam", 1e-2),
    "text convolutions": loop(TextConv, "topic", "adam", 5e-3),
    # recurrent
    "lstm": loop(lambda: Recurrent(nn.LSTM, 8), "rows", "adam", 5e-3),
    "lstm, words": loop(lambda: Recurrent(nn.LSTM, WORDS), "first_word", "adam", 1e-2, steps=400),
    "gru": loop(lambda: Recurrent(nn.GRU, 8), "rows", "adam", 5e-3, clip=ONE),
    "gru, two layers": loop(lambda: Recurrent(nn.GRU, 8, 24, 2), "rows", "adamw", 5e-3),
    "lstm, both ways": loop(
        lambda: Recurrent(nn.LSTM, 8, 24, bidirectional=True), "rows", "adam", 5e-3
    ),
    "rnn": loop(lambda: Recurrent(nn.RNN, 8), "rows", "adam", 3e-3, clip=ONE),
    "rnn by cells": loop(lambda: Steps(gain=1.0), "first_word", "adam", 5e-3, clip=ONE, steps=350),
    # games
    "gan, critic": lambda: Adversarial(steps=800),
    "gan, generator": lambda: Adversarial(watched="generator", steps=800),
    "actor and critic": lambda: Policy(),
    "actor and critic, shared": lambda: Policy(shared=True),
    "actor and critic, returns of 200": lambda: Policy(returns=200.0),
    "q-learning": lambda: Values(),
}  # fmt: skip
