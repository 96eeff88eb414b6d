"""Rows of the store: entered with a seal, read as far as they are as they were written."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Connection, Table, insert, select

from diagnostics.store.records import Command, Event, StepBatch
from diagnostics.store.schema import metadata, runs
from diagnostics.store.seals import Document, seal, sealed, sound

T = TypeVar("T")

PLAIN = {
    column.name: (column.type.python_type, *((type(None),) if column.nullable else ()))
    for table in metadata.sorted_tables
    if "run" in table.c
    for column in table.c
    if column.name not in ("id", "seal") and not isinstance(column.type, Document)
}
"""What is in a column: SQLite itself takes anything."""

EVENT = TypeAdapter(Event)
COMMAND = TypeAdapter(Command)


@dataclass(frozen=True)
class Since:
    """What came after a cursor, and the cursor to ask with next, for ``more`` at once; how many
    rows were damaged."""

    batch: StepBatch
    events: tuple[Event, ...]
    cursor: tuple[int, int]
    damaged: int = 0
    more: bool = False


def readable(rows: Iterable[Any], read: Callable[[Any], T]) -> tuple[list[T], int]:
    """What can be read of some rows, and how many can't.

    Whoever made a file may have put anything in it, and decoders of arrays and archives raise
    whatever they come upon.
    """
    found: list[T] = []
    lost = 0
    for row in rows:
        try:
            if not _as_written(row):
                raise ValueError
            found.append(read(row))
        except Exception:
            lost += 1
    return found, lost


def _as_written(row: Any) -> bool:
    """Runs, which change, look at their seals themselves."""
    told = row._mapping
    if "number" in told:
        return True
    return sound(row) and all(isinstance(told[name], PLAIN.get(name, object)) for name in told)


def event(row: Any) -> Event:
    """What happened. Raises ``ValidationError``."""
    told = {"step": row.step, "kind": row.kind, "data": row.data}
    return EVENT.validate_python(told)


def command(row: Any) -> Command:
    """What was left for a run. Raises ``ValidationError``."""
    told = {"kind": row.kind, "data": row.data, "number": row.id}
    return COMMAND.validate_python(told)


def enter(
    connection: Connection, table: Table, run_id: str, rows: Sequence[dict[str, Any]]
) -> None:
    """Enter rows that belong to a run."""
    if rows:
        connection.execute(insert(table), [sealed({"run": run_id, **row}) for row in rows])


def turn(connection: Connection, run_id: str) -> None:
    """Wait until nobody else writes rows of a run.

    Without it PostgreSQL could commit a row after one of a higher number, and whoever asks for what
    came after that number would never see it. SQLite has one writer at a time.
    """
    connection.execute(select(runs.c.id).where(runs.c.id == run_id).with_for_update(key_share=True))


def state_of(run_id: str, state: str, summary: dict[str, Any]) -> dict[str, Any]:
    """What a run's row says of its state and its end."""
    told = {"state": state, "summary": summary}
    return told | {"state_seal": seal(run_id, state, summary)}


def words_of(run_id: str, name: str, note: str) -> dict[str, Any]:
    """What a run's row says in words."""
    return {"name": name, "note": note, "words_seal": seal(run_id, name, note)}


def steps_taken(run_id: str, steps: int) -> dict[str, Any]:
    """What a run's row says of its length."""
    return {"steps": steps, "steps_seal": seal(run_id, steps)}
