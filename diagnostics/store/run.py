"""A run as a reader should see it, and whether it is alive."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import PlainValidator, TypeAdapter

from diagnostics.store.records import PatientZero
from diagnostics.store.schema import StoreError
from diagnostics.store.seals import seal
from diagnostics.subject.watched import Subject, subject

State = Literal["queued", "running", "paused", "finished", "stopped", "diverged", "failed", "lost"]

STATES: tuple[State, ...] = get_args(State)

LIVE_STATES = ("queued", "running", "paused")

AS_IT_IS = PlainValidator(lambda subject: subject)
"""It checks itself when it is made."""

LOST_AFTER = 5.0
"""Seconds without a heartbeat after which a live run counts as lost."""


@dataclass(frozen=True)
class Run:
    """A run as a reader should see it.

    ``number`` counts runs in the order of their creation; ``owner`` says whose it is, empty where
    that is not known.
    """

    id: str
    name: str
    config: Annotated[Subject, AS_IT_IS]
    state: State
    created: datetime
    steps: int
    probe: bool
    loss: float | None = None
    accuracy: float | None = None
    patient_zero: PatientZero | None = None
    error: str | None = None
    number: int = 0
    note: str = ""
    owner: str = ""

    @property
    def live(self) -> bool:
        """Whether it may still change."""
        return self.state in LIVE_STATES

    @property
    def watched(self) -> bool:
        """Whether it is of a model that is not the laboratory's own."""
        return self.config.lab is None


class Pulse:
    """Tells by their heartbeats which runs are alive, whatever somebody does to the clock.

    A heartbeat that changes is one, by this process's own count of time. Only of a run that was
    never seen before the clock is asked.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, float]] = {}

    def beats(self, run_id: str, heartbeat: float) -> bool:
        """Whether a run was alive within the last seconds."""
        now, (known, since) = time.monotonic(), self._seen.get(run_id, (None, 0.0))
        if known is None:
            since = now - abs(time.time() - heartbeat)
        elif known != heartbeat:
            since = now
        self._seen[run_id] = heartbeat, since
        return now - since <= LOST_AFTER

    def renew(self, run_id: str) -> None:
        """A run is known to live, though its heartbeat may not reach the store."""
        known, _ = self._seen.get(run_id, (0.0, 0.0))
        self._seen[run_id] = known, time.monotonic()


RUN = TypeAdapter(Run)


FIXED = "id", "config", "probe", "created", "owner", "number"
"""What never changes of a run."""


def fixed_seal(row: Mapping[str, Any]) -> int:
    """Of what never changes of a run."""
    return seal(*(row[key] for key in FIXED))


def _fixed_seals(row: Any) -> tuple[int | None, ...]:
    """What may be there, also where numbers were not sealed yet, as before version 6."""
    return fixed_seal(row._mapping), seal(*(row._mapping[key] for key in FIXED[:-1])), None


def read_run(row: Any, pulse: Pulse) -> Run:
    """A row of the store as a run.

    Raises:
        StoreError: it is not as it was written, or was never written by this program.
    """
    with suppress(ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError):
        if _sound(row):
            return _read(row, pulse)
    raise StoreError(f"Run {row.id!s:.20} can't be read: its entry in the store is damaged.")


def _read(row: Any, pulse: Pulse) -> Run:
    told, summary = dict(row._mapping), dict(row.summary)
    if row.state in LIVE_STATES and not pulse.beats(row.id, row.heartbeat):
        told["state"] = "lost"
    known = {key: told[key] for key in ("id", "name", "state", "probe", "number", "note", "owner")}
    known |= {"config": subject(row.config), "created": datetime.fromtimestamp(row.created, UTC)}
    return RUN.validate_python(
        {**summary, **known, "steps": max(row.steps, summary.get("steps", 0))}
    )


def _sound(row: Any) -> bool:
    """Also where there are no seals yet, as before version 3."""
    expected = (
        (row.words_seal, seal(row.id, row.name, row.note)),
        (row.steps_seal, seal(row.id, row.steps)),
        (row.state_seal, seal(row.id, row.state, row.summary)),
    )
    told = all(kept is None or kept == found for kept, found in expected)
    return told and row.seal in _fixed_seals(row) and isinstance(row.heartbeat, float)
