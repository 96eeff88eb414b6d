"""Runs, chunks of measurements, events and commands, in SQLite or PostgreSQL.

A chunk is a float32 array [steps, layers, metrics] in one row, written about every 20 ms; readers
ask for what is new since a cursor. The training side and the page meet nowhere else.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, delete, select, text, update

from diagnostics.store import packing, pictures
from diagnostics.store.packing import Checkpoint
from diagnostics.store.pictures import KINDS, Ground, Picture, S, Snapshot
from diagnostics.store.records import Command, DeadUnits, Event, StepBatch
from diagnostics.store.register import Register
from diagnostics.store.rows import (
    Since,
    command,
    enter,
    event,
    readable,
    state_of,
    steps_taken,
    turn,
)
from diagnostics.store.run import LIVE_STATES, Run
from diagnostics.store.schema import (
    NoSuchRun,
    StoreError,
    checkpoints,
    chunks,
    commands,
    events,
    runs,
    snapshots,
)
from diagnostics.store.seals import sound
from diagnostics.store.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LIVE_STATES", "NoSuchRun", "Run", "Since", "Store", "StoreError", "open_store"]


VERSION_OF = {
    "sqlite": "PRAGMA data_version",
    "postgresql": "SELECT CAST(pg_current_snapshot() AS text)",
}
"""What is another when, and as soon as, something else can be read: PostgreSQL's names the
transactions that are seen."""


class Store(Register):
    """One store; safe to use from several threads, and several processes may hold the same.

    Whatever goes wrong with it raises ``StoreError``, at every call.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._watcher: Connection | None = None

    def close(self) -> None:
        """Let go of all connections."""
        if self._watcher is not None:
            self._watcher.close()
        self._engine.dispose()

    # ---- what runs measure ----

    def append(
        self,
        run_id: str,
        batch: StepBatch,
        happened: Sequence[Event] = (),
        dead: Sequence[DeadUnits] = (),
        taken: Sequence[Snapshot] = (),
        *,
        key: str = "",
    ) -> None:
        """Commit a chunk of steps with what happened meanwhile, and a heartbeat with them.

        Args:
            key: whoever does not know whether it was committed, since the connection broke, says it
                all again with the same key: nothing is doubled.
        """
        seen: dict[str, Any] = {"heartbeat": time.time(), "written": key}
        if len(batch):
            seen |= steps_taken(run_id, int(batch.steps[-1]))
        told = [{"step": e.step, "kind": e.kind, "data": dict(e.data)} for e in happened]
        masks = [{"step": d.step, **packing.pack_mask(d.dead)} for d in dead]
        with self._engine.begin() as connection:
            if not _begins(connection, run_id, key, seen):
                return
            if len(batch):
                enter(connection, chunks, run_id, [packing.pack(batch)])
            enter(connection, events, run_id, told)
            enter(connection, snapshots, run_id, masks)
            for shot in taken:
                _keep(connection, run_id, shot)

    def since(
        self, run_id: str, cursor: tuple[int, int] = (0, 0), most: int | None = None
    ) -> Since:
        """What a run measured and met after a cursor; everything after ``(0, 0)``.

        What a damaged file no longer tells is left out, and counted.

        Args:
            most: chunks that are read.
        """
        packed = self._after(chunks, run_id, cursor[0], most=most)
        happened = self._after(events, run_id, cursor[1])
        batches, lost = readable(packed, packing.unpack)
        told, missing = readable(happened, event)
        return Since(
            StepBatch.join(batches),
            tuple(told),
            (packed[-1].id if packed else cursor[0], happened[-1].id if happened else cursor[1]),
            lost + missing,
            len(packed) == most,
        )

    def dead_units(self, run_id: str) -> list[DeadUnits]:
        """Which units were dead from which steps on, in order."""
        rows = self._after(snapshots, run_id, 0, snapshots.c.kind.startswith(packing.DEAD_UNITS))
        return readable(
            rows, lambda row: DeadUnits(row.step, packing.unpack_mask(row.kind, row.array))
        )[0]

    def ground(self, run_id: str) -> Ground | None:
        """What a run's pictures are of; None where they show its layers alone."""
        return self._snapshot(run_id, Ground)

    def snapshot(self, run_id: str, at: int | None = None) -> Picture | None:
        """The newest picture at or before a step, or of all; None where none was taken."""
        return self._snapshot(run_id, Picture, at)

    def _snapshot(self, run_id: str, kind: type[S], at: int | None = None) -> S | None:
        query = _pictures(run_id, kind).order_by(snapshots.c.step.desc(), snapshots.c.id.desc())
        if at is not None:
            query = query.where(snapshots.c.step <= at)
        with self._engine.connect() as connection:
            rows = connection.execute(query.limit(1)).all()
        found = readable(rows, lambda row: pictures.unpack(kind, row.array))[0]
        return found[0] if found else None

    # ---- what is left for a run ----

    def send(self, run_id: str, command: Command) -> None:
        """Leave a command for a run's worker."""
        row = {"kind": command.kind, "data": dict(command.data)}
        with self._engine.begin() as connection:
            turn(connection, run_id)
            enter(connection, commands, run_id, [row])

    def commands(self, run_id: str, after: int = 0) -> tuple[list[Command], int]:
        """The commands left after a number, and the number to ask with next."""
        rows = self._after(commands, run_id, after)
        found = readable(rows, command)[0]
        return found, rows[-1].id if rows else after

    def keep(self, run_id: str, kept: Checkpoint, state: str) -> None:
        """Put a run aside in a state, with all that it needs to go on."""
        with self._engine.begin() as connection:
            connection.execute(delete(checkpoints).where(checkpoints.c.run == run_id))
            enter(connection, checkpoints, run_id, packing.pack_checkpoint(kept))
            values = state_of(run_id, state, {}) | {"heartbeat": time.time()}
            connection.execute(update(runs).where(runs.c.id == run_id).values(**values))

    def kept(self, run_id: str) -> Checkpoint | None:
        """What a run that was put aside needs to go on; None where nothing is kept.

        Raises:
            StoreError: it is not as it was written.
        """
        rows = self._after(checkpoints, run_id, 0)
        if not rows:
            return None
        with suppress(Exception):  # decoders raise whatever they come upon
            if all(map(sound, rows)):
                return packing.unpack_checkpoint(rows)
        raise StoreError("What was kept of the run is damaged: it can't go on from there.")

    def forget_kept(self, run_id: str) -> None:
        """Drop what a run needed to go on: it has ended."""
        with self._engine.begin() as connection:
            connection.execute(delete(checkpoints).where(checkpoints.c.run == run_id))

    # ---- the whole ----

    def version(self) -> int:
        """A number that changes when another connection commits (~10 µs on SQLite, ~100 elsewhere).

        For one thread at a time.
        """
        if self._watcher is None:
            self._watcher = self._engine.connect()
        try:
            found = self._watcher.execute(text(VERSION_OF[self._engine.dialect.name])).scalar_one()
        finally:
            self._watcher.rollback()  # on PostgreSQL each look is at what is committed by then
        return hash(found)

    def size(self) -> int:
        """Bytes that it takes."""
        query = "SELECT (page_count - freelist_count) * page_size FROM {}".format(
            "pragma_page_count, pragma_freelist_count, pragma_page_size"
        )
        if self._engine.dialect.name != "sqlite":
            query = "SELECT pg_database_size(current_database())"
        with self._engine.connect() as connection:
            return int(connection.execute(text(query)).scalar_one())

    def frame(self, run_id: str) -> "pd.DataFrame":
        """All of a run as a tidy frame: a row per step and layer. Raises ``StoreError``."""
        self.run(run_id)
        return self.since(run_id).batch.frame()

    def _after(
        self, table: Table, run_id: str, number: int, *also: Any, most: int | None = None
    ) -> Sequence[Any]:
        query = select(table).where(table.c.run == run_id, table.c.id > number, *also)
        with self._engine.connect() as connection:
            return connection.execute(query.order_by(table.c.id).limit(most)).all()


