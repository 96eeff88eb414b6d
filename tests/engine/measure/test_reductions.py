"""Reductions where float32 alone goes wrong."""

import math
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.engine.measure import reductions
from diagnostics.engine.measure.kernels import CHANGE, Floats
from diagnostics.engine.measure.measured import ROW
from diagnostics.engine.measure.updates import Updates


@pytest.mark.parametrize("size", [1e-44, 1e-30, 1e-23, 1e-15, 1.0, 1e10, 1e19, 1e25, 3e38])
def test_norms_and_means_are_right_at_any_scale(path: None, size: float) -> None:
    tensor = torch.full((64, 64), size)
    expected = float(tensor[0, 0].double()) * 64
    assert reductions.norms([tensor])[0] == pytest.approx(expected, rel=1e-5)
    tally = reductions.Tally(2)
    assert _add(tally, 0, tensor)
    assert _spread(tally)[0, :2] == pytest.approx((float(tensor[0, 0].double()), 0), rel=1e-5)


def test_float64_norms_beyond_the_square_root_of_the_range() -> None:
    tensor = torch.tensor([3e-200, 4e-200, 0.0], dtype=torch.float64)
    assert reductions.norms([tensor])[0] == pytest.approx(5e-200)
    assert reductions.norms([tensor * 1e300 * 1e99])[0] == pytest.approx(5e199)


def test_nonfinite_stays_nonfinite_and_zero_is_zero() -> None:
    nan, inf = torch.tensor([1.0, math.nan]), torch.tensor([1.0, math.inf])
    found = reductions.norms([nan, inf, torch.zeros(3)])
    assert np.isnan(found[0])
    assert found[1] == np.inf
    assert found[2] == 0


@pytest.mark.parametrize("native", [True, False])
@given(st.floats(-1e5, 1e5, width=32), st.floats(0.0625, 1024, width=32))
def test_std_survives_a_large_mean(native: bool, mean: float, std: float) -> None:
    generator = torch.Generator().manual_seed(0)
    tensor = torch.randn(1000, generator=generator) * std + mean
    expected = float(tensor.double().std(correction=0))
    tally = reductions.Tally(2)
    with mock.patch.object(reductions, "NATIVE", reductions.NATIVE if native else set()):
        _add(tally, 0, tensor)
    assert _spread(tally)[0, 1] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("size", [1e-300, 1e-44, 3e-38, 1e-30, 1e-5, 1.0, 1e4, 1e30, 1e38, 1e300])
def test_tails_are_right_at_any_scale(path: None, dtype: torch.dtype, size: float) -> None:
    torch.manual_seed(0)
    parts = [(torch.randn(n).double() ** 3 * size).to(dtype) for n in (300, 1, 77)]
    parts[0][::3] = 0
    whole = torch.cat(parts)
    entries, tiny = whole.double(), torch.finfo(dtype).tiny
    if not entries.isfinite().all():
        return
    norms = reductions.Norms(2, tails=True)
    assert norms.add(reductions.gather([1, 1, 1], parts))
    found, largest = norms.rows[1], float(entries.abs().max())
    assert found["entries"] == 378 and not norms.rows[0]["entries"]
    assert found["largest"] == pytest.approx(largest, rel=1e-6)
    assert found["zeros"] == int((whole == 0).sum())
    assert found["small"] == int(((whole.abs() < tiny) & (whole != 0)).sum())
    scaled = entries / (largest or 1.0)
    assert found["norm"] == pytest.approx(largest * float(scaled.norm()), rel=1e-5)
    assert found["root"] == pytest.approx(largest * float(scaled.pow(4).sum() ** 0.25), rel=1e-5)


@pytest.mark.parametrize("entry", [math.nan, math.inf])
def test_tails_of_what_is_not_finite_are_not(path: None, entry: float) -> None:
    norms = reductions.Norms(1, tails=True)
    assert not norms.add(reductions.gather([0], [torch.tensor([1.0, entry])]))
    assert not np.isfinite([norms.rows[0][key] for key in ("norm", "root", "largest")]).any()


def test_one_entry_has_no_spread(path: None) -> None:
    tally = reductions.Tally(2)
    assert _add(tally, 0, torch.tensor([5.0]))
    assert _spread(tally)[0, 1] == 0


def test_global_norm() -> None:
    assert reductions.global_norm(np.array([3.0, 4.0])) == pytest.approx(5)
    assert reductions.global_norm(np.array([3e200, 4e200])) == pytest.approx(5e200)
    assert reductions.global_norm(np.array([])) == 0
    assert math.isnan(reductions.global_norm(np.array([1.0, np.nan])))


