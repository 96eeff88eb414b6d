"""Measured profiles at initialization beside theory, over eight seeds each."""

import numpy as np
import pytest

from diagnostics.engine.lab import data
from diagnostics.engine.lab.profiler import profile
from diagnostics.subject import theory
from diagnostics.subject.activations import ACTIVATIONS, Activation
from diagnostics.subject.choices import DATASETS
from diagnostics.subject.config import RunConfig

pytestmark = pytest.mark.thorough

WIDTH, SEEDS = 256, 8
CASES = [
    ("relu", "glorot_normal"),
    ("relu", "he_normal"),
    ("relu", "torch_default"),
    ("relu", "normal"),
    ("tanh", "glorot_normal"),
    ("tanh", "torch_default"),
    ("tanh", "normal"),
    ("sigmoid", "glorot_normal"),
    ("sigmoid", "torch_default"),
    ("selu", "lecun_normal"),
]


@pytest.mark.parametrize("depth", [10, pytest.param(30, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("activation", "init"), CASES)
def test_signals_travel_as_predicted(activation: str, init: str, depth: int) -> None:
    config = RunConfig(
        dataset="gaussian", activation=activation, init=init, depth=depth, width=WIDTH
    ).changed(batch_size=32)
    predicted = theory.predict(config)
    assert predicted is not None
    measured = [_decades(config.changed(seed=seed)) for seed in range(SEEDS)]
    expected = predicted.decades[0]
    tolerance = 0.03 * abs(expected) + 0.5 * np.sqrt(depth / WIDTH)
    assert np.mean(measured) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(
    "activation", ["relu", *(pytest.param(k, marks=pytest.mark.slow) for k in ("tanh", "linear"))]
)
@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_normalized_signals_travel_as_predicted(activation: str, norm: str) -> None:
    config = RunConfig(dataset="gaussian", activation=activation, norm=norm, depth=30, width=WIDTH)
    config = config.changed(batch_size=256)
    predicted = theory.predict(config)
    assert predicted is not None
    signals = [np.log10(profile(config.changed(seed=s)).signal_grad_norm) for s in range(5)]
    measured = np.mean(signals, axis=0)
    slope = (measured[1] - measured[28]) / 27
    expected = (predicted.decades[1] - predicted.decades[28]) / 27
    assert slope == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(
    "words",
    [
        "activation=tanh residual=true depth=30",
        "activation=linear residual=true depth=30",
        "activation=relu norm=layer residual=true depth=30",
        pytest.param(
            "activation=relu norm=batch residual=true depth=30 batch_size=256",
            marks=pytest.mark.slow,
        ),
        "activation=tanh norm=layer norm_position=after depth=30",
        pytest.param(
            "activation=relu norm=batch norm_position=after depth=20 batch_size=256",
            marks=pytest.mark.slow,
        ),
        "activation=relu init=he_normal dropout=0.2 depth=20",
        "activation=tanh dropout=0.3 depth=20",
        "activation=relu norm=batch dropout=0.2 depth=20 batch_size=256",
    ],
)
def test_residual_and_dropped_signals_travel_as_predicted(words: str) -> None:
    config = RunConfig.from_words(f"dataset=gaussian width={WIDTH} {words}".split())
    _agree(config)


@pytest.mark.parametrize(
    "words",
    [
        "activation=tanh init=orthogonal",
        "activation=relu init=orthogonal gain=1.4",
        "activation=tanh init=normal init_std=0.1 chunk=2",
    ],
)
def test_recurrent_signals_travel_as_predicted(words: str) -> None:
    config = RunConfig.from_words(f"architecture=rnn width={WIDTH} {words}".split())
    _agree(config)


def _agree(config: RunConfig) -> None:
    """The mean over 8 seeds against theory: within 3% and half the spread of a network's width."""
    predicted = theory.predict(config)
    assert predicted is not None
    measured = np.mean([_decades(config.changed(seed=seed)) for seed in range(8)])
    expected, layers = predicted.decades[0], config.hidden_layers
    tolerance = 0.03 * abs(expected) + 0.5 * np.sqrt(layers / WIDTH)
    assert measured == pytest.approx(expected, abs=tolerance)


def _decades(config: RunConfig) -> float:
    signal = profile(config).signal_grad_norm
    return float(np.log10(signal[0] / signal[config.hidden_layers - 1]))


SMOOTH = [activation for activation in ACTIVATIONS.values() if activation.transition]


@pytest.mark.parametrize("activation", SMOOTH, ids=lambda activation: activation.key)
def test_there_is_a_band_where_it_holds_and_none_near_a_phase_transition(
    activation: Activation,
) -> None:
    """Of five networks of the default size at most one lies beyond two standard deviations."""
    low, high = activation.transition or (0.0, 0.0)
    for variance in (low - 0.1, high + 0.1):
        config = _of_variance(activation.key, variance)
        predicted = theory.predict(config)
        assert predicted is not None
        found = [_decades(config.changed(seed=seed)) for seed in range(5)]
        apart = np.abs(np.array(found) - predicted.decades[0])
        assert (apart > 2 * predicted.spread[0]).sum() <= 1
    for variance in (low + 0.01, (low + high) / 2, high - 0.01):
        assert theory.predict(_of_variance(activation.key, variance)) is None


def _of_variance(activation: str, variance: float) -> RunConfig:
    std = float(np.sqrt(variance / 64))
    return RunConfig(activation=activation, init="normal", init_std=std, depth=20, width=64)


@pytest.mark.parametrize("dataset", DATASETS)
def test_theory_knows_the_inputs(dataset: str) -> None:
    config = RunConfig(dataset=dataset, width=20)
    samples = data.load(config)
    assert samples.inputs == config.inputs
    assert float(samples.train_x.square().mean()) == pytest.approx(1, abs=1e-3)
