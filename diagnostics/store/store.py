"""Runs, chunks of measurements, events and commands, in SQLite or PostgreSQL.

A chunk is a float32 array [steps, layers, metrics] in one row, written about every 20 ms; readers
ask for what is new since a cursor. The training side and the page meet nowhere else.
"""

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, delete, func, insert, select, text, update

from diagnostics.store.pictures import KINDS, Ground, Picture, S, Snapshot, pack, spare, unpack
from diagnostics.store.records import (
    METRICS,
    SCALARS,
    Command,
    DeadUnits,
    Event,
    PatientZero,
    StepBatch,
    Summary,
)
from diagnostics.store.schema import StoreError, chunks, commands, connect, events, runs, snapshots
from diagnostics.store.settings import Settings
from diagnostics.subject.watched import Subject, WatchedModel, subject

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LIVE_STATES", "Run", "Since", "Store", "StoreError", "open_store"]

LIVE_STATES = ("queued", "running", "paused")
DEAD_UNITS = "dead "
LOST_AFTER = 5.0
"""Seconds without a heartbeat after which a live run counts as lost."""


@dataclass(frozen=True)
class Run:
    """A run as a reader should see it.

    ``state`` is one of queued, running, paused, finished, stopped, diverged, failed, lost;
    ``number`` counts runs in the order of their creation.
    """

    id: str
    name: str
    config: Subject
    state: str
    created: datetime
    steps: int
    probe: bool
    loss: float | None = None
    accuracy: float | None = None
    patient_zero: PatientZero | None = None
    error: str | None = None
    number: int = 0
    note: str = ""

    @property
    def live(self) -> bool:
        """Whether it may still change."""
        return self.state in LIVE_STATES

    @property
    def watched(self) -> bool:
        """Whether it is of a model that is not the laboratory's own."""
        return self.config.lab is None


@dataclass(frozen=True)
class Since:
    """What came after a cursor, and the cursor to ask with next."""

    batch: StepBatch
    events: tuple[Event, ...]
    cursor: tuple[int, int]


