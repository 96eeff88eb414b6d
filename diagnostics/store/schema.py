"""The store's tables."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

from diagnostics.store.records import METRICS, SCALARS
from diagnostics.store.seals import Document
from diagnostics.subject.printable import Refusal

VERSION = 6
"""Version 1 kept fewer measurements: they read as NaN in columns that came later. Version 2 kept no
notes, deletions and outlines of runs, version 3 no owners, checkpoints and seals, version 4 no
scalars of a loop's own: what is missing is added to its tables. Version 5 did not seal runs'
numbers."""

metadata = MetaData()

meta = Table("meta", metadata, Column("key", String, primary_key=True), Column("value", Document))

runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("number", Integer, unique=True, nullable=False),
    Column("name", String, nullable=False),
    Column("config", Document, nullable=False),
    Column("probe", Boolean, nullable=False),
    Column("state", String, nullable=False),
    Column("created", Float, nullable=False),
    Column("heartbeat", Float, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("summary", Document, nullable=False),
    Column("note", String, nullable=False, server_default=""),
    Column("deleted", Float),
    Column("outline", Document(none_as_null=True)),
    Column("owner", String, nullable=False, server_default=""),
    Column("seal", BigInteger),
    Column("words_seal", BigInteger),
    Column("steps_seal", BigInteger),
    Column("state_seal", BigInteger),
    Column("written", String, nullable=False, server_default=""),
)


def _of_run(name: str, *columns: Column[object]) -> Table:
    """A table of rows that belong to a run, numbered as they come, each with a seal."""
    number = BigInteger().with_variant(Integer, "sqlite")
    table = Table(
        name,
        metadata,
        Column("id", number, primary_key=True, autoincrement=True),
        Column("run", String, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        *columns,
        Column("seal", BigInteger),
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
    Column("own", LargeBinary),
)
events = _of_run(
    "events",
    Column("step", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("data", Document, nullable=False),
)
commands = _of_run(
    "commands", Column("kind", String, nullable=False), Column("data", Document, nullable=False)
)
snapshots = _of_run(
    "snapshots",
    Column("step", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("array", LargeBinary, nullable=False),
)

checkpoints = _of_run(
    "checkpoints",
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("array", LargeBinary, nullable=False),
)

COLUMNS = {"metrics": list(METRICS), "scalars": list(SCALARS)}
EXPECTED = {"version": VERSION, **COLUMNS}


class StoreError(Refusal, RuntimeError):
    """What is wrong with the store, in one sentence."""


class NoSuchRun(StoreError):
    """There is no run of that id, or none any more."""
