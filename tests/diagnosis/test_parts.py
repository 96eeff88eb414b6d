"""What is said of frozen parts, branches, skipped batches, and gradients that are left over."""

import numpy as np

from diagnostics.diagnosis.rules import diagnose
from diagnostics.store.records import METRIC_INDEX, Diagnosis, StepBatch
from diagnostics.subject.watched import WatchedLayer, WatchedModel
from tests.diagnosis.made import falling, flat, ill, model, run, said


def _told(batch: StepBatch, subject: WatchedModel, rule: str) -> Diagnosis | None:
    return next((d for d in diagnose(subject, batch) if d.rule == rule), None)


def _with_layers(**known: list[object]) -> WatchedModel:
    """Six layers of which each has its own of every keyword."""
    rows = [dict(zip(known, values, strict=True)) for values in zip(*known.values(), strict=True)]
    layers = [WatchedLayer(name=f"part.{i}", **row) for i, row in enumerate(rows)]
    return WatchedModel(model="Net", layers=tuple(layers))


def test_frozen_layers_are_said_and_no_alarm() -> None:
    subject = _with_layers(frozen=[True, True, False, False, False, False])
    batch = run(50, falling(50))
    found = _told(batch, subject, "frozen")
    assert found is not None and found.severity == "fine" and found.layers == (1, 2)
    assert "Layers 1–2 of 6" in found.sentence and not said(batch, subject)
    assert _told(batch, model(), "frozen") is None


def test_branches_that_learn_at_different_speeds() -> None:
    subject = _with_layers(after=[(), (0,), (1,), (0,), (3,), (4,)])
    ratio = np.r_[1e-3, 1e-3, 1e-3, 1e-5, 2e-5, 2e-5]
    found = _told(run(50, falling(50), update_ratio=ratio), subject, "uneven")
    assert found is not None and found.severity == "fine"
    assert "part.1" in found.sentence and "50 times" in found.sentence
    assert _told(run(50, falling(50), update_ratio=1e-3), subject, "uneven") is None
    assert _told(run(50, falling(50), update_ratio=ratio), model(), "uneven") is None


def test_a_skipped_batch_is_an_event_and_many_are_worth_a_word() -> None:
    batch = run(100, falling(100))
    batch.values[10, :, METRIC_INDEX["nonfinite"]] = 7
    found = _told(batch, model(), "skipped")
    assert found is not None and found.severity == "fine" and found.since_step == 11
    assert "1 batch was skipped, at step 11" in found.sentence
    batch.values[::2, :, METRIC_INDEX["nonfinite"]] = 7
    assert said(batch) == {"skipped"} and not ill(batch)
    assert _told(run(100, falling(100), nonfinite=0.0), model(), "skipped") is None


def test_gradients_that_are_never_set_to_zero() -> None:
    assert ill(run(40, flat(40)), model(unzeroed=True)) == {"unzeroed"}
    assert not said(run(40, flat(40)), model(unzeroed=False))
