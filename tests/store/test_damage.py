"""A store that is damaged, full, locked, gone or read-only tells less, or why: never a lie."""

import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event, select, update

from diagnostics.store import opening
from diagnostics.store.catalogue import Catalogue
from diagnostics.store.packing import Checkpoint
from diagnostics.store.records import Command, Event, PatientZero, StepBatch, Summary
from diagnostics.store.schema import meta, metadata, runs
from diagnostics.store.seals import seal
from diagnostics.store.store import Run, Since, Store, StoreError
from diagnostics.subject.config import RunConfig
from tests.conftest import picture, steps

FLIPS = 200


def _filled(path: Path) -> Store:
    """A store with three runs in all their states, in one file."""
    store = Store(f"sqlite:///{path}")
    for number, end in enumerate(("finished", "diverged", None)):
        run = store.create_run(RunConfig(depth=3, seed=number), name=f"run {number}", owner="me")
        for chunk in range(3):
            store.append(
                run, steps(1 + 5 * chunk, 5, seed=chunk), [Event(chunk, "set", {"lr": 0.1})]
            )
        store.append(run, StepBatch.empty(), taken=[picture(3), picture(9)])
        store.send(run, Command("set", {"lr": 0.1}))
        if end:
            patient = PatientZero(15, 2, "loss") if end == "diverged" else None
            store.finish(run, Summary(end, 15, 0.25, 0.5, patient))  # type: ignore[arg-type]
        else:
            store.keep(run, Checkpoint({"w": np.arange(6.0).reshape(2, 3)}, {"step": 15}), "paused")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return store


def _told(read: Callable[[], Any]) -> Any:
    """What a store tells; None where it says in a sentence that it can't."""
    try:
        return read()
    except StoreError as refusal:
        assert "\n" not in str(refusal)
        return None


def _same_run(found: Run, run: Run) -> bool:
    """But whether it is alive, which a clock says."""
    return vars(found) | {"state": ""} == vars(run) | {"state": ""} and (
        found.state in (run.state, "lost")
    )


def _part_of(found: Since, whole: Since) -> bool:
    """Whether there are only steps and events that there were, each as it was."""
    rows = np.searchsorted(whole.batch.steps, found.batch.steps)
    none = not len(found.batch)  # and of no layers, then
    return (
        (none or np.array_equal(found.batch.values, whole.batch.values[rows]))
        and np.array_equal(found.batch.scalars, whole.batch.scalars[rows])
        and set(map(repr, found.events)) <= set(map(repr, whole.events))
    )


class Truth:
    """What a store told before it was damaged."""

    def __init__(self, store: Store) -> None:
        self.runs = {run.id: run for run in store.runs()}
        self.since = {id: store.since(id) for id in self.runs}
        self.commands = {id: store.commands(id)[0] for id in self.runs}
        self.pictures = {id: [store.snapshot(id, at) for at in (3, 9)] for id in self.runs}
        self.kept = {id: store.kept(id) for id in self.runs}
        self.outlines = {id: Catalogue(store).outline(run) for id, run in self.runs.items()}

    def check(self, path: Path) -> int:
        """Whether a file tells nothing but the truth; how many steps of the runs it tells."""
        store = _told(lambda: Store(f"sqlite:///{path}"))
        if store is None:
            return 0
        for found in _told(store.runs) or []:
            assert _same_run(found, self.runs[found.id])
            outline = _told(lambda found=found: Catalogue(store).outline(found))
            losses = None if outline is None else set(outline.loss)
            assert losses is None or losses <= set(self.outlines[found.id].loss)
        told = sum(self._check_run(store, run) for run in self.runs)
        store.close()
        return told

    def _check_run(self, store: Store, run: str) -> int:
        found = _told(lambda: store.run(run))
        assert found is None or _same_run(found, self.runs[run])
        since = _told(lambda: store.since(run))
        assert since is None or _part_of(since, self.since[run])
        commands = _told(lambda: store.commands(run)[0]) or []
        assert all(command in self.commands[run] for command in commands)
        for at in (3, 9):
            shot = _told(lambda at=at: store.snapshot(run, at))
            assert shot is None or any(_alike(shot, one) for one in self.pictures[run])
        kept = _told(lambda: store.kept(run))
        assert kept is None or _alike(kept.arrays, self.kept[run].arrays)  # type: ignore[union-attr]
        return len(since.batch) if since else 0


