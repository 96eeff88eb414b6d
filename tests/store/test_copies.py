"""A store is copied while it is in use, and put back: whole, or with a sentence and unharmed."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import update

from diagnostics.store.copies import backup, restore
from diagnostics.store.run import LIVE_STATES
from diagnostics.store.schema import meta
from diagnostics.store.settings import url_of
from diagnostics.store.store import Store, StoreError
from diagnostics.subject.config import RunConfig
from tests.conftest import picture, steps
from tests.postgres import Cluster


def _run(store: Store, state: str = "finished") -> str:
    run = store.create_run(RunConfig(depth=3))
    store.append(run, steps(1, 100), taken=[picture(1)])
    store.set_state(run, state)
    return run


def _contents(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return list(connection.iterdump())


def _version(file: Path, version: int) -> None:
    with closing(Store(url_of(file))) as store, store.engine.begin() as connection:
        connection.execute(update(meta).where(meta.c.key == "version").values(value=version))


def test_a_copy_is_whole_while_a_run_goes_on(file_store: Store, tmp_path: Path) -> None:
    run, stop = _run(file_store, "running"), threading.Event()

    def write() -> None:
        first = 101
        while not stop.is_set():
            file_store.append(run, steps(first, 3))
            first += 3

    writer = threading.Thread(target=write)
    writer.start()
    size = backup(file_store, tmp_path / "copy.sqlite")
    stop.set()
    writer.join()
    assert size == (tmp_path / "copy.sqlite").stat().st_size
    with closing(Store(f"sqlite:///{tmp_path / 'copy.sqlite'}")) as copy:
        found = copy.since(run)
        assert not found.damaged and len(found.batch) >= 100
        assert found.batch.steps.tolist() == list(range(1, len(found.batch) + 1))


@pytest.mark.parametrize("name", ["store.sqlite", "no/folder/x", "."])
def test_no_copy_where_none_can_be(file_store: Store, tmp_path: Path, name: str) -> None:
    before = sorted(tmp_path.iterdir())
    with pytest.raises(StoreError, match=r"is there already|can't be used"):
        backup(file_store, tmp_path / name)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["a", "a b", "a?b", "a%20b", "a#b", "ä:\\"])
def test_a_store_comes_back_whatever_its_folder_is_called(
    file_store: Store, tmp_path: Path, name: str
) -> None:
    run, copy, place = _run(file_store), tmp_path / f"copy {name}", tmp_path / name / "s.sqlite"
    backup(file_store, copy)
    before = sorted(tmp_path.iterdir())
    with closing(Store(url_of(place))) as store:
        assert restore(store, copy) == 1
        assert store.run(run) == file_store.run(run) and len(store.since(run).batch) == 100
    assert _contents(place) == _contents(copy)
    assert list(place.parent.iterdir()) == [place]
    assert sorted(tmp_path.iterdir()) == sorted([*before, place.parent])


def test_who_reads_a_store_meanwhile_sees_what_came_back(file_store: Store, tmp_path: Path) -> None:
    first = _run(file_store)
    backup(file_store, tmp_path / "copy")
    second = _run(file_store)
    with closing(Store(file_store.url)) as reader:
        version = reader.version()
        assert len(reader.runs()) == 2
        assert restore(file_store, tmp_path / "copy", replace=True) == 1
        assert reader.version() != version
        assert [run.id for run in reader.runs()] == [first] != [second]


def test_an_older_copy_is_brought_up_to_date_and_stays_as_it_is(
    file_store: Store, tmp_path: Path
) -> None:
    _run(file_store)
    backup(file_store, tmp_path / "copy")
    _version(tmp_path / "copy", 1)
    before = (tmp_path / "copy").read_bytes()
    restore(file_store, tmp_path / "copy", replace=True)
    assert (tmp_path / "copy").read_bytes() == before
    assert "INSERT INTO \"meta\" VALUES('version','1');" not in _contents(tmp_path / "store.sqlite")


def _damage(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] + b"\x55" * 9000 + whole[len(whole) // 2 + 9000 :])


def _foreign(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE accounts (id INTEGER)")


WRONG: dict[str, Callable[[Path], object]] = {
    "newer version": lambda file: _version(file, 99),
    "There is no file": Path.unlink,
    "is empty": lambda file: file.write_bytes(b""),
    "not a database": lambda file: file.write_bytes(b"notes " * 2000),
    "malformed|damaged": lambda file: file.write_bytes(file.read_bytes()[:9000]),
    "is damaged": _damage,
    "not a store": _foreign,
}


@pytest.mark.parametrize("reason", WRONG)
def test_what_is_no_copy_replaces_nothing(file_store: Store, tmp_path: Path, reason: str) -> None:
    _run(file_store)
    backup(file_store, tmp_path / "copy")
    WRONG[reason](tmp_path / "copy")
    before = _contents(tmp_path / "store.sqlite")
    with pytest.raises(StoreError, match=f"copy.*({reason})|({reason}).*copy") as refusal:
        restore(file_store, tmp_path / "copy", replace=True)
    assert "\n" not in str(refusal.value) and ".part" not in str(refusal.value)
    assert _contents(tmp_path / "store.sqlite") == before
    assert not list(tmp_path.glob("*.part*"))


def test_runs_are_replaced_only_on_purpose(file_store: Store, tmp_path: Path) -> None:
    run = _run(file_store)
    backup(file_store, tmp_path / "copy")
    with pytest.raises(StoreError, match="--replace"):
        restore(file_store, tmp_path / "copy")
    assert file_store.run(run)


@pytest.mark.parametrize("state", LIVE_STATES)
def test_nothing_is_replaced_while_a_run_goes_on(
    file_store: Store, tmp_path: Path, state: str
) -> None:
    backup(file_store, tmp_path / "copy")
    run = _run(file_store, state)
    with pytest.raises(StoreError, match="still going"):
        restore(file_store, tmp_path / "copy", replace=True)
    assert file_store.run(run)


def test_postgresql_is_copied_by_its_own_tools(cluster: Cluster, tmp_path: Path) -> None:
    with closing(Store(cluster.url)) as store:
        with pytest.raises(StoreError, match="pg_dump"):
            backup(store, tmp_path / "x")
        with pytest.raises(StoreError, match="pg_restore"):
            restore(store, tmp_path / "x", replace=True)
    cluster.empty()
