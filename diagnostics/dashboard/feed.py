"""One run as the page needs it: thinned evenly to some thousand steps, and its newest step."""

import numpy as np

from diagnostics.store.records import Event, StepBatch
from diagnostics.store.store import Run, Store

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
        self.events: list[Event] = []
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
        return before != (self._cursor, self.run.state)

    def at(self, step: int | None) -> StepBatch:
        """The kept step nearest to one asked for; the newest for None."""
        if step is None or not len(self.kept) or step >= self.newest.steps[-1]:
            return self.newest
        row = int(np.abs(self.kept.steps - step).argmin())
        return self.kept[row : row + 1]

    def _keep(self, batch: StepBatch) -> None:
        self.newest = batch[-1:]
        self.kept = StepBatch.join([self.kept, batch[-self.met % self._stride :: self._stride]])
        self.met += len(batch)
        while len(self.kept) > MOST_ROWS:
            self._stride *= 2
            self.kept = self.kept[::2]