class Store:
    """One store; safe to use from several threads, and several processes may hold the same."""

    def __init__(self, url: str) -> None:
        self._engine = connect(url)
        self.url = url
        self._watcher: Connection | None = None

    @property
    def engine(self) -> Engine:
        """Its database."""
        return self._engine

    def close(self) -> None:
        """Let go of all connections."""
        if self._watcher is not None:
            self._watcher.close()
        self._engine.dispose()

    def create_run(self, config: Subject, *, name: str = "", probe: bool = True) -> str:
        """Enter a queued run; its id."""
        run_id, now = secrets.token_hex(4), time.time()
        row = {
            "id": run_id,
            "name": name,
            "config": config.model_dump(),
            "probe": probe,
            "state": "queued",
            "created": now,
            "heartbeat": now,
            "steps": 0,
            "summary": {},
        }
        number = select(func.coalesce(func.max(runs.c.number), 0) + 1).scalar_subquery()
        with self._engine.begin() as connection:
            connection.execute(insert(runs).values(**row, number=number))
        return run_id

    def run(self, run_id: str) -> Run:
        """One run. Raises ``StoreError`` where there is none of that id."""
        with self._engine.connect() as connection:
            row = connection.execute(_there().where(runs.c.id == run_id)).one_or_none()
        if row is None:
            raise StoreError(f"There is no run '{run_id}' in this store.")
        return _run(row)

    def runs(self, limit: int = 100, before: int | None = None) -> list[Run]:
        """The newest runs, newest first; with ``before`` those made before the one of a number."""
        query = _there().order_by(runs.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(runs.c.number < before)
        with self._engine.connect() as connection:
            return [_run(row) for row in connection.execute(query)]

    def set_state(self, run_id: str, state: str, **summary: Any) -> None:
        """Change a run's state; ``summary`` holds how it ended, or the ``error`` it failed with."""
        values: dict[str, Any] = {"state": state, "heartbeat": time.time()}
        if summary:
            values["summary"] = summary
        with self._engine.begin() as connection:
            connection.execute(update(runs).where(runs.c.id == run_id).values(**values))

    def describe(self, run_id: str, config: WatchedModel) -> None:
        """Enter what has become known of a watched model."""
        query = update(runs).where(runs.c.id == run_id).values(config=config.model_dump())
        with self._engine.begin() as connection:
            connection.execute(query)

    def finish(self, run_id: str, summary: Summary) -> None:
        """Enter how a run ended."""
        ended = asdict(summary)
        self.set_state(run_id, ended.pop("state"), **{k: _json(v) for k, v in ended.items()})

    def beat(self, run_ids: Iterable[str]) -> None:
        """Say that these runs are alive."""
        query = update(runs).where(runs.c.id.in_(list(run_ids))).values(heartbeat=time.time())
        with self._engine.begin() as connection:
            connection.execute(query)

    def append(
        self,
        run_id: str,
        batch: StepBatch,
        happened: Sequence[Event] = (),
        dead: Sequence[DeadUnits] = (),
        taken: Sequence[Snapshot] = (),
    ) -> None:
        """Commit a chunk of steps with what happened meanwhile, and a heartbeat with them."""
        seen: dict[str, Any] = {"heartbeat": time.time()}
        if len(batch):
            seen["steps"] = int(batch.steps[-1])
        with self._engine.begin() as connection:
            if len(batch):
                connection.execute(insert(chunks).values(run=run_id, **_pack(batch)))
            rows = [
                {"run": run_id, "step": e.step, "kind": e.kind, "data": dict(e.data)}
                for e in happened
            ]
            if rows:
                connection.execute(insert(events), rows)
            if dead:
                masks = [{"run": run_id, "step": d.step, **_pack_mask(d.dead)} for d in dead]
                connection.execute(insert(snapshots), masks)
            for shot in taken:
                _keep(connection, run_id, shot)
            connection.execute(update(runs).where(runs.c.id == run_id).values(**seen))

    def since(self, run_id: str, cursor: tuple[int, int] = (0, 0)) -> Since:
        """What a run measured and met after a cursor; everything after ``(0, 0)``."""
        new_chunks = _after(chunks, run_id, cursor[0])
        new_events = _after(events, run_id, cursor[1])
        with self._engine.connect() as connection:
            packed = connection.execute(new_chunks).all()
            happened = connection.execute(new_events).all()
        return Since(
            StepBatch.join([_unpack(row) for row in packed]),
            tuple(Event(row.step, row.kind, row.data) for row in happened),
            (packed[-1].id if packed else cursor[0], happened[-1].id if happened else cursor[1]),
        )

    def dead_units(self, run_id: str) -> list[DeadUnits]:
        """Which units were dead from which steps on, in order."""
        query = _after(snapshots, run_id, 0).where(snapshots.c.kind.startswith(DEAD_UNITS))
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [DeadUnits(row.step, _unpack_mask(row.kind, row.array)) for row in rows]

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
            row = connection.execute(query.limit(1)).one_or_none()
        return unpack(kind, row.array) if row else None

    def send(self, run_id: str, command: Command) -> None:
        """Leave a command for a run's worker."""
        row = {"run": run_id, "kind": command.kind, "data": dict(command.data)}
        with self._engine.begin() as connection:
            connection.execute(insert(commands).values(**row))

    def commands(self, run_id: str, after: int = 0) -> tuple[list[Command], int]:
        """The commands left after a number, and the number to ask with next."""
        with self._engine.connect() as connection:
            rows = connection.execute(_after(commands, run_id, after)).all()
        return [Command(row.kind, row.data) for row in rows], rows[-1].id if rows else after

    def version(self) -> int:
        """A number that changes when another connection commits (SQLite; ~10 µs).

        On PostgreSQL it changes whenever a chunk, an event or a run's state does. For one
        thread at a time.
        """
        if self._watcher is None:
            self._watcher = self._engine.connect()
        query = "PRAGMA data_version"
        if self._engine.dialect.name != "sqlite":
            query = "SELECT coalesce(max(id), 0) FROM chunks"
        found = self._watcher.execute(text(query)).scalar_one()
        self._watcher.rollback()
        return int(found)

    def frame(self, run_id: str) -> "pd.DataFrame":
        """All of a run as a tidy frame: a row per step and layer. Raises ``StoreError``."""
        self.run(run_id)
        return self.since(run_id).batch.frame()


def open_store(url: str | None = None) -> Store:
    """The store at a URL, or where the settings say. Raises ``StoreError``."""
    return Store(url or Settings.read().store_url)


def _there() -> Any:
    """All runs but those that are deleted."""
    return select(runs).where(runs.c.deleted.is_(None))


def _after(table: Any, run_id: str, number: int) -> Any:
    return select(table).where(table.c.run == run_id, table.c.id > number).order_by(table.c.id)


def _pictures(run_id: str, kind: type[Snapshot]) -> Any:
    return select(snapshots).where(snapshots.c.run == run_id, snapshots.c.kind == KINDS[kind])


def _keep(connection: Connection, run_id: str, shot: Snapshot) -> None:
    """Enter a picture, and let go of the one that can best be spared where there are many."""
    row = pack(shot)
    connection.execute(insert(snapshots).values(run=run_id, **row))
    if isinstance(shot, Ground):
        return
    columns = (snapshots.c.id, snapshots.c.step)
    query = _pictures(run_id, Picture).with_only_columns(*columns).order_by(*columns[::-1])
    kept = connection.execute(query).all()
    out = spare([one.step for one in kept], len(row["array"]))
    if out is not None:
        connection.execute(delete(snapshots).where(snapshots.c.id == kept[out].id))


def _pack(batch: StepBatch) -> dict[str, Any]:
    return {
        "first_step": int(batch.steps[0]),
        "steps": len(batch),
        "layers": batch.layers,
        "numbers": batch.steps.astype("<i8").tobytes(),
        "array": batch.values.astype("<f4").tobytes(),
        "scalars": batch.scalars.astype("<f8").tobytes(),
    }


def _pack_mask(dead: NDArray[np.bool_]) -> dict[str, Any]:
    """A bit for each unit; the kind carries the shape."""
    layers, units = dead.shape
    return {"kind": f"{DEAD_UNITS}{layers}x{units}", "array": np.packbits(dead).tobytes()}


def _unpack_mask(kind: str, bits: bytes) -> NDArray[np.bool_]:
    layers, units = map(int, kind.removeprefix(DEAD_UNITS).split("x"))
    flat = np.unpackbits(np.frombuffer(bits, np.uint8), count=layers * units)
    return flat.reshape(layers, units).astype(bool)


def _unpack(row: Any) -> StepBatch:
    return StepBatch(
        np.frombuffer(row.numbers, "<i8"),
        padded(np.frombuffer(row.array, "<f4"), len(METRICS), row.steps, row.layers),
        padded(np.frombuffer(row.scalars, "<f8"), len(SCALARS), row.steps),
    )


def padded(flat: NDArray[Any], columns: int, *shape: int) -> NDArray[Any]:
    """[*shape, columns]; columns that an older version did not keep are NaN."""
    kept = flat.reshape(*shape, -1)
    missing = columns - kept.shape[-1]
    if not missing:
        return kept
    return np.concatenate([kept, np.full((*shape, missing), np.nan, flat.dtype)], axis=-1)


def _run(row: Any) -> Run:
    state, summary = row.state, dict(row.summary)
    if state in LIVE_STATES and time.time() - row.heartbeat > LOST_AFTER:
        state = "lost"
    patient = summary.pop("patient_zero", None)
    summary["steps"] = max(row.steps, summary.pop("steps", 0))
    return Run(
        row.id,
        row.name,
        subject(row.config),
        state,
        datetime.fromtimestamp(row.created, UTC),
        probe=row.probe,
        patient_zero=PatientZero(**patient) if patient else None,
        number=row.number,
        note=row.note,
        **summary,
    )


def _json(value: Any) -> Any:
    """NaN and infinities have no spelling in JSON: None says that there is no number."""
    return None if isinstance(value, float) and not np.isfinite(value) else value
