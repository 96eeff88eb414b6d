"""What training must come to, as the papers and our own runs of plain PyTorch have it."""

import numpy as np
import pytest
import torch
from torch import nn

from diagnostics.engine.lab import data, network
from diagnostics.engine.lab.profiler import profile
from diagnostics.engine.measure.layers import Layer
from diagnostics.engine.measure.probe import Probe
from diagnostics.store.records import METRIC_INDEX
from tests.engine.helpers import config, trained

pytestmark = pytest.mark.thorough

SHAPE = "init=he_normal depth=3 width=128"
SMALL = f"activation=relu {SHAPE}"
HE = "activation=relu width=128 lr=0.01 steps=800"


def accuracy(words: str) -> float:
    """Held-out accuracy of a run that survives."""
    summary = trained(words, probe=False).summary
    assert summary.state == "finished" and summary.accuracy is not None
    return summary.accuracy


@pytest.mark.slow
def test_he_learns_where_glorot_does_not() -> None:
    """He et al. 2015 in small: 30 layers of ReLU."""
    he = [accuracy(f"{HE} init=he_normal depth=30 seed={seed}") for seed in range(5)]
    glorot = [accuracy(f"{HE} init=glorot_normal depth=30 seed={seed}") for seed in range(5)]
    assert min(he) >= 0.6 and np.median(he) >= 0.9
    assert max(glorot) <= 0.30


@pytest.mark.slow
def test_shallow_networks_do_not_care() -> None:
    for init in ("he_normal", "glorot_normal"):
        assert accuracy(f"{HE} init={init} depth=5") >= 0.9
    assert accuracy(f"{HE} init=torch_default depth=10") <= 0.2


OLD = [0.460, 0.250, 0.141, 0.081, 0.047]
GLOROT = [0.628, 0.486, 0.408, 0.358, 0.322]


@pytest.mark.parametrize(
    ("init", "stds", "ratio"),
    [
        (f"normal init_std={1 / np.sqrt(3000)}", OLD, 0.0832),
        ("glorot_uniform", GLOROT, 0.4098),
    ],
    ids=["uniform", "glorot"],
)
def test_tanh_signals_at_initialization(init: str, stds: list[float], ratio: float) -> None:
    """Glorot & Bengio 2010, figures 6 and 7: five layers of 1000 tanh units.

    Only the variance of the weights counts: N(0, 1/(3n)) stands for U(±1/√n) without biases.
    """
    words = f"dataset=gaussian activation=tanh depth=5 width=1000 batch_size=256 init={init}"
    frames = [profile(config(f"{words} seed={seed}")) for seed in range(3)]
    measured = np.mean([frame.activation_std[:5] for frame in frames], axis=0)
    assert measured.tolist() == pytest.approx(stds, rel=0.03)
    signals = [frame.signal_grad_norm[0] / frame.signal_grad_norm[4] for frame in frames]
    assert np.mean(signals) == pytest.approx(ratio, rel=0.06)


@pytest.mark.slow
def test_the_sigmoids_top_layer_saturates_at_0() -> None:
    """Glorot & Bengio 2010, figure 2."""
    words = "activation=sigmoid depth=4 width=100 lr=0.5 batch_size=10 steps=1000"
    run = trained(words)
    mean = run.batch.metric("activation_mean")[:, 3]
    assert mean[0] == pytest.approx(0.5, abs=0.05)
    assert mean[99] < 0.15 and mean[999] < 0.05
    assert run.summary.accuracy is not None and run.summary.accuracy < 0.2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "low", "high"),
    [
        ("activation=relu lr=0.03", 0.35, 0.55),
        ("activation=relu lr=0.001", 0.0, 0.08),
        ("activation=leaky_relu lr=0.03", 0.0, 0.0),
    ],
)
def test_units_die_of_a_large_learning_rate(words: str, low: float, high: float) -> None:
    for seed in range(4):
        run = trained(f"{SHAPE} optimizer=adam steps=500 {words} seed={seed}")
        assert low <= run.batch.metric("dead")[-1, :3].mean() <= high


@pytest.mark.parametrize(
    ("width", "depth", "expected"),
    [(2, 5, 0.7627), (2, 10, 0.9437), (3, 5, 0.4871), (3, 10, 0.7369), (4, 10, 0.4755)],
)
def test_networks_are_born_dead(width: int, depth: int, expected: float) -> None:
    """Lu et al. 2019: P = 1 − (1 − 2^−N)^L for one input and no biases."""
    draws = 4000
    generator = torch.Generator().manual_seed(width * 100 + depth)
    h = torch.ones(draws, 1, 1)
    for inputs in [1] + [width] * (depth - 1):
        weight = torch.randn(draws, width, inputs, generator=generator) * np.sqrt(2 / inputs)
        h = torch.relu(weight @ h)
    dead = float((h == 0).all(dim=1).double().mean())
    error = np.sqrt(expected * (1 - expected) / draws)
    assert dead == pytest.approx(expected, abs=3 * error)


def test_selu_normalizes_itself() -> None:
    """Klambauer et al. 2017."""
    words = "dataset=gaussian activation=selu init=lecun_normal depth=50 width=256 batch_size=512"
    frames = [profile(config(f"{words} seed={seed}")) for seed in range(4)]
    std = np.mean([frame.activation_std[:50] for frame in frames], axis=0)
    mean = np.mean([frame.activation_mean[:50] for frame in frames], axis=0)
    assert (np.abs(std - 1) <= 0.05).all() and (np.abs(mean) < 0.05).all()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_without_clipping_a_large_learning_rate_diverges(seed: int) -> None:
    summary = trained(f"{SMALL} lr=1 steps=500 seed={seed}").summary
    assert summary.state == "diverged" and summary.steps <= 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("clip", "threshold"),
    [("norm", 1), ("norm", 0.1), ("value", 0.01), ("layer_norm", 0.1), ("agc", 0.01)],
)
def test_every_way_of_clipping_rescues_it(clip: str, threshold: float) -> None:
    words = f"{SMALL} lr=1 steps=500 clip={clip} clip_threshold={threshold}"
    assert min(accuracy(f"{words} seed={seed}") for seed in range(4)) >= 0.95


@pytest.mark.parametrize(("variance", "share"), [(1, 0.0364), (2, 0.139), (256, 0.896)])
def test_saturated_shares_of_gaussian_pre_activations(variance: float, share: float) -> None:
    linear, tanh = nn.Linear(100, 100, bias=False), nn.Tanh()
    nn.init.eye_(linear.weight)
    probe = Probe([Layer("1", linear, tanh)])
    probe.attach()
    torch.manual_seed(0)
    tanh(linear(torch.randn(2000, 100) * variance**0.5)).sum().backward()
    probe.backward()
    values = probe.after_step().values
    probe.detach()
    assert values[0, METRIC_INDEX["saturated"]] == pytest.approx(share, abs=0.005)


def test_half_the_units_are_dead_when_they_are_made_so() -> None:
    chosen = config("activation=relu init=he_normal depth=1 width=128")
    samples = data.load(chosen)
    model = network.build(chosen, samples)
    layer = model.layers()[0]
    with torch.no_grad():
        layer.linear.bias[:64], layer.linear.bias[64:] = -100, 100
    probe = Probe(model.layers())
    assert probe.count_dead(model, [samples.probe_x])[0].mean() == 0.5
