"""The largest activation and the kurtosis, by kernels and by torch, against NumPy in float64."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from diagnostics.engine.measure import reductions
from diagnostics.engine.measure.measured import ROW


@pytest.fixture(params=["native", "torch"], autouse=True)
def _path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "torch":
        monkeypatch.setattr(reductions, "NATIVE", set())


def _measured(*tensors: Tensor) -> tuple[float, float]:
    """(largest, kurtosis) of all that a layer gave out in a step."""
    tally, rows = reductions.Tally(1), np.zeros(1, ROW)
    layers = np.zeros(len(tensors), np.int64)
    for call, tensor in enumerate(tensors):
        tally.add(reductions.gather([call], [tensor]), layers)
    tally.pooled(np.arange(len(tensors)), layers)
    tally.write(rows)
    return float(rows["activation_max"][0]), float(rows["activation_kurtosis"][0])


def _plain(*tensors: Tensor) -> tuple[float, float]:
    x = np.concatenate([tensor.double().numpy().ravel() for tensor in tensors])
    off = (x - x.mean()) / x.std()
    return float(np.abs(x).max()), float(np.mean(off**4))


def _spiked() -> Tensor:
    """A massive activation, and in the first place at that."""
    x = torch.randn(20_000, generator=torch.Generator().manual_seed(1))
    x[0] = -3000.0
    return x


RANDOM = torch.randn(64, 100, generator=torch.Generator().manual_seed(0))
CASES = {
    "Gaussian": [RANDOM],
    "ReLU": [RANDOM.relu()],
    "float64": [RANDOM.double()],
    "bfloat16": [RANDOM.bfloat16()],
    "far from 0": [1000 + RANDOM],
    "tiny": [1e-25 * RANDOM],
    "huge": [1e25 * RANDOM],
    "massive": [_spiked()],
    "two calls of other sizes": [RANDOM, 5 + 3 * RANDOM[:7].relu()],
    "three calls alike": [RANDOM, 2 * RANDOM, RANDOM - 1],
    "two values": [torch.tensor([-2.0, 1.0])],
}


@pytest.mark.parametrize("name", CASES)
def test_they_are_those_of_all_entries_seen(name: str) -> None:
    assert _measured(*CASES[name]) == pytest.approx(_plain(*CASES[name]), rel=2e-4)


def test_where_all_entries_are_alike_there_is_no_kurtosis() -> None:
    for value in (0.0, 0.1, -7e20, 1e-30):
        largest, kurtosis = _measured(torch.full((5, 4), value))
        assert largest == pytest.approx(abs(value)) and math.isnan(kurtosis)


def test_nothing_seen_is_no_number() -> None:
    for found in (_measured(), _measured(torch.empty(0, 4))):
        assert all(map(math.isnan, found))


def test_what_is_not_finite_is_told() -> None:
    assert _measured(torch.tensor([1.0, -math.inf, 2.0]))[0] == math.inf
    for calls in ([[1.0, math.nan, 2.0]], [[math.nan], [5.0]], [[5.0], [math.nan, math.inf]]):
        largest, kurtosis = _measured(*map(torch.tensor, calls))
        assert math.isnan(largest) and math.isnan(kurtosis)
