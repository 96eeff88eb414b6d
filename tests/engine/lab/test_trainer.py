"""The loop: same seed same numbers, live changes, divergence named."""

import numpy as np
import pytest
import torch

from diagnostics.store.records import Command
from tests.engine.helpers import trained

HE = "activation=relu init=he_normal"


@pytest.mark.parametrize("more", ["", "dropout=0.3 norm=batch", "optimizer=adam clip=norm"])
def test_same_seed_same_losses_with_and_without_probe(more: str) -> None:
    words = f"{HE} depth=5 width=32 steps=40 {more}"
    losses = [trained(words, probe=probe).batch.scalar("loss") for probe in (True, True, False)]
    assert (losses[0] == losses[1]).all()
    assert (losses[0] == losses[2]).all()
    assert (trained(f"{words} seed=1").batch.scalar("loss") != losses[0]).any()


def test_training_leaves_the_callers_random_state_alone() -> None:
    torch.manual_seed(7)
    state = torch.random.get_rng_state()
    trained("depth=2 width=4 steps=3 dropout=0.5")
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("probe", [True, False])
def test_divergence_names_layer_tensor_and_step(probe: bool) -> None:
    run = trained(f"{HE} depth=3 width=128 lr=1 steps=300", probe=probe)
    patient = run.summary.patient_zero
    assert run.summary.state == "diverged"
    assert patient is not None
    assert 9 <= patient.step <= run.summary.steps <= 14
    assert 1 <= patient.layer <= 4
    assert run.events[-1].kind == "diverged"
    assert np.isfinite(run.batch.scalar("loss")[:-1]).all()


def test_weights_that_overflow_are_patient_zero() -> None:
    run = trained("activation=linear depth=5 width=64 lr=1000 steps=300")
    assert run.summary.state == "diverged"


@pytest.mark.parametrize(
    "clip",
    [
        "clip=norm clip_threshold=1",
        "clip=norm clip_threshold=0.1",
        "clip=value clip_threshold=0.01",
        "clip=layer_norm clip_threshold=0.1",
        "clip=agc clip_threshold=0.01",
    ],
)
def test_clipping_rescues_what_would_diverge(clip: str) -> None:
    run = trained(f"{HE} depth=3 width=128 lr=1 steps=500 {clip}", probe=False)
    assert run.summary.state == "finished"
    assert run.summary.accuracy is not None
    assert run.summary.accuracy >= 0.95


def test_live_changes_apply_at_the_next_step_and_are_recorded() -> None:
    change = Command("set", {"lr": 0.25, "clip": "norm", "clip_threshold": 0.001})
    run = trained("depth=2 width=8 steps=3", change)
    assert run.batch.scalar("lr").tolist() == [0.25] * 3
    assert (run.batch.scalar("clipped_norm") <= 0.001).all()
    assert [(event.kind, event.step) for event in run.events] == [("set", 1)]


def test_fixed_or_bad_live_changes_are_refused_with_a_sentence() -> None:
    commands = [Command("set", {"depth": 5}), Command("set", {"lr": -1})]
    run = trained("depth=2 width=8 steps=2", *commands)
    sentences = [event.data["sentence"] for event in run.events]
    assert "depth=5" in sentences[0]
    assert "lr=-1" in sentences[1]
    assert run.summary.state == "finished"


def test_pause_step_stop() -> None:
    commands = [Command("pause"), Command("step"), Command("step"), Command("stop")]
    run = trained("depth=2 width=8 steps=100", *commands)
    assert run.summary.state == "stopped"
    assert run.summary.steps == 2
    assert [event.kind for event in run.events] == ["paused"]


def test_pace_limits_steps_per_second() -> None:
    run = trained("depth=2 width=8 steps=5", Command("pace", {"steps_per_second": 50.0}))
    assert run.summary.state == "finished"


def test_heldout_and_dead_are_measured_from_the_first_step() -> None:
    run = trained(f"{HE} depth=2 width=8 steps=12")
    heldout = run.batch.scalar("heldout_accuracy")
    assert np.isfinite(heldout).all()
    assert (heldout[:10] == heldout[0]).all()
    assert np.isfinite(run.batch.metric("dead")[:, :-1]).all()
