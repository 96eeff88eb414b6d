"""Runs as somebody keeps them: their names and notes, what came of them in short, deletion."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, select, update

from diagnostics.store.packing import unpack
from diagnostics.store.records import SCALAR_INDEX
from diagnostics.store.rows import readable, words_of
from diagnostics.store.schema import chunks, runs
from diagnostics.store.seals import seal
from diagnostics.store.store import Run, Store, StoreError

UNDO_SECONDS = 30.0
"""How long a deleted run can be had back."""

LONGEST = {"name": 80, "note": 500}
"""Letters."""

POINTS = 48
"""Of a run's loss, kept in its outline."""

PAGE = 200
"""Runs read at once while some are looked for."""


@dataclass(frozen=True)
class Outline:
    """What came of a run, in short: its best held-out accuracy, and its loss, thinned evenly."""

    best: float | None
    loss: tuple[float | None, ...]


class Growing:
    """The outline of a run that goes on, made of what is new each time."""

    def __init__(self) -> None:
        self.cursor = 0
        self._best = np.nan
        self._loss: list[float] = []
        self._met, self._stride = 0, 1

    def grow(self, scalars: NDArray[np.float64]) -> None:
        """Take in some steps, [steps, scalars]."""
        accuracies, losses = (scalars[:, SCALAR_INDEX[key]] for key in ("heldout_accuracy", "loss"))
        self._best = float(np.fmax.reduce(accuracies, initial=self._best))
        self._loss += losses[-self._met % self._stride :: self._stride].tolist()
        self._met += len(scalars)
        while len(self._loss) > POINTS:
            self._loss, self._stride = self._loss[::2], 2 * self._stride

    def outline(self) -> Outline:
        """What came of it so far."""
        return Outline(_number(self._best), tuple(map(_number, self._loss)))


class Catalogue:
    """The runs of a store; safe to use from several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._growing: dict[str, Growing] = {}
        self._lock = threading.Lock()

    def page(
        self, limit: int, before: int | None = None, among: Callable[[Run], bool] | None = None
    ) -> list[Run]:
        """The newest runs among those made before the one of a number, newest first."""
        if among is None:
            return self._store.runs(limit, before)
        found: list[Run] = []
        while len(found) < limit and (read := self._store.runs(PAGE, before)):
            found += filter(among, read)
            before = read[-1].number
        return found[:limit]

    def outline(self, run: Run) -> Outline:
        """What came of a run, in short; kept once it is over."""
        with self._store.engine.connect() as connection:
            kept = connection.execute(select(runs.c.outline).where(_is(run.id))).scalar()
        if isinstance(kept, dict) and kept.pop("seal", None) == seal(run.id, kept):
            return Outline(kept["best"], tuple(kept["loss"]))
        with self._lock:
            growing = self._growing.setdefault(run.id, Growing())
            self._read(run.id, growing)
        outline = growing.outline()
        if not run.live and run.state != "lost":
            self._growing.pop(run.id, None)
            told = vars(outline)
            with suppress(StoreError):  # it is made again where it can't be kept
                self._enter(run.id, outline={**told, "seal": seal(run.id, told)})
        return outline

    def describe(self, run_id: str, **words: str) -> None:
        """Change a run's ``name`` or ``note``.

        Raises:
            StoreError: there is no such run, or the words are too many.
        """
        run = self._store.run(run_id)
        for key, text in words.items():
            if len(text) > LONGEST[key]:
                raise StoreError(
                    f"{key}={text:.20}… can't be used: it must have at most {LONGEST[key]} letters."
                )
        told = {"name": run.name, "note": run.note}
        told |= {key: text.strip() for key, text in words.items()}
        self._enter(run_id, **words_of(run_id, **told))

    def delete(self, run_id: str) -> None:
        """Take a run out of sight, for good after a while.

        Raises ``StoreError`` where there is no such run, or where it still trains.
        """
        run = self._store.run(run_id)
        if run.live:
            raise StoreError(f"Run #{run.number} is still going: stop it before deleting it.")
        self._enter(run_id, deleted=time.time())

    def owner(self, run_id: str) -> str:
        """Whose a run is, also of one that is deleted; empty where nobody knows."""
        with self._store.engine.connect() as connection:
            found = connection.execute(select(runs.c.owner).where(_is(run_id))).scalar()
        return found or ""

    def restore(self, run_id: str) -> None:
        """Have a deleted run back. Raises ``StoreError`` where it is gone for good."""
        self._enter(run_id, deleted=None)
        self._store.run(run_id)

    def purge(self) -> None:
        """Let go for good of what was deleted a while ago."""
        gone = runs.c.deleted < time.time() - UNDO_SECONDS
        with self._store.engine.connect() as connection:
            found = connection.execute(select(runs.c.id).where(gone)).scalars().all()
        for run_id in found:
            with self._store.engine.begin() as connection:
                connection.execute(delete(runs).where(_is(run_id), gone))

    def _enter(self, run_id: str, **values: Any) -> None:
        with self._store.engine.begin() as connection:
            connection.execute(update(runs).where(_is(run_id)).values(**values))

    def _read(self, run_id: str, growing: Growing) -> None:
        query = select(chunks).where(chunks.c.run == run_id, chunks.c.id > growing.cursor)
        with self._store.engine.connect() as connection:
            for row in connection.execute(query.order_by(chunks.c.id)):
                for batch in readable([row], unpack)[0]:
                    growing.grow(batch.scalars)
                growing.cursor = row.id


def _is(run_id: str) -> Any:
    return runs.c.id == run_id


def _number(value: float) -> float | None:
    return float(f"{value:.4g}") if np.isfinite(value) else None
