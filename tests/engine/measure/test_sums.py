"""Sums that a model hands out become the numbers that its tensors would have given."""

import numpy as np
import pytest

from diagnostics.engine.measure import reductions, sums
from diagnostics.engine.measure.measured import ROW


def handed_out(x: np.ndarray, shift: float) -> np.ndarray:
    """As a tap does."""
    off = x - shift
    powers = [(off**k).sum() for k in (1, 2, 3, 4)]
    return np.array([[1, x.size, 0, *powers, abs(x).max(), (x == 0).sum(), (x > 6).sum()]])


@pytest.mark.parametrize(("mean", "shift"), [(5.0, 4.0), (5.0, 0.0), (1e4, 1e4 + 1.0)])
def test_moments_are_those_of_the_entries(mean: float, shift: float) -> None:
    x = np.random.default_rng(0).normal(mean, 2.0, 1000)
    tally = reductions.Tally(1)
    rows = handed_out(x, shift)
    assert not len(sums.far(rows))
    tally.take([0], sums.tallies(rows, np.array([shift])))
    _, out = reductions.named(1, ROW)
    tally.pooled(np.array([0]), np.array([0]))
    tally.write(out)
    u = (x - x.mean()) / x.std()
    assert out["activation_mean"][0] == pytest.approx(x.mean(), rel=1e-12)
    assert out["activation_std"][0] == pytest.approx(x.std(), rel=1e-9)
    assert out["activation_kurtosis"][0] == pytest.approx((u**4).mean(), rel=1e-6)
    assert out["activation_max"][0] == abs(x).max()


def test_far_from_a_shift_no_kurtosis_is_made_of_rounding() -> None:
    x = np.random.default_rng(0).normal(1e4, 1e-2, 1000)
    rows = handed_out(x, 0.0)
    assert sums.far(rows).tolist() == [0]
    found = sums.tallies(rows, np.zeros(1))
    assert np.isnan(found["fourths"]).all() and np.isfinite(found["squares"]).all()
    told = sums.Told([0], rows, rows, np.zeros(1))
    assert sums.mean(told, 0) == pytest.approx(x.mean(), rel=1e-12)


def test_of_several_calls_the_largest_entry_is_not_known() -> None:
    one = np.array([[1, 10, 0, 4.0, 16.0, 2.0, 1, 1, 0, 0]])
    assert sums.sizes(one)["largest"][0] == 2.0
    both = sums.sizes(2 * one)
    assert np.isnan(both["largest"][0]) and both["norm"][0] == pytest.approx(np.sqrt(8.0))
