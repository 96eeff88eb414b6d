"""Diagnoses from made-up measurements; the engine's tests make the real ones."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from diagnostics.diagnosis.rules import RULES, diagnose, explained
from diagnostics.diagnosis.way import decades
from diagnostics.store.records import (
    METRIC_INDEX,
    METRICS,
    SCALAR_INDEX,
    SCALARS,
    Diagnosis,
    PatientZero,
    StepBatch,
)
from diagnostics.subject.config import RunConfig


def _run(signal: list[float], **columns: float) -> StepBatch:
    """One step of a network with these signal gradients; all else calm."""
    values = np.full((1, len(signal), len(METRICS)), np.nan, np.float32)
    calm = {"saturated": 0.0, "dead": 0.0, "update_ratio": 1e-3, "sparsity": 0.1, "weight_norm": 1}
    for key, value in {**calm, **columns}.items():
        values[:, :, METRIC_INDEX[key]] = value
    values[0, :, METRIC_INDEX["signal_grad_norm"]] = signal
    return StepBatch(np.array([1]), values, np.zeros((1, len(SCALARS))))


DEEP = RunConfig(depth=10, activation="relu")
CLIPPED = DEEP.changed(clip="norm")


def _rules(batch: StepBatch, config: RunConfig = DEEP) -> list[str]:
    return [found.rule for found in diagnose(config, batch)]


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
    found = diagnose(DEEP, StepBatch.empty(), PatientZero(14, 2, "activation"))
    assert found[0].rule == "diverged"
    assert all(word in found[0].sentence for word in ("14", "layer 2", "activation"))


def test_remedies_are_changes_that_can_be_made() -> None:
    for found in diagnose(DEEP, _run(list(10 ** (0.6 * np.arange(11))))):
        assert found.remedies
        for remedy in found.remedies:
            assert DEEP.changed(**remedy.changes) != DEEP


def test_decades_are_relative_to_the_last_hidden_layer() -> None:
    assert np.allclose(decades(np.array([[1e-4, 1e-2, 1.0, 7.0]])), [[-4, -2, 0]])


def _long(count: int = 100, **scalars: np.ndarray | float) -> StepBatch:
    """Many calm steps with these scalars."""
    one = _run([1.0] * 11)
    values = np.repeat(one.values, count, axis=0)
    table = np.zeros((count, len(SCALARS)))
    for key, value in scalars.items():
        table[:, SCALAR_INDEX[key]] = value
    return StepBatch(np.arange(1, count + 1), values, table)


def _with(batch: StepBatch, metric: str, value: np.ndarray | float) -> StepBatch:
    batch.values[:, :, METRIC_INDEX[metric]] = value
    return batch


def _found(batch: StepBatch, rule: str, config: RunConfig = DEEP) -> Diagnosis:
    return next(d for d in diagnose(config, batch) if d.rule == rule)


def test_dying_is_told_from_dead_and_from_born_dead() -> None:
    rising = np.linspace(0, 0.8, 100)[:, None]
    found = _found(_with(_long(), "dead", rising), "dead")
    assert found.since_step == 43 and found.evidence["share"] == pytest.approx(0.8)
    assert _rules(_with(_long(), "dead", rising / 4)) == ["dying"]
    assert _rules(_with(_long(), "dead", 0.6)) == ["born_dead"]


def test_one_layer_without_a_living_unit_blocks_the_gradient() -> None:
    share = np.zeros((100, 11))
    share[40:, 9] = 1.0
    batch = _with(_with(_long(), "dead", share), "update_ratio", 0.0)
    found = _found(batch, "dead")
    assert found.since_step == 41 and found.layers == (10,)
    assert _rules(batch) == ["dead"]
    assert "dead" not in _rules(batch, DEEP.changed(residual=True))


def test_an_update_can_stall_or_be_too_large() -> None:
    assert _rules(_with(_long(), "update_ratio", 1e-7)) == ["stalled"]
    assert _rules(_with(_long(accuracy=0.99), "update_ratio", 1e-7)) == ["healthy"]
    assert _rules(_with(_long(), "update_ratio", 0.5)) == ["too_large"]


def test_clipping_always_and_never() -> None:
    assert _rules(_long(grad_norm=50.0, clipped_norm=1.0), CLIPPED) == ["clipping_always"]
    assert _rules(_long(grad_norm=5.0, clipped_norm=1.0), CLIPPED) == ["healthy"]
    assert _rules(_long(grad_norm=0.5, clipped_norm=0.5), CLIPPED) == ["healthy", "clipping_never"]
    assert _rules(_long(grad_norm=5.0, clipped_norm=1.0)) == ["healthy"]


@pytest.mark.parametrize("grad_norm", [50.0, 0.5])
def test_a_threshold_is_told_as_it_was_set(grad_norm: float) -> None:
    """What clipping leaves falls short of it by the millionth that it adds before it divides."""
    config = CLIPPED.changed(clip_threshold=1.0 / (1 + 1e-6))
    found = diagnose(config, _long(200, grad_norm=grad_norm, clipped_norm=min(grad_norm, 1.0)))
    assert any("the threshold 1 " in d.sentence or "the threshold 1:" in d.sentence for d in found)


def test_a_run_that_was_clipped_once_was_not_never_clipped() -> None:
    after = np.full(200, 0.5)
    after[2] = 0.02
    found = _found(_long(200, grad_norm=0.5, clipped_norm=after), "clipping_earlier", CLIPPED)
    assert "step 3 " in found.sentence and "1/25 " in found.sentence
    assert found.evidence["left"] == pytest.approx(0.04)
    assert not found.remedies
    after[150:] = 0.3  # and still is
    assert _rules(_long(200, grad_norm=0.5, clipped_norm=after), CLIPPED) == ["healthy"]


def test_batch_norms_explosion_is_no_illness_once_training_goes_on() -> None:
    signal = list(10 ** (-0.12 * np.arange(31)))
    config = RunConfig(depth=30, activation="relu", norm="batch")
    assert _rules(_run(signal), config) == ["bn_explosion"]
    late = StepBatch(np.array([500]), _run(signal).values, np.zeros((1, len(SCALARS))))
    assert _rules(late, config) == ["exploding"]


def _rising(**more: np.ndarray | float) -> StepBatch:
    """Held-out loss down to 1 and up to 3."""
    looks = np.repeat(np.concatenate([np.linspace(2, 1, 5), np.linspace(1.1, 3, 15)]), 10)
    return _long(200, heldout_loss=looks, **more)


def test_overfitting_dates_from_the_best_look() -> None:
    found = _found(_rising(loss=0.1), "overfitting")
    assert found.since_step == pytest.approx(61, abs=20)
    assert found.evidence["gap"] > 2
    assert _rules(_long(200, loss=1.0, heldout_loss=1.2)) == ["healthy"]


def test_a_loss_that_rises_on_either_side_is_no_overfitting() -> None:
    train = np.concatenate([np.linspace(2, 0.3, 50), np.linspace(0.3, 9, 150)])
    found = _found(_rising(loss=train), "too_large")
    assert found.since_step == pytest.approx(61, abs=20)
    assert "risen from 0.62 to 8.7" in found.sentence and found.chart == "loss"
    assert _rules(_rising(loss=train)) == ["too_large"]


@pytest.mark.parametrize(("accuracy", "severity"), [(0.85, "watch"), (0.5, "ill")])
def test_a_loss_that_rises_while_answers_stay_right_is_no_illness(
    accuracy: float, severity: str
) -> None:
    train = np.concatenate([np.linspace(2, 0.3, 50), np.linspace(0.3, 9, 150)])
    heldout = np.where(np.arange(200) > 150, accuracy, 0.9)
    found = _found(_rising(loss=train, heldout_accuracy=heldout), "too_large")
    assert found.severity == severity


def test_spikes_are_seen_where_a_median_would_not() -> None:
    """Nine batches of ten are learned, the tenth is worse than anything: no overfitting."""
    train = np.full(200, 0.3)
    train[100::10] = 20.0
    assert _rules(_rising(loss=train)) == ["too_large"]


def test_noise_in_the_training_loss_is_no_overfitting() -> None:
    looks = np.repeat(np.concatenate([np.linspace(0.4, 0.16, 5), np.linspace(0.16, 0.27, 15)]), 10)
    train = np.linspace(0.12, 0.09, 200)
    assert _rules(_long(200, loss=train, heldout_loss=looks)) == ["healthy"]


def test_what_had_vanished_still_has_when_a_whole_layer_is_dead() -> None:
    """Between two zeros there is no ratio; layers are those of the last gradient that came."""
    signal = 10 ** (0.6 * np.arange(11))
    batch = _with(_long(), "signal_grad_norm", np.tile(signal, (100, 1)))
    batch.values[60:, :-1, METRIC_INDEX["signal_grad_norm"]] = 0.0
    dead = np.zeros((100, 11))
    dead[60:, 9] = 1.0
    batch = _with(batch, "dead", dead)
    assert _rules(batch) == ["vanishing", "dead"]
    found = _found(batch, "vanishing")
    assert "received 4 × 10⁻⁶ of the gradient that last reached layer 10" in found.sentence
    assert found.since_step == 1 and found.layers == tuple(range(1, 9))


def test_a_dead_layer_makes_no_healthy_gradient_vanish() -> None:
    batch = _with(_long(), "signal_grad_norm", np.tile(10 ** (-0.6 * np.arange(11)), (100, 1)))
    batch.values[60:, :-1, METRIC_INDEX["signal_grad_norm"]] = 0.0
    assert _rules(batch) == ["healthy"]


def test_a_saturated_layer_is_graver_than_a_gradient_that_fell_a_little() -> None:
    shallow = RunConfig(depth=4, activation="sigmoid")
    fallen = [0.02, 0.1, 0.3, 1.0, 1.0]
    assert _rules(_run(fallen, saturated=0.9), shallow) == ["saturated", "vanishing"]
    assert _rules(_run([1e-6, *fallen[1:]], saturated=0.9), shallow) == ["vanishing", "saturated"]


def test_layers_without_an_activation_are_one_layer() -> None:
    linear = DEEP.changed(activation="linear")
    found = _found(_run([1.0] * 11), "linear", linear)
    assert "10 layers" in found.sentence and found.remedies
    assert _rules(_run([1.0] * 11), linear.changed(norm="batch", residual=True)) == ["linear"]
    assert "linear" not in _rules(_run([1.0] * 11), linear.changed(norm="layer"))
    assert "linear" not in _rules(_run([1.0] * 2), linear.changed(depth=1))


def test_zero_weights_are_symmetric_and_nothing_else() -> None:
    assert _rules(_with(_with(_long(), "weight_norm", 0), "signal_grad_norm", 0)) == ["symmetric"]


def test_infinite_gradients_have_exploded() -> None:
    assert "exploding" in _rules(_run([np.inf] + [1.0] * 10))


def test_adaptive_optimizers_bear_more() -> None:
    batch = _run(list(10 ** (0.2 * np.arange(11))))
    assert _rules(batch) == ["vanishing"]
    assert _rules(batch, DEEP.changed(optimizer="adam")) == ["healthy"]


def test_every_rule_explains_itself() -> None:
    for rule in RULES.values():
        assert rule.help in explained(rule.key)
    assert re.search(r"found \d+ of \d+ broken ones", explained("vanishing"))


WILD = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 3), st.integers(1, 4), st.just(len(METRICS))),
    elements=st.floats(width=32, allow_nan=True, allow_infinity=True) | st.just(0.0),
)


WILD_SCALARS = hnp.arrays(np.float64, 7, elements=st.floats(allow_nan=True, allow_infinity=True))


@settings(max_examples=300, deadline=None)
@given(WILD, WILD_SCALARS, st.sampled_from(["relu", "sigmoid", "gelu"]), st.booleans())
def test_anything_gets_an_answer_or_silence(
    values: np.ndarray, scalars: np.ndarray, activation: str, much: bool
) -> None:
    if much:  # enough steps for every rule
        values = np.repeat(values, 10, axis=0)
    steps = np.arange(1, len(values) + 1)
    batch = StepBatch(steps, values, np.resize(scalars, (len(values), len(SCALARS))))
    config = RunConfig(depth=max(1, values.shape[1] - 1), activation=activation)
    config = config.changed(clip="norm", norm="batch")
    for found in diagnose(config, batch):
        assert found.sentence and "nan" not in found.sentence.lower().split()
