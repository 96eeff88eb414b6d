"""The README's table: what theory or a paper says beside what is measured here.

python -m benchmarks.truth
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from diagnostics.engine.lab.profiler import profile
from diagnostics.engine.lab.trainer import train
from diagnostics.engine.sinks import MemorySink
from diagnostics.runs.control import Control
from diagnostics.subject import theory
from diagnostics.subject.config import RunConfig

SEEDS = 8
SQUARE = "dataset=gaussian width=256 batch_size=32"
SMALL = "activation=relu init=he_normal depth=3 width=128"
HE = "activation=relu width=128 depth=30 lr=0.01 steps=800"
TANH = "dataset=gaussian activation=tanh depth=5 width=1000 batch_size=256"
RNN = "architecture=rnn activation=relu init=orthogonal lr=1 steps=400"


class Row(NamedTuple):
    """An experiment, where its expectation comes from, the expectation, and how it is measured."""

    experiment: str
    source: str
    expected: str
    measure: Callable[[], str]


def _config(words: str, seed: int = 0) -> RunConfig:
    return RunConfig.from_words(f"{words} seed={seed}".split())


def _theory_rows() -> Iterator[Row]:
    for activation, init in (
        ("relu", "glorot_normal"),
        ("relu", "he_normal"),
        ("relu", "torch_default"),
        ("tanh", "glorot_normal"),
        ("tanh", "normal"),
        ("sigmoid", "glorot_normal"),
        ("selu", "lecun_normal"),
    ):
        words = f"{SQUARE} depth=30 activation={activation} init={init}"
        yield _travel(f"{activation} + {init}, 30 layers: decades from last to first", words)
    norm = "dataset=gaussian width=256 batch_size=256 depth=30 activation=relu norm=batch"
    yield _travel("ReLU + batch norm, 30 layers: the same", norm)
    residual = f"{SQUARE} depth=30 activation=tanh residual=true"
    yield _travel("tanh + residual connections, 30 layers: the same", residual)


def _travel(experiment: str, words: str) -> Row:
    predicted = theory.predict(_config(words))
    assert predicted is not None
    return Row(
        experiment, "mean-field theory", f"{predicted.decades[0]:.2f}", lambda: _decades(words)
    )


def _decades(words: str) -> str:
    frames = [profile(_config(words, seed)) for seed in range(SEEDS)]
    signals = [frame.signal_grad_norm.to_numpy()[:-1] for frame in frames]
    return f"{np.mean([np.log10(signal[0] / signal[-1]) for signal in signals]):.2f}"


def _stds(init: str) -> str:
    std = np.mean(
        [profile(_config(f"{TANH} init={init}", s)).activation_std[:5] for s in range(3)], 0
    )
    return f"{std[0]:.3f} → {std[4]:.3f}"


def _accuracies(words: str, seeds: int) -> str:
    found = [train(_config(words, s), MemorySink(), Control(), probe=False) for s in range(seeds)]
    return ", ".join(f"{summary.accuracy:.2f}" for summary in found)


def _dead(words: str) -> str:
    shares = []
    for seed in range(3):
        sink = MemorySink()
        train(_config(words, seed), sink, Control())
        shares.append(float(sink.batch().metric("dead")[-1, :-1].mean()))
    return ", ".join(f"{share:.2f}" for share in shares)


def _ends(words: str, seeds: int) -> str:
    found = [train(_config(words, s), MemorySink(), Control(), probe=False) for s in range(seeds)]
    return ", ".join(f"step {summary.steps}" for summary in found if summary.state == "diverged")


def rows() -> Iterator[Row]:
    """All of the table."""
    yield from _theory_rows()
    yield Row(
        "tanh 5×1000, uniform ±1/√n: activation std, layers 1 → 5",
        "Glorot 2010, fig. 6",
        "0.460 → 0.047",
        lambda: _stds(f"normal init_std={1 / np.sqrt(3000)}"),
    )
    yield Row(
        "the same with Glorot",
        "Glorot 2010, fig. 6",
        "0.628 → 0.322",
        lambda: _stds("glorot_uniform"),
    )
    yield Row(
        "ReLU, 30 layers, He: accuracy",
        "He 2015, fig. 3: learns",
        "≥ .6 each, median ≥ .9",
        lambda: _accuracies(f"{HE} init=he_normal", 3),
    )
    yield Row(
        "the same with Glorot",
        "He 2015, fig. 3: does not",
        "≤ .30",
        lambda: _accuracies(f"{HE} init=glorot_normal", 3),
    )
    yield Row(
        "dead units, Adam, learning rate .03",
        "plain PyTorch",
        ".35 – .55",
        lambda: _dead(f"{SMALL} optimizer=adam lr=0.03 steps=500"),
    )
    yield Row(
        "the same with leaky ReLU",
        "by definition",
        "0",
        lambda: _dead(f"{SMALL} optimizer=adam lr=0.03 steps=500".replace("relu", "leaky_relu", 1)),
    )
    yield Row(
        "MLP, learning rate 1: diverges at",
        "plain PyTorch",
        "steps 9 – 14",
        lambda: _ends(f"{SMALL} lr=1 steps=500", 4),
    )
    yield Row(
        "the same clipped by norm 1: accuracy",
        "Pascanu 2013",
        "≥ .95",
        lambda: _accuracies(f"{SMALL} lr=1 steps=500 clip=norm", 4),
    )
    yield Row(
        "RNN, learning rate 1: diverges at", "plain PyTorch", "by step 260", lambda: _ends(RNN, 5)
    )
    yield Row("the same clipped by norm 1: accuracy", "Pascanu 2013", "≥ .85",
              lambda: _accuracies(f"{RNN} clip=norm", 5))  # fmt: skip


def main() -> None:
    print("| experiment | source | expected | measured |\n| --- | --- | --- | --- |")
    for row in rows():
        print(f"| {row.experiment} | {row.source} | {row.expected} | {row.measure()} |", flush=True)


if __name__ == "__main__":
    main()
