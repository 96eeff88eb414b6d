"""Copies of a store: made while it is in use, and put in its place again."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from diagnostics.store.opening import REASONS, file_of
from diagnostics.store.schema import StoreError
from diagnostics.store.settings import url_of
from diagnostics.store.store import Store

ELSEWHERE = {
    "copied": "pg_dump --format=custom --file=FILE DATABASE",
    "restored": "pg_restore --clean --if-exists --dbname=DATABASE FILE",
}
"""What PostgreSQL's own programs do better."""


def backup(store: Store, file: Path) -> int:
    """Copy a store into a new SQLite file while it is in use; its bytes.

    Raises:
        StoreError: it is not in a file, or none can be made there.
    """
    _own(store, "copied")
    if file.exists():
        raise StoreError(f"{file} is there already: name a file that is not.")
    with _told(file), _part(file) as part:
        with closing(store.engine.raw_connection()) as source:
            _copy(source.driver_connection, part)  # type: ignore[arg-type]
        os.replace(part, file)
    return file.stat().st_size


def restore(store: Store, file: Path, *, replace: bool = False) -> int:
    """Put a copy in a store's place, in one transaction; how many runs it has.

    One that an older version made is brought up to date; the file itself stays as it is.

    Args:
        replace: what runs the store has may be lost.

    Raises:
        StoreError: it is no copy of a store, is damaged, or was made by a newer version; the store
            is not in a file, has runs that are not to be lost, or one that goes on.
    """
    place = _own(store, "restored")
    _may_go(store, place, replace)
    with _told(place), _part(place) as part:
        with _told(file), closing(_opened(file)) as source:
            _check(source, file)
            _copy(source, part)
        with _named(file, part), closing(Store(url_of(part))) as copy:
            _into(copy, store)
    return sum(count for count, _ in store.tally().values())


def _own(store: Store, done: str) -> Path:
    file = file_of(store.url)
    if file is None:
        raise StoreError(
            f"A store in PostgreSQL is {done} by PostgreSQL's own program: {ELSEWHERE[done]}."
        )
    return file


def _may_go(store: Store, place: Path, replace: bool) -> None:
    """Whether what a store has now may be lost."""
    going = [run.number for run in store.live_runs() if run.live]
    if going:
        raise StoreError(f"Run #{going[0]} is still going: end its server or loop first.")
    if not replace and store.tally():
        raise StoreError(f"{place} has runs, which would be lost: say so with --replace.")


def _opened(file: Path) -> sqlite3.Connection:
    """For reading alone."""
    if not file.is_file():
        raise StoreError(f"There is no file {file}.")
    return sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)


def _check(source: sqlite3.Connection, file: Path) -> None:
    """Whether a file has anything, all of which can be read: an empty one would become a store."""
    if not source.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise StoreError(f"{file} is empty: it is no copy of a store.")
    if source.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise StoreError(
            f"{file} is damaged, and nothing was replaced. "
            f"What can be read of it is shown with --store {url_of(file)}."
        )


@contextmanager
def _part(file: Path) -> Iterator[Path]:
    """A file beside another, until all is well."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        yield part
    finally:
        for left in (part, *(Path(f"{part}-{kind}") for kind in ("wal", "shm"))):
            left.unlink(missing_ok=True)


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """Whatever is wrong with a file is one sentence."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise StoreError(f"{file} can't be used: {REASONS.get(reason, reason)}.") from None


@contextmanager
def _named(file: Path, part: Path) -> Iterator[None]:
    """Sentences name the file that somebody knows."""
    try:
        yield
    except StoreError as refusal:
        raise StoreError(str(refusal).replace(str(part), str(file))) from None


def _copy(source: sqlite3.Connection, file: Path) -> None:
    """In one reading: a copy by pieces would begin anew whenever a run commits."""
    with closing(sqlite3.connect(file)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, whole by itself


def _into(copy: Store, store: Store) -> None:
    """In one transaction: who reads the store meanwhile sees it before or after."""
    source, target = copy.engine.raw_connection(), store.engine.raw_connection()
    with closing(source), closing(target):
        source.driver_connection.backup(target.driver_connection)  # type: ignore[union-attr]