def open_store(url: str | None = None) -> Store:
    """The store at a URL, or where the settings say. Raises ``StoreError``."""
    return Store(url or Settings.read().store_url)


def _begins(connection: Connection, run_id: str, key: str, seen: dict[str, Any]) -> bool:
    """Enter that a run is written to, which is this writer's turn; whether that was not before."""
    query = update(runs).where(runs.c.id == run_id).values(**seen)
    if key:
        query = query.where(runs.c.written != key)
    return bool(connection.execute(query).rowcount)


def _pictures(run_id: str, kind: type[Snapshot]) -> Any:
    return select(snapshots).where(snapshots.c.run == run_id, snapshots.c.kind == KINDS[kind])


def _keep(connection: Connection, run_id: str, shot: Snapshot) -> None:
    """Enter a picture, and let go of the one that can best be spared where there are many."""
    row = pictures.pack(shot)
    enter(connection, snapshots, run_id, [row])
    if isinstance(shot, Ground):
        return
    columns = (snapshots.c.id, snapshots.c.step)
    query = _pictures(run_id, Picture).with_only_columns(*columns).order_by(*columns[::-1])
    kept = connection.execute(query).all()
    out = pictures.spare([one.step for one in kept], len(row["array"]))
    if out is not None:
        connection.execute(delete(snapshots).where(snapshots.c.id == kept[out].id))
