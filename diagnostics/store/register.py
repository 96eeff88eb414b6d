"""The register of runs: who they are, how they stand, and whether they are alive."""

import secrets
import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np
from sqlalchemy import Engine, func, insert, select, update

from diagnostics.store.opening import alone, connect
from diagnostics.store.records import Summary
from diagnostics.store.rows import readable, state_of, steps_taken, words_of
from diagnostics.store.run import LIVE_STATES, STATES, Pulse, Run, fixed_seal, read_run
from diagnostics.store.schema import NoSuchRun, StoreError, runs
from diagnostics.subject.watched import Subject, WatchedModel


class Register:
    """The runs of one store."""

    def __init__(self, url: str) -> None:
        self._engine = connect(url)
        self.url = url
        self._pulse = Pulse()

    @property
    def engine(self) -> Engine:
        """Its database."""
        return self._engine

    def create_run(
        self, config: Subject, *, name: str = "", probe: bool = True, owner: str = ""
    ) -> str:
        """Enter a queued run; its id."""
        run_id, now = secrets.token_hex(4), time.time()
        row: dict[str, Any] = {
            "id": run_id,
            "config": config.model_dump(),
            "probe": probe,
            "created": now,
            "owner": owner,
        }
        row |= {"heartbeat": now} | words_of(run_id, name, "")
        row |= state_of(run_id, "queued", {}) | steps_taken(run_id, 0)
        newest = select(func.coalesce(func.max(runs.c.number), 0))
        with self._engine.begin() as connection:
            alone(connection)
            row["number"] = connection.execute(newest).scalar_one() + 1
            connection.execute(insert(runs).values(**row, seal=fixed_seal(row)))
        return run_id

    def run(self, run_id: str) -> Run:
        """One run. Raises ``NoSuchRun`` where there is none of that id."""
        with self._engine.connect() as connection:
            row = connection.execute(_there().where(runs.c.id == run_id)).one_or_none()
        if row is None:
            raise NoSuchRun(f"There is no run '{run_id}' in this store.")
        return read_run(row, self._pulse)

    def runs(self, limit: int = 100, before: int | None = None) -> list[Run]:
        """The newest runs, newest first; with ``before`` those made before the one of a number.

        Those that are damaged are passed over.
        """
        query = _there().order_by(runs.c.number.desc()).limit(limit)
        return self._runs(query if before is None else query.where(runs.c.number < before))

    def live_runs(self) -> list[Run]:
        """Runs that have not ended, or were lost before they could, oldest first."""
        return self._runs(_there().where(runs.c.state.in_(LIVE_STATES)).order_by(runs.c.number))

    def _runs(self, query: Any) -> list[Run]:
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return readable(rows, lambda row: read_run(row, self._pulse))[0]

    def tally(self) -> dict[str, tuple[int, int]]:
        """Of each state, as it was last entered, how many runs and how many steps of them."""
        counts = func.count(), func.sum(runs.c.steps)
        known = runs.c.deleted.is_(None) & runs.c.state.in_(STATES)
        query = select(runs.c.state, *counts).where(known).group_by(runs.c.state)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {row[0]: (row[1], int(row[2]) if np.isfinite(row[2]) else 0) for row in rows}

    def set_state(self, run_id: str, state: str, **summary: Any) -> None:
        """Change a run's state; ``summary`` holds how it ended, or the ``error`` it failed with."""
        self._update(run_id, **state_of(run_id, state, summary))

    def reopen(self, run_id: str) -> None:
        """A run that has ended goes on, and nothing that was kept of its end stands.

        Raises:
            StoreError: there is no such run, or it is still going.
        """
        run = self.run(run_id)
        if run.live:
            raise StoreError(f"Run #{run.number} is still going: it can't be taken up.")
        self._update(run_id, outline=None, **state_of(run_id, "running", {}))

    def describe(self, run_id: str, config: WatchedModel) -> None:
        """Enter what has become known of a watched model."""
        with self._engine.begin() as connection:
            row = connection.execute(select(runs).where(runs.c.id == run_id)).one()
            known = {**row._mapping, "config": config.model_dump()}
            values = {"config": known["config"], "seal": fixed_seal(known)}
            connection.execute(update(runs).where(runs.c.id == run_id).values(**values))

    def finish(self, run_id: str, summary: Summary) -> None:
        """Enter how a run ended."""
        ended = asdict(summary)
        self.set_state(run_id, ended.pop("state"), **{k: _json(v) for k, v in ended.items()})

    def beat(self, run_ids: Iterable[str]) -> None:
        """Say that these runs are alive: here at once, elsewhere where the store can be written."""
        known = list(run_ids)
        for run_id in known:
            self._pulse.renew(run_id)
        query = update(runs).where(runs.c.id.in_(known)).values(heartbeat=time.time())
        with self._engine.begin() as connection:
            connection.execute(query)

    def _update(self, run_id: str, **values: Any) -> None:
        query = update(runs).where(runs.c.id == run_id).values(heartbeat=time.time(), **values)
        with self._engine.begin() as connection:
            connection.execute(query)


def _there() -> Any:
    """All runs but those that are deleted."""
    return select(runs).where(runs.c.deleted.is_(None))


def _json(value: Any) -> Any:
    """NaN and infinities have no spelling in JSON: None says that there is no number."""
    return None if isinstance(value, float) and not np.isfinite(value) else value
