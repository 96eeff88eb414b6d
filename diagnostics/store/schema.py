"""The store's tables, and opening a database that holds them: made, accepted, or refused."""

from pathlib import Path

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    inspect,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError
from sqlalchemy.schema import CreateColumn

from diagnostics.store.records import METRICS, SCALARS

VERSION = 3
"""Version 1 kept fewer measurements: they read as NaN in columns that came later. Version 2 kept no
notes, deletions and outlines of runs: those columns are added to its tables."""

BUSY_SECONDS = 10.0

metadata = MetaData()

meta = Table("meta", metadata, Column("key", String, primary_key=True), Column("value", JSON))

runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("number", Integer, unique=True, nullable=False),
    Column("name", String, nullable=False),
    Column("config", JSON, nullable=False),
    Column("probe", Boolean, nullable=False),
    Column("state", String, nullable=False),
    Column("created", Float, nullable=False),
    Column("heartbeat", Float, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("summary", JSON, nullable=False),
    Column("note", String, nullable=False, server_default=""),
    Column("deleted", Float),
    Column("outline", JSON(none_as_null=True)),
)


def _of_run(name: str, *columns: Column[object]) -> Table:
    """A table of rows that belong to a run, numbered as they come."""
    number = BigInteger().with_variant(Integer, "sqlite")
    table = Table(
        name,
        metadata,
        Column("id", number, primary_key=True, autoincrement=True),
        Column("run", String, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        *columns,
    )
    Index(f"{name}_by_run", table.c.run, table.c.id)
    return table


chunks = _of_run(
    "chunks",
    Column("first_step", Integer, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("layers", Integer, nullable=False),
    Column("numbers", LargeBinary, nullable=False),
    Column("array", LargeBinary, nullable=False),
    Column("scalars", LargeBinary, nullable=False),
)
events = _of_run(
    "events",
    Column("step", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("data", JSON, nullable=False),
)
commands = _of_run(
    "commands", Column("kind", String, nullable=False), Column("data", JSON, nullable=False)
)
snapshots = _of_run(
    "snapshots",
    Column("step", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("array", LargeBinary, nullable=False),
)

COLUMNS = {"metrics": list(METRICS), "scalars": list(SCALARS)}
EXPECTED = {"version": VERSION, **COLUMNS}


class StoreError(RuntimeError):
    """What is wrong with the store, in one sentence."""


def connect(url: str) -> Engine:
    """An engine for a store whose tables stand.

    Raises:
        StoreError: no database can be had there, it is read-only, or it holds something else.
    """
    engine = _engine(url)
    try:
        _prepare(engine)
    except DatabaseError as error:
        raise StoreError(f"{_place(engine)} can't be used as a store: {_reason(error)}.") from None
    return engine


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            if not parsed.database.startswith("file:"):  # a URI names what is there already
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS})
            event.listen(engine, "connect", _tune_sqlite)
            return engine
        return create_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ImportError):
        form = "sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME"
        raise StoreError(f"store={url} can't be used: it must be {form}.") from None
    except OSError as error:
        raise StoreError(f"The store's folder can't be made: {error}.") from None


def _tune_sqlite(connection: object, record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _prepare(engine: Engine) -> None:
    names = set(inspect(engine).get_table_names())
    if not names:
        _create(engine)
    elif not {"meta", "runs", "chunks"} <= names:
        raise StoreError(f"{_place(engine)} is a database, but not a store of this program.")
    _check_version(engine)
    for table in metadata.sorted_tables:
        _widen(engine, table)
    with engine.begin() as connection:  # a store that can't be written to is refused here
        for key, value in EXPECTED.items():
            connection.execute(meta.update().where(meta.c.key == key).values(value=value))


def _create(engine: Engine) -> None:
    try:
        metadata.create_all(engine)
        with engine.begin() as connection:
            rows = [{"key": key, "value": value} for key, value in EXPECTED.items()]
            connection.execute(meta.insert(), rows)
    except DatabaseError:
        # Another process may have made the tables in the same moment.
        if "meta" not in inspect(engine).get_table_names():
            raise


def _widen(engine: Engine, table: Table) -> None:
    """Add the columns that an older version did not know."""
    for column in _missing(engine, table):
        added = CreateColumn(column).compile(dialect=engine.dialect)
        try:
            with engine.begin() as connection:
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {added}")
        except DatabaseError:
            # Another process may have added it in the same moment.
            if column in _missing(engine, table):
                raise


def _missing(engine: Engine, table: Table) -> list[Column[object]]:
    there = {column["name"] for column in inspect(engine).get_columns(table.name)}
    return [column for column in table.columns if column.name not in there]


def _check_version(engine: Engine) -> None:
    with engine.connect() as connection:
        found = {row.key: row.value for row in connection.execute(select(meta))}
    version = found.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise StoreError(
            f"{_place(engine)} was made by a newer version (its schema is {version}, "
            f"this program reads up to {VERSION}): update, or choose another data directory."
        )
    if not all(_older(found.get(key), now) for key, now in COLUMNS.items()):
        raise StoreError(
            f"{_place(engine)} keeps other measurements than this program: "
            "choose another data directory."
        )


def _older(found: object, now: list[str]) -> bool:
    """Columns are only ever added at the end, so that older chunks stay readable."""
    return isinstance(found, list) and now[: len(found)] == found


def _place(engine: Engine) -> str:
    return engine.url.database or engine.url.render_as_string(hide_password=True)


def _reason(error: DatabaseError) -> str:
    """The driver's own words, without SQL."""
    words = str(error.orig).strip().splitlines()[0].rstrip(".")
    known = {
        "file is not a database": "the file is not a database",
        "unable to open database file": "the file can't be opened; check the folder and its rights",
        "attempt to write a readonly database": "it is read-only",
    }
    return known.get(words, words)
