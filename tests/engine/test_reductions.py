"""Reductions where float32 alone goes wrong."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.engine import reductions


@pytest.mark.parametrize("size", [1e-44, 1e-30, 1e-23, 1e-15, 1.0, 1e10, 1e19, 1e25, 3e38])
def test_norms_are_right_at_any_scale(size: float) -> None:
    tensor = torch.full((64, 64), size)
    expected = float(tensor[0, 0].double()) * 64
    assert reductions.norms([tensor])[0] == pytest.approx(expected, rel=1e-5)
    found = reductions.moments([tensor])
    assert found.norm[0] == pytest.approx(expected, rel=1e-5)
    assert found.mean[0] == pytest.approx(float(tensor[0, 0].double()), rel=1e-5)


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
    assert reductions.nonfinite(torch.tensor([math.nan, math.inf, -math.inf, 1.0])) == 3


@given(st.floats(-1024, 1024, width=32), st.floats(0.0625, 1024, width=32))
def test_std_survives_a_large_mean(mean: float, std: float) -> None:
    generator = torch.Generator().manual_seed(0)
    tensor = torch.randn(1000, generator=generator) * std + mean
    expected = float(tensor.double().std(correction=0))
    assert reductions.moments([tensor]).std[0] == pytest.approx(expected, rel=1e-2)


def test_one_entry_has_no_spread() -> None:
    assert reductions.moments([torch.tensor([5.0])]).std[0] == 0


def test_global_norm() -> None:
    assert reductions.global_norm(np.array([3.0, 4.0])) == pytest.approx(5)
    assert reductions.global_norm(np.array([3e200, 4e200])) == pytest.approx(5e200)
    assert reductions.global_norm(np.array([])) == 0
    assert math.isnan(reductions.global_norm(np.array([1.0, np.nan])))
