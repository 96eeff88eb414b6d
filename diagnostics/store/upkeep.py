"""What becomes of a store in the long run: which runs are let go for good."""

import time
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import BigInteger, cast, delete, func, select, text

from diagnostics.store.rows import readable
from diagnostics.store.run import LIVE_STATES
from diagnostics.store.schema import checkpoints, chunks, runs, snapshots
from diagnostics.store.store import Store

DAY = 86_400.0

ENDED = runs.c.state.not_in(LIVE_STATES)
"""Also a run that was left by a server that died is none: the next can go on with it."""


@dataclass(frozen=True)
class Spent:
    """A run that nobody needs any more; ``bytes`` of what it measured."""

    id: str
    number: int
    name: str
    created: float
    bytes: int


SPENT = TypeAdapter(Spent)


def spent(
    store: Store,
    *,
    older: float | None = None,
    keep: int | None = None,
    megabytes: float | None = None,
) -> list[Spent]:
    """Runs beyond any of some bounds, newest first; never one that trains, waits or pauses.

    Args:
        older: days since it was made.
        keep: so many of the newest stay.
        megabytes: of measurements stay, those of the newest runs.
    """
    made_before = -1.0 if older is None else time.time() - older * DAY
    found, met = [], 0
    for place, run in enumerate(_ended(store)):
        met += run.bytes
        many = keep is not None and place >= keep
        large = megabytes is not None and met > 1e6 * megabytes
        if run.created < made_before or many or large:
            found.append(run)
    return found


def discard(store: Store, found: list[Spent]) -> int:
    """Let go of runs for good, except those that go on again by now; how many went."""
    gone = 0
    for run in found:
        with store.engine.begin() as connection:
            gone += connection.execute(delete(runs).where(runs.c.id == run.id, ENDED)).rowcount
    return gone


def shrink(store: Store) -> None:
    """Give the room of what was let go back: to the disk, on PostgreSQL to what comes next."""
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM"))


def _ended(store: Store) -> list[Spent]:
    """Runs that are over with their sizes, newest first; what is damaged stays as it is."""
    columns = (runs.c.id, runs.c.number, runs.c.name, runs.c.created, _size().label("bytes"))
    query = select(*columns).where(ENDED).order_by(runs.c.number.desc())
    with store.engine.connect() as connection:
        rows = connection.execute(query).all()
    return readable(rows, lambda row: SPENT.validate_python(row._asdict()))[0]


def _size() -> Any:
    """Bytes of what a run has measured, as a column beside its row."""
    kept = (
        chunks.c.numbers,
        chunks.c.array,
        chunks.c.scalars,
        snapshots.c.array,
        checkpoints.c.array,
    )
    sums = [
        select(func.coalesce(func.sum(func.length(column)), 0))
        .where(column.table.c.run == runs.c.id)
        .scalar_subquery()
        for column in kept
    ]
    return cast(sum(sums[1:], sums[0]), BigInteger)
