"""The lab's networks: well or broken by construction, and a grid of which the outcome decides.

Of a network built to be well or broken, construction tells the truth; but it counts as well only if
it learned, and as diverged only if it did. Sizes, depths, learning rates and seeds differ between
the two halves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

from benchmarks.corpus.record import WELL, Entry, Record, dice
from diagnostics.subject.choices import DATASETS
from diagnostics.subject.config import RunConfig

GOOD = 0.8
"""Accuracy of a network that is well, above chance."""


@dataclass(frozen=True)
class Half:
    """What varies between the networks thresholds were chosen on and those they are judged by."""

    name: str
    sizes: Sequence[str]
    shift: int
    lr: Sequence[str]


CHOSEN_ON = Half(
    "chosen on",
    ("depth=2 width=32", "depth=3 width=128", "depth=5 width=64", "depth=8 width=96"),
    0,
    ("lr=0.01", "lr=0.05"),
)
HELD_OUT = Half(
    "held out",
    ("depth=3 width=48", "depth=4 width=96", "depth=6 width=80", "depth=9 width=112"),
    2,
    ("lr=0.02", "lr=0.04"),
)

HALVES = (CHOSEN_ON, HELD_OUT)

RELU_HE = "activation=relu init=he_normal"

HEALTHY = (
    RELU_HE,
    "activation=relu init=he_uniform optimizer=momentum lr=0.01",
    f"{RELU_HE} optimizer=adam lr=0.001",
    "activation=leaky_relu alpha=0.1 init=he_normal",
    "activation=tanh init=glorot_normal",
    "activation=tanh init=glorot_uniform optimizer=rmsprop lr=0.001",
    "activation=elu init=lecun_normal optimizer=adamw lr=0.001",
    "activation=selu init=lecun_normal",
    "activation=gelu init=glorot_normal optimizer=adam lr=0.002",
    "activation=silu init=orthogonal optimizer=adam lr=0.002",
    "activation=relu init=orthogonal norm=batch",
    "activation=relu init=lsuv norm=layer",
    "activation=tanh init=glorot_normal residual=true",
    f"{RELU_HE} lr=0.01 clip=norm clip_threshold=5",
    f"{RELU_HE} optimizer=adam lr=0.001 dropout=0.2",
    f"{RELU_HE} optimizer=adam lr=0.001 norm=batch",
    f"{RELU_HE} optimizer=adamw lr=0.001 weight_decay=0.1",
    "activation=prelu init=he_normal",
    "activation=hard_tanh init=glorot_normal",
    "activation=leaky_relu init=he_uniform residual=true norm=layer lr=0.02",
)
"""Each in every size."""

DEEP = (
    ("vanishing", "activation=relu init=glorot_normal", (30, 40, 60)),
    ("vanishing", "activation=relu init=torch_default", (8, 15, 30)),
    ("vanishing", "activation=sigmoid init=glorot_normal", (6, 12, 25)),
    ("vanishing", "activation=tanh init=torch_default optimizer=adam lr=0.001", (15, 30)),
    ("exploding", "activation=tanh init=normal init_std=1 width=256", (8, 12)),
    ("exploding", "activation=relu init=normal init_std=0.4", (8, 12, 20)),
    ("exploding", "activation=linear init=he_normal", (25, 40)),
    ("exploding", "activation=leaky_relu alpha=0.2 init=normal init_std=0.4", (8, 12)),
    ("saturated", "activation=tanh init=normal", (3, 5)),
    ("saturated", "activation=hard_tanh init=normal", (3, 5)),
    ("bn_explosion", f"{RELU_HE} norm=batch", (30, 40)),
    ("bn_explosion", "activation=relu norm=batch width=128 init=orthogonal", (30,)),
    ("born_dead", f"{RELU_HE} width=2", (25, 30)),
    ("born_dead", f"{RELU_HE} width=3", (40,)),
)
"""Each in every depth, shifted between the halves, and with both learning rates."""

_DYING = f"{RELU_HE} optimizer=adam steps=500"
_RANDOM = f"dataset=gaussian {RELU_HE} optimizer=adamw lr=0.003 steps=600"

OTHERS = (
    ("saturated", "activation=sigmoid depth=4 width=100 lr=0.5 batch_size=10 steps=600"),
    ("dead", f"{_DYING} lr=0.05 depth=3 width=128"),
    ("dead", f"{_DYING} lr=0.05 depth=4 width=96"),
    ("dead", f"{_DYING} lr=0.1 depth=3 width=64"),
    ("dying", f"{_DYING} lr=0.015 depth=4 width=96"),
    ("dying", f"{_DYING} lr=0.015 depth=3 width=128"),
    ("dying", f"{_DYING} lr=0.02 depth=4 width=64"),
    ("symmetric", "init=zeros activation=relu depth=3"),
    ("symmetric", "init=zeros activation=tanh depth=8"),
    ("symmetric", "init=zeros activation=sigmoid depth=5"),
    ("symmetric", "init=zeros activation=gelu depth=4"),
    ("diverged", f"{RELU_HE} lr=2 depth=3"),
    ("diverged", f"{RELU_HE} lr=3 depth=4 width=128"),
    ("diverged", f"{RELU_HE} lr=2 depth=5"),
    ("diverged", f"{RELU_HE} lr=2 depth=3 optimizer=momentum"),
    ("stalled", f"{RELU_HE} lr=1e-7 depth=3"),
    ("stalled", f"{RELU_HE} lr=1e-6 depth=5"),
    ("stalled", f"{RELU_HE} optimizer=adam lr=1e-8 depth=4"),
    ("stalled", f"{RELU_HE} depth=4 clip=norm clip_threshold=0.0001"),
    ("too_large", "activation=tanh optimizer=adam lr=0.3 depth=3"),
    ("too_large", "activation=tanh optimizer=rmsprop lr=0.3 depth=4"),
    ("too_large", "activation=tanh optimizer=adam lr=0.5 depth=2 width=128"),
    ("overfitting", f"{_RANDOM} depth=3"),
    ("overfitting", f"{_RANDOM} depth=2 width=128"),
    ("overfitting", f"{_RANDOM} depth=4 width=96"),
    ("clipping_always", f"{RELU_HE} clip=norm clip_threshold=0.01 depth=4"),
    ("clipping_always", f"{RELU_HE} clip=norm clip_threshold=0.02 depth=3 width=128"),
)
"""Each with a seed of its own in either half."""


GRID = {
    "activation": (
        "relu", "tanh", "gelu", "silu", "elu", "leaky_relu", "hard_tanh", "sigmoid", "selu",
        "softplus",
    ),
    "init": ("glorot_normal", "he_normal", "orthogonal", "torch_default", "lecun_normal"),
    "depth": ("2", "4", "8", "14", "22"),
    "norm": ("none", "batch", "layer"),
    "step": (
        "optimizer=sgd lr=0.05", "optimizer=momentum lr=0.01", "optimizer=adam lr=0.001",
        "optimizer=rmsprop lr=0.001", "optimizer=adamw lr=0.003",
    ),
    "more": ("", "residual=true", "width=24", "clip=norm", "dropout=0.1", "dataset=moons"),
}  # fmt: skip
"""Each combination that a throw of dice chooses, for better or worse."""

CHOSEN = 100
"""One of so many combinations, and half as many again that are held out."""


def entries() -> Iterator[Entry]:
    """All of the lab's networks."""
    for half in HALVES:
        for number, (truth, words) in enumerate(_networks(half)):
            seed = number + 1000 * half.shift
            yield _entry("lab", words, seed, (truth,), half is HELD_OUT)
    for values in product(*GRID.values()):
        words = " ".join(f"{key}={value}" for key, value in zip(GRID, values, strict=True))
        words = words.replace("step=", "").replace("more=", "").strip()
        thrown = dice(words)
        if thrown % CHOSEN == 0 or thrown % (2 * CHOSEN) == 1:
            yield _entry("grid", words, thrown % 1000, (), thrown % CHOSEN == 1)


