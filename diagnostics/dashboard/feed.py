"""One run as the page needs it: thinned evenly to some thousand steps, and its newest step."""

from contextlib import suppress

import numpy as np

from diagnostics.store.records import Command, Event, StepBatch
from diagnostics.store.store import Run, Store
from diagnostics.subject.config import InvalidConfig
from diagnostics.subject.watched import Subject

MOST_ROWS = 4096


class Feed:
    """What was read of a run, and what is new of it."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._cursor = (0, 0)
        self._stride = 1
        self.met = 0
        self.run: Run = store.run(run_id)
        self.kept = StepBatch.empty()
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
        found = self._store.since(self.run.id, self._cursor)
        self.run = self._store.run(self.run.id)
        self._cursor = found.cursor
        self.events.extend(found.events)
        if len(found.batch):
            self._keep(found.batch)
        if not self.run.live:  # a wish that came too late was a wish as well
            self._wishes = self._store.commands(self.run.id)[0]
        return before != (self._cursor, self.run.state)

    def at(self, step: int | None) -> StepBatch:
        """The kept step nearest to one asked for; for None the newest that can be drawn."""
        if step is None and self.run.patient_zero is not None and len(self.sound):
            return self.sound
        if step is None or not len(self.kept) or step >= self.newest.steps[-1]:
            return self.newest
        row = int(np.abs(self.kept.steps - step).argmin())
        return self.kept[row : row + 1]

    def subject(self, step: int | None = None) -> Subject:
        """What was trained at a step, with what was changed until then; for None, at last."""
        made = [e.data for e in self.events if e.kind == "set" and (step is None or e.step <= step)]
        wished = [c.data for c in self._wishes if c.kind == "set"] if step is None else []
        config = self.run.config.lab
        for changes in [*made, *wished] if config else []:
            with suppress(InvalidConfig):
                config = config and config.changed(**changes)
        return config or self.run.config

    def before(self, step: int | None) -> StepBatch:
        """The kept steps before one asked for; all of them for None."""
        return self.kept if step is None else self.kept[: int((self.kept.steps < step).sum())]

    def _keep(self, batch: StepBatch) -> None:
        self.newest = batch[-1:]
        sound = np.isfinite(batch.metric("signal_grad_norm")).all(axis=1)
        if sound.any():
            row = int(np.flatnonzero(sound)[-1])
            self.sound = batch[row : row + 1]
        self.cut = _most_cut(StepBatch.join([self.cut, batch]))
        self.kept = StepBatch.join([self.kept, batch[-self.met % self._stride :: self._stride]])
        self.met += len(batch)
        while len(self.kept) > MOST_ROWS:
            self._stride *= 2
            self.kept = self.kept[::2]


def _most_cut(batch: StepBatch) -> StepBatch:
    """The step of which clipping left least."""
    with np.errstate(all="ignore"):
        left = batch.scalar("clipped_norm") / batch.scalar("grad_norm")
    row = int(np.nan_to_num(left, nan=np.inf).argmin())
    return batch[row : row + 1]
