"""Diagnoses from made-up measurements; the engine's tests make the real ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from diagnostics.config import RunConfig
from diagnostics.evidence import decades
from diagnostics.records import METRIC_INDEX, METRICS, SCALARS, PatientZero, StepBatch
from diagnostics.rules import diagnose


def _run(signal: list[float], **columns: float) -> StepBatch:
    """One step of a network with these signal gradients; all else calm."""
    values = np.full((1, len(signal), len(METRICS)), np.nan, np.float32)
    calm = {"saturated": 0.0, "dead": 0.0, "update_ratio": 1e-3, "sparsity": 0.1, "weight_norm": 1}
    for key, value in {**calm, **columns}.items():
        values[:, :, METRIC_INDEX[key]] = value
    values[0, :, METRIC_INDEX["signal_grad_norm"]] = signal
    return StepBatch(np.array([1]), values, np.zeros((1, len(SCALARS))))


DEEP = RunConfig(depth=10, activation="relu")


def _rules(batch: StepBatch, config: RunConfig = DEEP) -> list[str]:
    return [found.rule for found in diagnose(config, batch, "running")]


@pytest.mark.parametrize(
    ("slope", "rule"), [(0.6, "vanishing"), (-0.6, "exploding"), (0.0, "healthy")]
)
def test_the_slope_decides(slope: float, rule: str) -> None:
    assert _rules(_run(list(10 ** (slope * np.arange(11))))) == [rule]


def test_true_zeros_have_vanished() -> None:
    assert _rules(_run([0.0] * 5 + [1.0] * 6)) == ["vanishing"]


def test_saturated_and_dead_units_are_said() -> None:
    tanh = DEEP.changed(activation="tanh")
    assert "saturated" in _rules(_run([1.0] * 11, saturated=0.8), tanh)
    assert _rules(_run([1.0] * 11, dead=0.5)) == ["born_dead"]
    assert _rules(_run([1.0] * 11, sparsity=0.5)) == ["healthy", "sparse"]


def test_patient_zero_is_named() -> None:
    found = diagnose(DEEP, StepBatch.empty(), "diverged", PatientZero(14, 2, "activation"))
    assert found[0].rule == "diverged"
    assert all(word in found[0].sentence for word in ("14", "layer 2", "activation"))


def test_remedies_are_changes_that_can_be_made() -> None:
    for found in diagnose(DEEP, _run(list(10 ** (0.6 * np.arange(11)))), "running"):
        assert found.remedies
        for remedy in found.remedies:
            assert DEEP.changed(**remedy.changes) != DEEP


def test_decades_are_relative_to_the_last_hidden_layer() -> None:
    assert np.allclose(decades(np.array([[1e-4, 1e-2, 1.0, 7.0]])), [[-4, -2, 0]])


WILD = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 3), st.integers(1, 4), st.just(len(METRICS))),
    elements=st.floats(width=32, allow_nan=True, allow_infinity=True) | st.just(0.0),
)


@settings(max_examples=300)
@given(WILD, st.sampled_from(["relu", "sigmoid", "gelu"]))
def test_anything_gets_an_answer_or_silence(values: np.ndarray, activation: str) -> None:
    steps = np.arange(1, len(values) + 1)
    batch = StepBatch(steps, values, np.full((len(values), len(SCALARS)), np.nan))
    config = RunConfig(depth=max(1, values.shape[1] - 1), activation=activation)
    for found in diagnose(config, batch, "running"):
        assert found.sentence and "nan" not in found.sentence.lower().split()
