"""The Elman network against what theory and the papers say of it."""

import numpy as np
import pytest
import torch
from torch import nn

from diagnostics import profile
from diagnostics.engine.lab import data, network
from tests.engine.helpers import config, trained

pytestmark = pytest.mark.thorough

SICK = "architecture=rnn activation=relu init=orthogonal width=64 lr=1 steps=400"
"""Clipping by norm rescues it (Pascanu et al. 2013)."""


@pytest.mark.parametrize("gain", [0.5, 0.9, 1.0, 1.2])
def test_a_linear_one_multiplies_the_gradient_by_its_gain_at_each_step(gain: float) -> None:
    chosen = config(f"architecture=rnn activation=linear init=orthogonal gain={gain} chunk=1")
    signal = profile(chosen).signal_grad_norm.to_numpy()[:-1]
    assert len(signal) == 64
    assert signal[0] / signal[-1] == pytest.approx(gain**63, rel=1e-4)


def test_it_computes_what_torchs_own_rnn_computes() -> None:
    chosen = config("architecture=rnn activation=tanh width=16")
    samples = data.load(chosen)
    ours = network.build(chosen, samples)
    theirs = nn.RNN(8, 16, batch_first=True)
    weight = ours.layers()[0].linear.weight.detach()
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(weight[:, :8])
        theirs.weight_hh_l0.copy_(weight[:, 8:])
        for bias in (theirs.bias_ih_l0, theirs.bias_hh_l0):
            bias.zero_()
    x = samples.train_x[:5]
    last = theirs(x.reshape(5, 8, 8))[1][0]
    assert torch.allclose(ours(x), ours.output(last), atol=1e-6)
    assert len(list(ours.parameters())) == 4


def test_it_learns_digits_read_row_by_row() -> None:
    run = trained("architecture=rnn activation=tanh init=orthogonal lr=0.2 steps=300")
    assert run.summary.accuracy is not None and run.summary.accuracy > 0.85
    assert run.batch.layers == 9


@pytest.mark.parametrize("seed", range(5))
def test_clipping_by_norm_rescues_it(seed: int) -> None:
    sick = trained(f"{SICK} seed={seed}", probe=False).summary
    assert (sick.state, sick.steps <= 260) == ("diverged", True)
    cured = trained(f"{SICK} clip=norm seed={seed}", probe=False).summary
    assert cured.accuracy is not None and cured.accuracy >= 0.85


@pytest.mark.slow
@pytest.mark.parametrize("clip", ["norm clip_threshold=0.1", "value clip_threshold=0.01"])
@pytest.mark.parametrize("seed", range(5))
def test_so_do_a_tighter_norm_and_clipping_by_value(clip: str, seed: int) -> None:
    cured = trained(f"{SICK} clip={clip} seed={seed}", probe=False).summary
    assert cured.accuracy is not None and cured.accuracy >= 0.85


def test_the_probe_changes_nothing() -> None:
    words = "architecture=rnn activation=relu init=identity steps=20 dropout=0.1"
    assert trained(words).summary.loss == trained(words, probe=False).summary.loss


def test_all_time_steps_share_one_weight_gradient() -> None:
    batch = trained("architecture=rnn steps=2").batch
    gradient = batch.metric("weight_grad_norm")[:, :-1]
    assert np.ptp(gradient, axis=1).max() == 0
