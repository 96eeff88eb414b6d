"""Runs are let go for good by age, number and size, never one that goes on."""

import time

import pytest
from sqlalchemy import update

from diagnostics.store.packing import Checkpoint
from diagnostics.store.run import LIVE_STATES
from diagnostics.store.schema import chunks, metadata, runs
from diagnostics.store.store import Store
from diagnostics.store.upkeep import DAY, discard, shrink, spent
from diagnostics.subject.config import RunConfig
from tests.conftest import picture, steps

STATES = ("finished", "stopped", "diverged", "failed", "lost")


def _run(store: Store, state: str = "finished", days: float = 0) -> str:
    run = store.create_run(RunConfig(depth=3))
    store.append(run, steps(1, 100), taken=[picture(1)])
    store.set_state(run, state)
    with store.engine.begin() as connection:
        made = time.time() - days * DAY
        connection.execute(update(runs).where(runs.c.id == run).values(created=made, seal=None))
    return run


@pytest.mark.parametrize("state", [*STATES, *LIVE_STATES])
def test_only_what_has_ended_is_let_go(store: Store, state: str) -> None:
    run = _run(store, state, days=9)
    found = spent(store, older=1, keep=0, megabytes=0)
    assert [one.id for one in found] == ([] if state in LIVE_STATES else [run])
    assert discard(store, found) == len(found)
    assert [one.id for one in store.runs()] == ([run] if state in LIVE_STATES else [])


def test_a_run_that_goes_on_again_meanwhile_stays(store: Store) -> None:
    run = _run(store)
    found = spent(store, keep=0)
    store.keep(run, Checkpoint({}, {}), "paused")
    assert discard(store, found) == 0 and store.run(run).state == "paused"


def test_each_bound_names_the_oldest(store: Store) -> None:
    made = [_run(store, days=days) for days in (5, 4, 3, 2)]
    sizes = {one.id: one.bytes for one in spent(store, keep=0)}
    room = (sizes[made[3]] + sizes[made[2]]) / 1e6
    named = {
        "older": spent(store, older=3.5),
        "keep": spent(store, keep=2),
        "megabytes": spent(store, megabytes=room),
    }
    for bound, found in named.items():
        assert [one.id for one in found] == [made[1], made[0]], bound
    assert spent(store) == [] == spent(store, older=6, keep=4, megabytes=1)
    assert len(spent(store, older=4.5, keep=3)) == 1


def test_nothing_of_a_run_that_was_let_go_is_left(store: Store) -> None:
    gone, stays = _run(store), _run(store)
    size = spent(store, keep=1)[0].bytes
    with store.engine.connect() as connection:
        rows = connection.execute(chunks.select().where(chunks.c.run == gone)).all()
    assert size >= sum(len(row.array) + len(row.numbers) + len(row.scalars) for row in rows) > 1000
    discard(store, spent(store, keep=1))
    shrink(store)
    with store.engine.connect() as connection:
        for table in metadata.sorted_tables:
            if "run" in table.c:
                kept = {row.run for row in connection.execute(table.select())}
                assert kept <= {stays}
