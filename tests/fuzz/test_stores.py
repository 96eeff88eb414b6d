"""Whatever stands in a store: it is read, left out, or a sentence says why it can't be."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from sqlalchemy import LargeBinary

from diagnostics.dashboard.charts import PANELS
from diagnostics.dashboard.hub import Due, Hub
from diagnostics.dashboard.listing import listed
from diagnostics.dashboard.report import report
from diagnostics.dashboard.wire import Watch, encode
from diagnostics.runs.runner import Runner
from diagnostics.store.catalogue import Catalogue
from diagnostics.store.packing import Checkpoint
from diagnostics.store.pictures import Ground
from diagnostics.store.records import Command, DeadUnits, Event, PatientZero, Summary
from diagnostics.store.schema import metadata
from diagnostics.store.seals import Document
from diagnostics.store.settings import url_of
from diagnostics.store.store import Store, StoreError
from diagnostics.store.upkeep import spent
from diagnostics.subject.config import RunConfig
from diagnostics.subject.watched import WatchedLayer, WatchedModel
from tests.conftest import NoWorkers, picture, steps
from tests.fuzz.cases import fuzz
from tests.fuzz.lab import no_fault_logged
from tests.fuzz.odd import NUMBERS, as_json, cuts, recipes, spoil, tear, texts

COLUMNS = [
    (table.name, column.name)
    for table in metadata.sorted_tables
    for column in table.c
    if not column.name.endswith("seal")
]
DOCUMENTS = [
    (table.name, column.name)
    for table in metadata.sorted_tables
    for column in table.c
    if isinstance(column.type, Document)
]
BLOBS = [
    (table.name, column.name)
    for table in metadata.sorted_tables
    for column in table.c
    if isinstance(column.type, LargeBinary)
]

KINDS = [
    "set", "refused", "paused", "skipped", "followed", "diverged", "stopped early", "ground 1",
    "picture 1", "picture 2", "dead 3x8", "dead 99999999x99999999", "dead -1x8", "dead x", "json",
    "<f4 6", "<f4 -1 2", "|O 3", "<f4 99999999999", "<U9 1", "queued", "running", "finished",
]  # fmt: skip


def _filled(path: Path) -> None:
    """A store with a run of each sort and something in all of its tables, without seals."""
    model = WatchedModel(model="Net", layers=(WatchedLayer(name="a"), WatchedLayer(name="b.c")))
    with closing(Store(url_of(path))) as store:
        for number, config in enumerate((RunConfig(depth=3), RunConfig(depth=3, seed=1), model)):
            run = store.create_run(config, name=f"run {number}", owner="me")
            dead = [DeadUnits(2, np.eye(3, 8, dtype=bool))]
            told = [Event(2, "set", {"lr": 0.1}), Event(3, "skipped", {"why": "x"})]
            store.append(run, steps(1, 5), told, dead, [_ground(), picture(1)])
            store.append(run, steps(6, 5), taken=[picture(9)])
            store.send(run, Command("set", {"lr": 0.2}))
            store.keep(run, Checkpoint({"w": np.arange(6.0)}, {"step": 10}), "paused")
            store.finish(run, Summary("diverged", 10, 0.25, 0.5, PatientZero(9, 2, "loss")))
    _edit(path, [f"UPDATE {name} SET {seals(name)}" for name in metadata.tables if seals(name)], ())


def seals(table: str) -> str:
    """Without one a row is taken for an old one's; who makes a file could make them, too."""
    names = [column.name for column in metadata.tables[table].c if column.name.endswith("seal")]
    return ", ".join(f"{name} = NULL" for name in names)


def _ground() -> Ground:
    points = np.zeros((5, 2), np.float32)
    flags = np.zeros(5, np.uint8)
    return Ground(points, flags, flags.astype(bool), np.ones(1, np.float32))


def _edit(path: Path, statements: list[str], told: tuple[Any, ...]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement, told)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "store.sqlite"
    _filled(path)
    return path


odd = st.one_of(
    texts.filter(lambda text: "\ud800" not in text),
    st.sampled_from(KINDS),
    st.sampled_from(NUMBERS),
)
columns = st.sampled_from([*COLUMNS, *3 * DOCUMENTS, *3 * BLOBS])
edits = st.tuples(columns, st.integers(0, 3), odd, st.integers(0, 5), recipes, cuts)
"""A column, one of its rows, and how what stands there becomes another."""


def _spoilt(old: Any, new: Any, plainly: int, recipe: Any, cut: Any) -> Any:
    """JSON and bytes are spoilt, now and then wholly; anything else becomes something odd."""
    if isinstance(old, bytes) and plainly:
        return tear(old, cut)
    try:
        return as_json(spoil(json.loads(old), recipe)).decode() if plainly else new
    except (ValueError, TypeError):  # no JSON, or it was spoilt before
        return new


def test_what_is_spoilt_was_all_read_before(whole: Path) -> None:
    with closing(Store(url_of(whole))) as store:
        for run in store.runs():
            since = store.since(run.id)
            assert (len(since.batch), len(since.events), since.damaged) == (10, 2, 0)
            assert store.ground(run.id) and store.snapshot(run.id) and store.kept(run.id)
            assert store.dead_units(run.id) and store.commands(run.id)[0] and run.patient_zero
        assert len(store.runs()) == 3


@fuzz(
    changes=st.lists(edits, min_size=1, max_size=3),
    panel=st.sampled_from([*PANELS]),
)
def test_any_entry_is_read_or_left_out(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, changes: Any, panel: str
) -> None:
    path = tmp_path_factory.mktemp("odd") / "store.sqlite"
    path.write_bytes(whole.read_bytes())
    with closing(sqlite3.connect(path)) as connection, connection:
        for change in changes:
            _change(connection, *change)
    look(path, panel)
    rmtree(path.parent)


def _change(connection: sqlite3.Connection, place: tuple[str, str], row: int, *how: Any) -> None:
    table, column = place
    found = connection.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
    number, old = found[row % len(found)]
    new = _spoilt(old, *how)
    with suppress(sqlite3.IntegrityError, OverflowError):  # what SQLite does not take is nowhere
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (new, number))


def look(path: Path, panel: str) -> None:
    """Ask all that somebody could of a store."""
    with no_fault_logged():
        store = _told(lambda: Store(url_of(path)))
        if store is None:
            return
        with closing(store):
            known = [run.id for run in _told(store.runs) or []]
            for ask in (store.tally, store.live_runs, store.size, lambda: spent(store, keep=0)):
                _told(ask)
            _told(lambda: encode(listed(Catalogue(store), "relu", None, 30)))
            for run in known:
                _look_at(store, run)
            with asyncio.Runner() as loop:
                loop.run(_watch(store, known, panel))


def _look_at(store: Store, run: str) -> None:
    catalogue = Catalogue(store)
    for ask in (store.run, store.since, store.commands, store.dead_units, store.ground,
                store.snapshot, store.kept, store.frame):  # fmt: skip
        _told(lambda ask=ask: ask(run))
    _told(lambda: catalogue.outline(store.run(run)))
    _told(lambda: report(store, run))
    _told(lambda: catalogue.describe(run, name="x"))


async def _watch(store: Store, known: list[str], panel: str) -> None:
    runner = Runner(store, NoWorkers())
    hub = Hub(store, runner)
    for run in known:
        watch = Watch(run=run, panel=panel, pins=tuple(known[:2]))
        await hub.frame(watch, Due())
        encode(await hub.learned(watch))
    runner.close()


def _told(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except StoreError as refusal:
        assert "\n" not in str(refusal) and str(refusal).endswith(".")
        return None
