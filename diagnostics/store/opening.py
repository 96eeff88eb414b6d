"""Opening a database that holds a store: made, accepted, or refused with a sentence."""

import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    Connection,
    Engine,
    Table,
    create_engine,
    delete,
    event,
    func,
    inspect,
    select,
)
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError, NoSuchModuleError
from sqlalchemy.schema import CreateColumn

from diagnostics.store.schema import COLUMNS, EXPECTED, VERSION, StoreError, meta, metadata
from diagnostics.store.seals import parse

BUSY_SECONDS = 5.0
"""How long a store that somebody else has locked is waited for."""

LOCK = 0x67726164
"""PostgreSQL's locks for programs have numbers."""

NO_FILE = "unable to open database file"
MALFORMED = "database disk image is malformed"

FORM = "sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME"

REASONS = {
    "file is not a database": "the file is not a database",
    NO_FILE: "the file can't be opened; check the folder and its rights",
    "attempt to write a readonly database": "it is read-only",
    "database is locked": "another program has locked it; try again when that is done",
    "database or disk is full": "the disk is full; make room, what was measured waits meanwhile",
    "disk I/O error": "the disk can't be read or written; it may be full",
    MALFORMED: "the file is damaged; put a copy of it in its place",
}
"""What SQLite says, in words that help."""


def connect(url: str) -> Engine:
    """An engine for a store whose tables stand.

    Raises:
        StoreError: no database can be had there, it is read-only, or it holds something else.
    """
    place = _place(url)
    engine = _engine(url, place)
    event.listen(engine, "handle_error", lambda context: _refusal(place, context))
    try:
        _prepare(engine, place)
    except StoreError:
        engine.dispose()
        raise
    return engine


def file_of(url: str) -> Path | None:
    """The file that a store is in; None where it is in none, or nobody can say."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    named = parsed.database if parsed.get_backend_name() == "sqlite" else None
    return Path(named) if named and named != ":memory:" and named[:5] != "file:" else None


def _place(url: str) -> str:
    """What a store is called in sentences."""
    try:
        return make_url(url).database or _shown(url)
    except ArgumentError:
        return url


def _shown(url: str) -> str:
    """A URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url


def _engine(url: str, place: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed, parsed.database or ":memory:")
        return create_engine(parsed, pool_pre_ping=True, json_deserializer=parse)
    except (ArgumentError, NoSuchModuleError):
        raise StoreError(f"store={_shown(url)} can't be used: it must be {FORM}.") from None
    except ImportError as missing:
        raise StoreError(
            f"store={_shown(url)} can't be used: {missing.name} is not installed "
            "(pip install 'gradient-diagnostics[postgres]')."
        ) from None
    except OSError as error:
        raise StoreError(f"The store's folder can't be made: {error}.") from None


def _sqlite(url: URL, place: str) -> Engine:
    """A file is made here and nowhere else: one that goes away later must not come back empty."""
    named = place != ":memory:" and not place.startswith("file:")
    if named:
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        if not Path(place).exists():
            Path(place).touch()
        opened = {"mode": "rw", "uri": "true"}
        url = URL.create("sqlite", database=f"file:{quote(place)}", query=opened)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, json_deserializer=parse)
    event.listen(engine, "connect", _tune_sqlite)
    if named:
        event.listen(engine, "connect", lambda made, record: record.info.update(file=_file(place)))
        event.listen(engine, "checkout", lambda made, record, _: _is_there(place, record.info))
    return engine


def _file(place: str) -> int:
    """The number of a file, another one when it is replaced; 0 where there is none."""
    try:
        return os.stat(place).st_ino
    except OSError:
        return 0


def _is_there(place: str, info: dict[str, Any]) -> None:
    """SQLite would go on with a file that was deleted, and lose what it writes there."""
    now = _file(place)
    if not now:
        raise StoreError(_gone(place))
    if now != info["file"]:  # another was put in its place
        raise DisconnectionError


def _gone(place: str) -> str:
    return f"The store {place} is gone: put it back, or start anew for an empty one."


def _tune_sqlite(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA journal_mode=WAL")
    except UnicodeDecodeError:  # SQLite's own complaint of a damaged schema can't be read
        raise sqlite3.DatabaseError(MALFORMED) from None
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _refusal(place: str, context: ExceptionContext) -> StoreError | None:
    """Whatever a database says, at whatever call, is one sentence.

    But for a connection that is found to have ended before it is used: another is made then.
    """
    trouble = context.original_exception
    dbapi = context.dialect.loaded_dbapi
    if context.is_pre_ping or not isinstance(trouble, dbapi.Error | UnicodeDecodeError):
        return None
    said = MALFORMED if isinstance(trouble, UnicodeDecodeError) else str(trouble)
    words = (said.strip().splitlines() or [type(trouble).__name__])[0].rstrip(".")
    if words == NO_FILE and not _file(place):
        return StoreError(_gone(place))
    return StoreError(f"{place} can't be used as a store: {REASONS.get(words, words)}.")


def alone(connection: Connection) -> None:
    """Until its transaction ends this connection alone makes tables or enters runs."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))


def _prepare(engine: Engine, place: str) -> None:
    """All or nothing: many processes may open a new store in the same moment."""
    with engine.begin() as connection:
        alone(connection)  # a store that can't be written to is refused here
        names = set(inspect(connection).get_table_names())
        if names and not {"meta", "runs", "chunks"} <= names:
            raise StoreError(f"{place} is a database, but not a store of this program.")
        if names:
            _check_version(connection, place)
        metadata.create_all(connection)
        for table in metadata.sorted_tables:
            _widen(connection, table)
        connection.execute(delete(meta).where(meta.c.key.in_(EXPECTED)))
        rows = [{"key": key, "value": value} for key, value in EXPECTED.items()]
        connection.execute(meta.insert(), rows)


def _widen(connection: Connection, table: Table) -> None:
    """Add the columns that an older version did not know."""
    there = {column["name"] for column in inspect(connection).get_columns(table.name)}
    for column in table.columns:
        if column.name not in there:
            added = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {added}")


def _check_version(connection: Connection, place: str) -> None:
    found = {row.key: row.value for row in connection.execute(select(meta))}
    version = found.get("version")
    if not isinstance(version, int):
        raise StoreError(f"{place} does not say which version made it: the file is damaged.")
    if version > VERSION:
        raise StoreError(
            f"{place} was made by a newer version (its schema is {version}, "
            f"this program reads up to {VERSION}): update, or choose another data directory."
        )
    if not all(_older(found.get(key), now) for key, now in COLUMNS.items()):
        raise StoreError(
            f"{place} keeps other measurements than this program: choose another data directory."
        )


def _older(found: object, now: list[str]) -> bool:
    """Columns are only ever added at the end, so that older chunks stay readable."""
    return isinstance(found, list) and now[: len(found)] == found
