"""A run's steps as they are kept: as if all were joined and thinned."""

import numpy as np
import pytest
from hypothesis import strategies as st

from diagnostics.dashboard import pile
from diagnostics.dashboard.pile import Pile
from diagnostics.store.records import METRICS, StepBatch
from tests.conftest import steps
from tests.fuzz.cases import fuzz

PARCELS = st.lists(st.tuples(st.integers(1, 7), st.integers(1, 3), st.booleans()), max_size=40)
"""How many steps, of how many layers, and whether the loop tells a number of its own."""


@fuzz(PARCELS)
def test_what_is_kept_is_what_joining_and_thinning_gives(
    parcels: list[tuple[int, int, bool]],
) -> None:
    found, joined, first = Pile(), StepBatch.empty(), 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pile, "MOST_ROWS", 9)
        for count, layers, tells in parcels:
            batch = steps(first, count, layers)
            own = {"reward": np.arange(first, first + count, dtype=float)} if tells else {}
            batch = StepBatch(batch.steps, batch.values, batch.scalars, own)
            before = found.steps
            copy = before.steps.copy(), before.values.copy()
            found.add(batch)
            joined, first = StepBatch.join([joined, batch]), first + count
            assert np.array_equal(before.steps, copy[0])
            assert np.array_equal(before.values, copy[1], equal_nan=True)
    kept = found.steps
    stride = int(kept.steps[1] - kept.steps[0]) if len(kept) > 1 else 1
    assert found.met == len(joined) and len(kept) <= 9
    if len(joined):
        expected = joined[::stride]
        assert kept.steps.tolist() == expected.steps.tolist()
        assert np.array_equal(kept.values, expected.values, equal_nan=True)
        assert np.array_equal(kept.scalars, expected.scalars)


def test_many_layers_leave_room_for_fewer_steps() -> None:
    layers = pile.MOST_NUMBERS // (10 * len(METRICS))
    found = Pile()
    for first in range(1, 25):
        found.add(steps(first, 1, layers))
    assert found.steps.steps.tolist() == list(range(1, 25, 4)) and found.met == 24