@pytest.fixture(params=["native", "torch"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to the same numbers: the kernels, and torch for all that they can't read."""
    if request.param == "torch":
        monkeypatch.setattr(reductions, "NATIVE", set())
        monkeypatch.setattr(Updates, "_native", lambda self, which: False)


def _add(tally: reductions.Tally, layer: int, tensor: torch.Tensor) -> bool:
    """As a call of the layer with the same number."""
    return tally.add(reductions.gather([layer], [tensor]), np.arange(2))


def _spread(tally: reductions.Tally) -> Floats:
    _, found = reductions.named(2, ROW)
    tally.pooled(np.arange(2), np.arange(2))
    tally.write(found)
    keys = ("activation_mean", "activation_std", "sparsity", "saturated")
    return np.column_stack([found[key] for key in keys])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_tally_adds_up_what_it_sees(path: None, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    parts = [torch.randn(40, 25).relu().to(dtype), torch.randn(7).to(dtype)]
    tally = reductions.Tally(2)
    tally.activate(1, [], (-1.0, 1.0))
    assert all(_add(tally, 1, part) for part in parts)
    whole = torch.cat([part.flatten() for part in parts]).double()
    mean, std, zeros, outside = _spread(tally)[1]
    assert mean == pytest.approx(float(whole.mean()), abs=1e-6)
    assert std == pytest.approx(float(whole.std(correction=0)), rel=1e-5)
    assert zeros == pytest.approx(float((whole == 0).double().mean()))
    assert outside == pytest.approx(float((whole.abs() > 1).double().mean()))
    assert np.isnan(_spread(tally)[0]).all()


def test_a_tally_says_when_its_sums_are_spoilt(path: None) -> None:
    tally = reductions.Tally(2)
    assert _add(tally, 0, torch.ones(3))
    assert not _add(tally, 0, torch.tensor([1.0, math.nan]))
    tally.clear()
    assert _add(tally, 0, torch.ones(3))


def test_a_tally_keeps_a_spread_far_from_0(path: None) -> None:
    torch.manual_seed(0)
    entries = 0.5 + 1e-9 * torch.randn(1000, dtype=torch.float64)
    tally = reductions.Tally(2)
    _add(tally, 0, entries)
    expected = float((entries - 0.5).std(correction=0))
    assert _spread(tally)[0, 1] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("most", [reductions.ALL_ENTRIES, 1000])
def test_updates_compare_weights_before_and_after(path: None, most: int) -> None:
    torch.manual_seed(0)
    weights = [torch.randn(100, 64), torch.randn(30, 20)]
    updates = Updates(weights, most)
    every = np.arange(2)
    assert np.isnan(updates.rows["squares"]).all()
    for _ in range(2):  # the second time into what was kept
        updates.remember(every)
        changes = [0.01 * torch.randn_like(w) for w in weights]
        for weight, change in zip(weights, changes, strict=True):
            weight += change
    updates.read(every)
    found = updates.finish()
    full, seen, w, ww, d, dd = (found[key] for key in CHANGE.names[:6])
    assert full.tolist() == [6400, 600] and (seen <= full).all()
    tolerance = 1e-4 if most > 6400 else 0.15
    for i, (weight, change) in enumerate(zip(weights, changes, strict=True)):
        assert np.sqrt(ww[i] / seen[i]) == pytest.approx(_rms(weight), rel=tolerance)
        assert np.sqrt(dd[i] / seen[i]) == pytest.approx(_rms(change), rel=tolerance)
        assert abs(w[i] / seen[i]) < 0.2 and abs(d[i] / seen[i]) < 0.01


@pytest.mark.parametrize("write", ["", "no_grad", "data"])
def test_updates_are_those_of_a_step_alone(path: None, write: str) -> None:
    weight = torch.nn.Parameter(torch.randn(30, 20))
    updates = Updates([weight])
    for _ in range(3):
        updates.remember(np.arange(1))
        with torch.no_grad():
            weight.add_(0.25)
        updates.read(np.arange(1))
        change = updates.finish()["moved"][0]
        assert change == pytest.approx(0.25 * 600, rel=1e-4)
        if write == "no_grad":
            with torch.no_grad():
                weight.mul_(3.0)
        if write == "data":
            weight.data = weight.data.clone() * 2


def _rms(tensor: torch.Tensor) -> float:
    return float(tensor.square().mean().sqrt())


def test_a_stride_meets_every_column() -> None:
    weight = torch.zeros(64, 60)
    (stride,) = Updates([weight], 1000)._strides.tolist()
    assert len({i % 60 for i in range(0, weight.numel(), stride)}) == 60


def test_sparse_half_and_strided_gradients_have_norms() -> None:
    dense = torch.randn(6, 5)
    kinds = [dense.to_sparse(), dense.t(), dense.expand(1, 6, 5), dense.half().float().half()]
    for kind in kinds:
        assert reductions.norms([kind])[0] == pytest.approx(float(dense.norm()), rel=1e-3)
    assert reductions.norms([dense, dense.double()]).tolist() == pytest.approx(
        [float(dense.norm())] * 2, rel=1e-6
    )