def _networks(half: Half) -> Iterator[tuple[str, str]]:
    """(truth, words); later words win over earlier ones."""
    for common, size in product(HEALTHY, half.sizes):
        yield WELL, f"{common} {size}"
    yield WELL, f"activation=selu init=lecun_normal lr=0.02 depth={20 + half.shift}"
    yield WELL, f"architecture=rnn activation=tanh init=orthogonal lr=0.{1 + half.shift // 2}"
    for truth, common, depths in DEEP:
        for depth, lr in product(depths, half.lr):
            yield truth, f"{lr} {common} depth={depth + half.shift}"
    yield from OTHERS


def _entry(kind: str, words: str, seed: int, truth: tuple[str, ...], held_out: bool) -> Entry:
    values = dict(word.split("=") for word in words.split())
    config = RunConfig.make({"steps": "300", **values, "seed": seed})
    name = f"{kind} {' '.join(config.words())}"
    return Entry(name, truth, partial(_train, config), GOOD, held_out)


def _train(config: RunConfig) -> Record:
    from diagnostics.engine.lab.profiler import profile_batch
    from diagnostics.engine.lab.trainer import train
    from diagnostics.engine.sinks import MemorySink
    from diagnostics.runs.control import Control

    sink = MemorySink()
    summary = train(config, sink, Control())
    classes = DATASETS[config.dataset].classes or 10
    chance = 1 / classes
    score = ((summary.accuracy or 0.0) - chance) / (1 - chance)
    return Record(config, sink.batch(), score, summary.patient_zero, profile_batch(config))
