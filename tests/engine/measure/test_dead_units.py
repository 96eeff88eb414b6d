"""Dead units counted in passing."""

import numpy as np
import pytest
import torch

from diagnostics.engine.measure import reductions
from diagnostics.engine.measure.dead_units import SAMPLES, InPassing


@pytest.fixture(params=["native", "torch"], autouse=True)
def _path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "torch":
        monkeypatch.setattr(reductions, "NATIVE", set())


def _see(counted: InPassing, *activations: torch.Tensor) -> None:
    """Calls of one layer, in one step that was part of training."""
    calls = np.arange(len(activations))
    layers = np.zeros(len(activations), np.int64)
    counted.see(reductions.gather(calls.tolist(), activations), layers, ())
    counted.count(calls, layers)
    counted.clear()


def test_a_unit_is_dead_only_if_a_thousand_samples_leave_it_at_0() -> None:
    counted = InPassing(np.array([False]))
    batch = torch.zeros(100, 8)
    batch[:, :5] = 1.0
    late = batch.clone()
    late[99, 5] = 1e-30
    for number in range(SAMPLES // 100):
        assert np.isnan(counted.dead[0])
        _see(counted, late if number == 7 else batch)
    assert counted.dead[0] == 2 / 8


def test_a_convolutions_units_are_its_channels() -> None:
    counted = InPassing(np.array([True]))
    batch = torch.zeros(SAMPLES, 4, 3, 3)
    batch[17, 2, 1, 1] = -1.0
    _see(counted, batch)
    assert counted.dead[0] == 3 / 4


def test_a_convolution_may_be_called_at_several_sizes_in_one_pass() -> None:
    """As the head of a detector that is shared by all scales."""
    counted = InPassing(np.array([True]))
    large, small = torch.zeros(SAMPLES, 4, 5, 5), torch.zeros(SAMPLES, 4, 3, 3)
    large[3, 1, 4, 4] = small[5, 2, 0, 0] = 1.0
    _see(counted, large[:400], small[:400])
    assert np.isnan(counted.dead[0])
    _see(counted, small[400:600], large[400:600])
    assert counted.dead[0] == 2 / 4


def test_the_count_begins_anew() -> None:
    counted = InPassing(np.array([False]))
    _see(counted, torch.ones(SAMPLES, 2))
    assert counted.dead[0] == 0
    _see(counted, torch.zeros(SAMPLES, 2))
    assert counted.dead[0] == 1


def test_what_was_no_part_of_training_does_not_count() -> None:
    counted = InPassing(np.array([False]))
    alive, dead = torch.ones(SAMPLES, 2), torch.zeros(SAMPLES, 2)
    layers = np.zeros(2, np.int64)
    counted.see(reductions.gather([0, 1], [alive, dead]), layers, ())
    counted.count(np.array([1]), layers)
    assert counted.dead[0] == 1
