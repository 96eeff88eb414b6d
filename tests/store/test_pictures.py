"""Pictures: what goes in comes out, the right one for a step, and never too many."""

from dataclasses import fields

import numpy as np
import pytest
from sqlalchemy import update

from diagnostics.store.pictures import (
    BINS,
    FEWEST_PICTURES,
    MOST_BYTES,
    MOST_PICTURES,
    Ground,
    spare,
)
from diagnostics.store.schema import snapshots
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from tests.conftest import picture, steps

GROUND = Ground(
    np.array([[0.5, -1], [2, 3]], np.float32),
    np.array([0, 1], np.uint8),
    np.array([False, True]),
    np.array([3.3], np.float32),
)


def _same(one: object, other: object) -> bool:
    pairs = ((getattr(one, f.name), getattr(other, f.name)) for f in fields(one))  # type: ignore[arg-type]
    return all(a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def test_what_goes_in_comes_out(store: Store) -> None:
    run = store.create_run(RunConfig())
    assert store.ground(run) is None and store.snapshot(run) is None
    shot = picture(3)
    shot.sure[0], shot.mean[0, 0] = np.nan, np.inf
    store.append(run, steps(1, 3), taken=[GROUND, shot])
    assert _same(store.ground(run), GROUND) and _same(store.snapshot(run), shot)


def test_the_newest_at_or_before_a_step_is_that_of_the_step(store: Store) -> None:
    run, other = store.create_run(RunConfig()), store.create_run(RunConfig())
    store.append(run, steps(1, 1), taken=[GROUND, *map(picture, (1, 40, 90))])
    store.append(other, steps(1, 1), taken=[picture(60)])
    found = [store.snapshot(run, at) for at in (None, 500, 90, 89, 40, 1)]
    assert [int(shot.step[0]) for shot in found if shot] == [90, 90, 90, 40, 40, 1]
    assert store.snapshot(run, 0) is None


def test_dead_units_and_pictures_keep_apart(store: Store) -> None:
    run = store.create_run(RunConfig())
    store.append(run, steps(1, 1), taken=[GROUND, picture(1)])
    assert store.dead_units(run) == []


def test_what_a_newer_version_packed_is_passed_over(store: Store) -> None:
    run = store.create_run(RunConfig())
    store.append(run, steps(1, 1), taken=[GROUND, picture(1)])
    with store._engine.begin() as connection:
        connection.execute(update(snapshots).values(kind="picture 99", array=b"?"))
    assert store.snapshot(run) is None and store.ground(run) is None


def test_a_long_run_keeps_few_and_evenly_spread_ones(store: Store) -> None:
    run = store.create_run(RunConfig())
    for step in range(1, 3 * MOST_PICTURES):
        store.append(run, steps(step, 1), taken=[picture(step)])
    with store._engine.connect() as connection:
        kept = [row.step for row in connection.execute(snapshots.select())]
    assert len(kept) == MOST_PICTURES
    assert (kept[0], kept[-1]) == (1, 3 * MOST_PICTURES - 1)
    assert np.diff(kept).max() <= 8


@pytest.mark.parametrize(
    ("size", "most"), [(1, MOST_PICTURES), (MOST_BYTES // 20, 20), (MOST_BYTES, FEWEST_PICTURES)]
)
def test_large_pictures_are_fewer(size: int, most: int) -> None:
    assert spare(list(range(most)), size) is None
    assert spare([*range(most - 1), most + 50, most + 51], size) is not None


def test_bins_are_as_documented() -> None:
    assert picture(1).counts.shape[-1] == BINS == 48