def _alike(one: Any, other: Any) -> bool:
    mine, theirs = (each if isinstance(each, dict) else vars(each) for each in (one, other))
    return mine.keys() == theirs.keys() and all(
        np.array_equal(mine[key], theirs[key], equal_nan=mine[key].dtype.kind == "f")
        for key in mine
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Truth]:
    path = tmp_path_factory.mktemp("whole") / "store.sqlite"
    store = _filled(path)
    truth = Truth(store)
    store.close()
    return path.read_bytes(), truth


def _flipped(content: bytes, places: np.ndarray) -> bytes:
    flipped = bytearray(content)
    for place in places:
        flipped[place // 8] ^= 1 << (place % 8)
    return bytes(flipped)


@pytest.mark.parametrize("seed", range(FLIPS))
def test_a_flipped_bit_hides_something_or_nothing(
    seed: int, whole: tuple[bytes, Truth], tmp_path: Path
) -> None:
    content, truth = whole
    place = np.random.default_rng(seed).integers(0, 8 * len(content), 1)
    (tmp_path / "flipped.sqlite").write_bytes(_flipped(content, place))
    truth.check(tmp_path / "flipped.sqlite")


@pytest.mark.parametrize("seed", range(20))
def test_two_hundred_flipped_bits_tell_no_lie(
    seed: int, whole: tuple[bytes, Truth], tmp_path: Path
) -> None:
    content, truth = whole
    places = np.random.default_rng(seed).integers(8 * 8192, 8 * len(content), FLIPS)
    (tmp_path / "flipped.sqlite").write_bytes(_flipped(content, places))
    truth.check(tmp_path / "flipped.sqlite")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_a_truncated_store_tells_no_lie(
    share: float, whole: tuple[bytes, Truth], tmp_path: Path
) -> None:
    content, truth = whole
    (tmp_path / "short.sqlite").write_bytes(content[: int(share * len(content))])
    truth.check(tmp_path / "short.sqlite")


COLUMNS = [
    pytest.param(table.name, column.name, id=f"{table.name}.{column.name}")
    for table in metadata.sorted_tables
    for column in table.c
]


def _other(value: Any) -> Any:
    """A value of the same kind, as a flipped bit gives one."""
    match value:
        case None | int() | float():
            return (value or 0) + 1
        case str():
            return value[:-1] + chr(ord(value[-1:] or "0") ^ 1)
        case bytes():
            return value[:-1] + bytes([value[-1] ^ 1])


@pytest.mark.parametrize("table, column", COLUMNS)
def test_a_value_that_changed_tells_no_lie(
    table: str, column: str, whole: tuple[bytes, Truth], tmp_path: Path
) -> None:
    """A bit that flips by chance seldom meets a column of few bytes: here each is met."""
    content, truth = whole
    for nth in range(3):
        path = tmp_path / f"{nth}.sqlite"
        path.write_bytes(content)
        with sqlite3.connect(path) as connection:
            rows = connection.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
            row, value = rows[nth % len(rows)]
            changed = f"UPDATE OR REPLACE {table} SET {column} = ? WHERE rowid = ?"
            connection.execute(changed, (_other(value), row))
        connection.close()
        truth.check(path)


def test_what_is_damaged_is_counted(whole: tuple[bytes, Truth], tmp_path: Path) -> None:
    content, truth = whole
    chunk = next(iter(truth.since.values())).batch.values[:5].tobytes()
    place = content.index(chunk) + 7
    (tmp_path / "x.sqlite").write_bytes(content[:place] + b"x" + content[place + 1 :])
    store = Store(f"sqlite:///{tmp_path / 'x.sqlite'}")
    found = [store.since(run) for run in truth.runs]
    assert sorted(one.damaged for one in found) == [0, 0, 1]
    assert sorted(len(one.batch) for one in found) == [10, 15, 15]
    store.close()


def _refused(act: Callable[[], Any]) -> str:
    with pytest.raises(StoreError) as refusal:
        act()
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_a_full_disk_is_a_sentence_and_forgets_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = _filled(path)
    run = store.runs()[-1].id
    with sqlite3.connect(path) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.close()
    full = f"PRAGMA max_page_count = {pages}"
    event.listen(store._engine, "connect", lambda made, record: made.execute(full))
    store._engine.dispose()
    assert "the disk is full" in _refused(lambda: store.append(run, steps(16, 200, layers=50)))
    assert store.since(run).batch.steps.tolist() == list(range(1, 16))
    store.close()


def test_a_locked_store_is_read_and_says_why_it_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.2)
    store = _filled(tmp_path / "store.sqlite")
    run = store.runs()[-1].id
    other = sqlite3.connect(tmp_path / "store.sqlite")
    other.execute("BEGIN EXCLUSIVE")
    assert len(store.since(run).batch) == 15
    assert "locked it" in _refused(lambda: store.append(run, steps(16, 5)))
    other.close()
    store.append(run, steps(16, 5))
    assert len(store.since(run).batch) == 20
    store.close()


