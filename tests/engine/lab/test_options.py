"""Options of training beside the optimizer: accumulation, max-norm, early stopping."""

import numpy as np
import pytest
import torch

from diagnostics.engine.lab.optimization import limit_norms
from tests.engine.helpers import trained

SMALL = "activation=relu init=he_normal depth=3 width=32"


def test_accumulated_batches_are_one_larger_batch() -> None:
    """The sum is what is applied; a single batch's gradient is larger, being noisier."""
    whole = trained(f"{SMALL} batch_size=64 steps=20")
    parts = trained(f"{SMALL} batch_size=16 accumulate=4 steps=20")
    for key in ("weight_grad_norm", "signal_grad_norm"):
        np.testing.assert_allclose(parts.batch.metric(key), whole.batch.metric(key), rtol=2e-3)
    np.testing.assert_allclose(parts.batch.scalar("loss"), whole.batch.scalar("loss"), rtol=1e-3)
    computed = parts.batch.metric("computed_grad_norm")
    assert (computed > parts.batch.metric("weight_grad_norm")).mean() > 0.9
    alone = whole.batch
    assert (alone.metric("computed_grad_norm") == alone.metric("weight_grad_norm")).all()


def test_max_norm_limits_each_units_weights() -> None:
    weight = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
    limit_norms([weight], 1.0)
    assert torch.allclose(weight, torch.tensor([[0.6, 0.8], [0.3, 0.4]]))
    free = trained(f"{SMALL} steps=50 lr=0.5").batch.metric("weight_norm")
    held = trained(f"{SMALL} steps=50 lr=0.5 max_norm=1").batch.metric("weight_norm")
    assert held[-1, :3].max() <= np.sqrt(32) + 1e-4 < free[-1, :3].max()


def test_early_stopping_ends_a_run_that_no_longer_improves() -> None:
    run = trained(f"{SMALL} optimizer=adam lr=0.01 steps=2000 early_stopping=100")
    assert run.summary.state == "finished" and run.summary.steps < 1500
    (event,) = run.events
    assert event.kind == "stopped early"
    assert event.step - event.data["best"] == pytest.approx(100, abs=10)


@pytest.mark.parametrize(("clip", "turned"), [("norm", False), ("value", True)])
def test_clipping_by_value_turns_the_gradient_and_by_norm_does_not(clip: str, turned: bool) -> None:
    cosine = trained(f"{SMALL} steps=5 clip={clip} clip_threshold=0.01").batch.scalar("clip_cosine")
    assert (cosine < 0.99).all() if turned else np.allclose(cosine, 1)


def test_the_update_is_the_real_difference_of_weights() -> None:
    batch = trained(f"{SMALL} steps=5 lr=0.1").batch
    expected = 0.1 * batch.metric("weight_grad_norm")
    np.testing.assert_allclose(batch.metric("update_norm"), expected, rtol=1e-3)
