"""Predictions against closed forms and against the slopes of the literature."""

import numpy as np
import pytest

from diagnostics.subject import theory
from diagnostics.subject.activations import ACTIVATIONS
from diagnostics.subject.config import RunConfig

SLOPES = [
    ("relu", "glorot_normal", -0.1505, -4.36),
    ("relu", "he_normal", 0.0, 0.0),
    ("relu", "torch_default", -0.3891, -11.28),
    ("relu", "normal", 0.5 * np.log10(128), 30.55),
    ("tanh", "glorot_normal", None, -0.80),
    ("tanh", "torch_default", -0.239, -7.07),
    ("tanh", "normal", 0.4705, 13.64),
    ("sigmoid", "glorot_normal", -0.6270, -18.23),
    ("sigmoid", "torch_default", -0.8495, -24.66),
    ("selu", "lecun_normal", 0.0150, 0.44),
]


@pytest.mark.parametrize(("activation", "init", "slope", "decades"), SLOPES)
def test_depth_30_width_256(
    activation: str, init: str, slope: float | None, decades: float
) -> None:
    config = RunConfig(activation=activation, init=init, depth=30, width=256, dataset="gaussian")
    found = theory.predict(config)
    assert found is not None
    assert found.decades[0] == pytest.approx(decades, abs=0.011)
    if slope is not None:
        assert found.decades[20] - found.decades[21] == pytest.approx(slope, abs=0.0006)


@pytest.mark.parametrize(
    ("words", "rate"),
    [
        ("activation=relu norm=batch", np.pi / (np.pi - 1)),
        ("activation=relu norm=batch norm_position=after init=he_normal", np.pi / (np.pi - 1)),
        ("activation=tanh norm=batch", 1.178),
        ("activation=linear norm=batch", 1.0),
        ("activation=relu norm=layer", 1.0),
        ("activation=relu norm=layer norm_position=after", np.pi / (np.pi - 1)),
        ("activation=relu init=he_normal dropout=0.2", 1.25),
        ("activation=linear residual=true", 2.0),
        ("activation=linear init=orthogonal gain=1.2", 1.44),
        ("architecture=rnn activation=linear init=orthogonal gain=0.9", 0.81),
        ("architecture=rnn activation=relu init=he_normal", 1.0),
    ],
)
def test_some_networks_have_one_rate_for_all_layers(words: str, rate: float) -> None:
    found = theory.predict(RunConfig.from_words(words.split()))
    assert found is not None
    assert found.decades[4] - found.decades[5] == pytest.approx(np.log10(rate) / 2, abs=2e-4)


def test_selu_keeps_unit_variance() -> None:
    config = RunConfig(activation="selu", init="lecun_normal", depth=50, width=256)
    found = theory.predict(config)
    assert found is not None
    assert np.allclose(found.activation_std, 1, atol=1e-3)


@pytest.mark.parametrize("key", ACTIVATIONS)
def test_slopes_are_derivatives(key: str) -> None:
    function, slope = ACTIVATIONS[key].at(0.1)
    z = np.linspace(-4, 4, 161) + 0.0123
    measured = (function(z + 1e-6) - function(z - 1e-6)) / 2e-6
    assert np.allclose(measured, slope(z), atol=1e-5)


def test_where_theory_does_not_hold_it_says_so() -> None:
    for words in (
        "init=he_normal activation=gelu",
        "init=zeros",
        "init=identity",
        "residual=true activation=relu",
    ):
        config = RunConfig.from_words(words.split())
        assert theory.predict(config) is None and theory.unfounded(config)
