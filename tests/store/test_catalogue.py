"""What somebody keeps of runs: names, notes, outlines; and what is deleted, and had back."""

import time
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from diagnostics.store.catalogue import POINTS, UNDO_SECONDS, Catalogue, Growing
from diagnostics.store.records import SCALAR_INDEX, SCALARS
from diagnostics.store.schema import meta, metadata
from diagnostics.store.store import Store, StoreError
from diagnostics.subject.config import RunConfig
from tests.conftest import steps


@pytest.fixture
def catalogue(store: Store) -> Catalogue:
    return Catalogue(store)


def _ended(store: Store, count: int = 5) -> str:
    run = store.create_run(RunConfig(depth=3))
    store.append(run, steps(1, count))
    store.set_state(run, "finished")
    return run


def test_names_and_notes_are_kept(store: Store, catalogue: Catalogue) -> None:
    run = _ended(store)
    catalogue.describe(run, name=" mine ", note="lost at step 12")
    assert (store.run(run).name, store.run(run).note) == ("mine", "lost at step 12")
    with pytest.raises(StoreError, match="at most 80 letters"):
        catalogue.describe(run, name="a" * 81)
    with pytest.raises(StoreError, match="no run 'nope'"):
        catalogue.describe("nope", name="a")


def test_what_is_deleted_is_out_of_sight_and_can_be_had_back(
    store: Store, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, other = _ended(store), _ended(store)
    catalogue.delete(run)
    assert [one.id for one in store.runs()] == [other]
    with pytest.raises(StoreError, match="no run"):
        store.run(run)
    catalogue.purge()
    catalogue.restore(run)
    assert len(store.since(run).batch) == 5
    catalogue.delete(run)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + UNDO_SECONDS + 1)
    catalogue.purge()
    with pytest.raises(StoreError, match="no run"):
        catalogue.restore(run)
    assert len(store.since(run).batch) == 0 and len(store.since(other).batch) == 5


def test_what_still_trains_is_not_deleted(store: Store, catalogue: Catalogue) -> None:
    run = store.create_run(RunConfig())
    with pytest.raises(StoreError, match="stop it before"):
        catalogue.delete(run)


def test_pages_go_on_where_the_one_before_ended(store: Store, catalogue: Catalogue) -> None:
    runs = [_ended(store, 1) for _ in range(5)]
    first = catalogue.page(2)
    assert [one.id for one in first] == runs[:2:-1]
    assert [one.id for one in catalogue.page(9, first[-1].number)] == runs[2::-1]
    assert [one.id for one in catalogue.page(1, among=lambda run: run.id == runs[0])] == runs[:1]


def test_an_outline_grows_with_its_run_and_is_kept_when_it_is_over(
    store: Store, catalogue: Catalogue
) -> None:
    run, all_of_it = store.create_run(RunConfig()), steps(1, 700)
    store.append(run, all_of_it[:300])
    store.set_state(run, "running")
    half = catalogue.outline(store.run(run))
    store.append(run, all_of_it[300:])
    store.set_state(run, "finished")
    whole = catalogue.outline(store.run(run))
    best = float(all_of_it.scalar("heldout_accuracy").max())
    assert half.best is not None and whole.best == pytest.approx(best, rel=1e-3)
    assert 20 < len(whole.loss) <= POINTS
    with closing(Store(store.url)) as again:
        assert Catalogue(again).outline(store.run(run)) == whole


@given(st.lists(st.integers(1, 90), min_size=1, max_size=8))
def test_an_outline_is_the_same_however_it_came(pieces: list[int]) -> None:
    count = sum(pieces)
    scalars = np.zeros((count, len(SCALARS)))
    scalars[:, SCALAR_INDEX["loss"]] = np.arange(count)
    scalars[:, SCALAR_INDEX["heldout_accuracy"]] = np.nan
    whole, parts = Growing(), Growing()
    whole.grow(scalars)
    for piece in np.split(scalars, np.cumsum(pieces)[:-1]):
        parts.grow(piece)
    assert parts.outline() == whole.outline() and whole.outline().best is None
    apart = np.diff(np.array(whole.outline().loss, float))
    assert len(set(apart.tolist())) <= 1


def test_a_store_of_any_older_table_is_widened(store: Store) -> None:
    run = _ended(store)
    late = ("note", "deleted", "outline")
    with store.engine.begin() as connection:
        for column in late:
            connection.execute(text(f"ALTER TABLE runs DROP COLUMN {column}"))
        connection.execute(meta.update().where(meta.c.key == "version").values(value=2))
    again = Store(store.url)
    assert again.run(run).note == "" and again.runs()[0].id == run
    Catalogue(again).describe(run, note="still here")
    assert again.run(run).note == "still here"
    assert set(late) <= {column.name for column in metadata.tables["runs"].columns}
    again.close()