def test_a_store_that_is_deleted_says_so_and_goes_on_where_it_is_put_back(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = _filled(path)
    run = store.runs()[-1].id
    shutil.copy(path, tmp_path / "copy")
    for file in tmp_path.glob("store.sqlite*"):
        file.unlink()
    for act in (store.runs, lambda: store.append(run, steps(16, 5)), lambda: store.since(run)):
        assert "is gone" in _refused(act)
    assert not path.exists()
    shutil.copy(tmp_path / "copy", path)
    store.append(run, steps(16, 5))
    assert len(store.since(run).batch) == 20
    store.close()


@pytest.mark.parametrize("hours", [-100, 100])
def test_a_clock_that_jumps_loses_no_run(
    store: Store, hours: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create_run(RunConfig())
    store.append(run, steps(1, 5))
    assert store.run(run).live
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600 * hours)
    assert store.run(run).live
    store.append(run, steps(6, 5))
    assert store.run(run).live


@pytest.mark.parametrize("hours", [-100, 100])
def test_a_dead_run_is_lost_whatever_the_clock_says(
    store: Store, hours: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create_run(RunConfig())
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600 * hours)
    other = Store(store.url)
    assert other.run(run).state == "lost"
    other.close()


def test_a_store_of_version_2_is_completed(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = _filled(path)
    told = Truth(store)
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE checkpoints")
        late = ("note", "deleted", "outline", "owner")
        columns = {"runs": (*late, "seal", "words_seal", "steps_seal", "state_seal")}
        columns |= dict.fromkeys(("chunks", "events", "commands", "snapshots"), ("seal",))
        for table, added in columns.items():
            for column in added:
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("UPDATE meta SET value = '2' WHERE key = 'version'")
    connection.close()
    again = Store(f"sqlite:///{path}")
    for run in again.runs():
        assert (run.owner, run.steps, run.loss) == ("", 15, told.runs[run.id].loss)
        assert _part_of(again.since(run.id), told.since[run.id])
    again.keep(run.id, Checkpoint({}, {"step": 15}), "paused")
    again.close()


def test_a_store_of_version_5_is_read(tmp_path: Path) -> None:
    """Its runs' seals say nothing of their numbers."""
    path = tmp_path / "old.sqlite"
    store = _filled(path)
    truth = Truth(store)
    with store.engine.begin() as connection:
        for row in connection.execute(select(runs)).mappings():
            before = seal(*(row[key] for key in ("id", "config", "probe", "created", "owner")))
            connection.execute(update(runs).where(runs.c.id == row["id"]).values(seal=before))
        connection.execute(update(meta).where(meta.c.key == "version").values(value=5))
    store.close()
    assert truth.check(path) == 45
    again = Store(f"sqlite:///{path}")
    assert {run.number for run in again.runs()} == {1, 2, 3}
    again.close()
