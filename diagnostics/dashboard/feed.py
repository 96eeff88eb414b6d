"""One run as the page needs it: thinned evenly, and its newest step."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from pydantic import TypeAdapter, ValidationError

from diagnostics.dashboard.pile import Pile
from diagnostics.store.records import Command, Event, PatientZero, StepBatch
from diagnostics.store.store import Run, Store
from diagnostics.subject.config import InvalidConfig, RunConfig
from diagnostics.subject.watched import Subject

PAGE = 64
"""Chunks that are read at once."""

PATIENT = TypeAdapter(PatientZero)


class Feed:
    """What was read of a run, and what is new of it."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._cursor = (0, 0)
        self._pile = Pile()
        self.damaged = 0
        self.run: Run = store.run(run_id)
        self.newest = StepBatch.empty()
        self.sound = StepBatch.empty()
        """The newest step in which every layer had a signal that is a number."""
        self.cut = StepBatch.empty()
        """The step whose gradient was clipped most, however the steps kept are thinned."""
        self.events: list[Event] = []
        self._wishes: list[Command] = []
        self.refresh()

    def refresh(self) -> bool:
        """Read what is new; whether anything was."""
        before = (self._cursor, self.run.state)
        while self._read():
            pass
        self.run = self._store.run(self.run.id)
        if not self.run.live:  # a wish that came too late was a wish as well
            self._wishes = self._store.commands(self.run.id)[0]
        return before != (self._cursor, self.run.state)

    def _read(self) -> bool:
        """Read some of what is new; whether there is more."""
        found = self._store.since(self.run.id, self._cursor, PAGE)
        self._cursor = found.cursor
        self.damaged += found.damaged
        self.events.extend(found.events)
        if len(found.batch) and self._fits(found.batch):
            self._keep(found.batch)
        elif len(found.batch):
            self.damaged += 1
        return found.more

    @property
    def kept(self) -> StepBatch:
        """The run's steps, thinned evenly."""
        return self._pile.steps

    @property
    def met(self) -> int:
        """How many steps it had."""
        return self._pile.met

    def at(self, step: int | None) -> StepBatch:
        """The kept step nearest to one asked for; for None the newest that can be drawn."""
        if step is None and self.patient() is not None and len(self.sound):
            return self.sound
        if step is None or not len(self.kept) or step >= self.newest.steps[-1]:
            return self.newest
        row = int(np.abs(self.kept.steps - step).argmin())
        return self.kept[row : row + 1]

    def subject(self, step: int | None = None) -> Subject:
        """What was trained at a step, with what was changed until then; for None, at last."""
        late = self._wishes if step is None else []
        course = configurations(self.run, [*self._until(step), *late])
        return course[-1] if course else self.run.config

    @property
    def controls(self) -> str:
        """The query of what is trained now; empty for a model that is not the laboratory's."""
        config = self.subject().lab
        return config.query() if config else ""

    def patient(self, step: int | None = None) -> PatientZero | None:
        """Where numbers had left the range of floats by a step, or at last; None where weights were
        replaced since."""
        found = self.run.patient_zero
        for event in self._until(step):
            if event.kind == "diverged":
                found = _patient(event) or found
            elif event.kind == "replaced":
                found = None
        return found if found is None or step is None or found.step <= step else None

    def before(self, step: int | None) -> StepBatch:
        """The kept steps before one asked for, or all: since weights were last replaced."""
        begun = [event.step for event in self._until(step) if event.kind == "replaced"]
        first, last = np.searchsorted(self.kept.steps, (begun[-1] if begun else 0, step or 0))
        return self.kept[first:] if step is None else self.kept[first : max(first, last)]

    def _until(self, step: int | None) -> list[Event]:
        return [event for event in self.events if step is None or event.step <= step]

    def _fits(self, batch: StepBatch) -> bool:
        """Whether so many layers are what the run trains; of a stranger's model nobody knows."""
        config = self.run.config.lab
        return config is None or batch.layers == config.hidden_layers + 1

    def _keep(self, batch: StepBatch) -> None:
        self.newest = batch[-1:]
        self.sound = batch.sound() or self.sound
        self.cut = _most_cut(StepBatch.join([self.cut, batch]))
        self._pile.add(batch)


def configurations(run: Run, told: Sequence[Event | Command]) -> list[RunConfig]:
    """What a run was submitted with, and came to by each change; none for a watched model."""
    found = [run.config.lab] if run.config.lab else []
    for changes in (one.data for one in told if found and one.kind == "set"):
        with suppress(InvalidConfig):
            found.append(found[-1].changed(**changes))
    return found


def _patient(event: Event) -> PatientZero | None:
    """What an event of a store tells; None where it is damaged."""
    with suppress(ValidationError):
        return PATIENT.validate_python(dict(event.data))
    return None


def _most_cut(batch: StepBatch) -> StepBatch:
    """The step of which clipping left least."""
    with np.errstate(all="ignore"):
        left = batch.scalar("clipped_norm") / batch.scalar("grad_norm")
    row = int(np.nan_to_num(left, nan=np.inf).argmin())
    return batch[row : row + 1]
