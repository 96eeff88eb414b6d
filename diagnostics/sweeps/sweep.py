"""Many runs, on workers that may die: each is trained once, whatever happens to the sweep."""

from collections.abc import Collection, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass

from diagnostics.runs.runner import work
from diagnostics.runs.workers import NICENESS, Workers
from diagnostics.store.records import Command
from diagnostics.store.store import Run, Store
from diagnostics.subject.config import RunConfig
from diagnostics.sweeps.product import Cell

TRIES = 2
"""Of each cell: its worker may be killed once."""

ENDED = ("finished", "diverged")
"""States of runs that are a cell's result whoever trained them."""

KILLED = "Its worker was killed, {} times."


@dataclass(frozen=True)
class Result:
    """A cell and the run that answers it; none where it could not be trained, as ``error`` says."""

    cell: Cell
    run: Run | None
    error: str = ""


@contextmanager
def trained(store: Store, cells: Iterable[Cell], workers: int) -> Iterator[Iterator[Result]]:
    """The results of cells, by as many processes."""
    executor = Workers(workers, NICENESS)
    results = Sweep(store, executor, workers).results(cells)
    try:
        yield results
    finally:
        results.close()
        executor.shutdown()


class Sweep:
    """The cells of a sweep, trained into a store.

    Args:
        store: where the runs are kept, and looked for: what was trained before is not repeated.
        executor: of workers, in processes or on a cluster.
        slots: cells that are trained at the same time.
    """

    def __init__(self, store: Store, executor: Executor, slots: int) -> None:
        self._store, self._executor, self._slots = store, executor, slots
        self._going: dict[Future[None], tuple[Cell, str, int]] = {}

    def results(self, cells: Iterable[Cell]) -> Generator[Result, None, None]:
        """Each cell's result, as soon as it is there.

        Whoever leaves off ends the runs that go on; what is finished is kept for the next time.
        """
        asked = list(cells)
        known, waiting = self._known({cell.config for cell in asked if cell.config}), []
        for cell in asked:
            if cell.config is None:
                yield Result(cell, None, cell.error)
            elif run := known.get(cell.config):
                yield Result(cell, run)
            else:
                waiting.append(cell)
        try:
            yield from self._trained(waiting)
        finally:
            self._leave()

    def _known(self, wanted: Collection[RunConfig]) -> dict[RunConfig, Run]:
        """Runs that have ended by themselves, the newest of each configuration."""
        found: dict[RunConfig, Run] = {}
        before: int | None = None
        while runs := self._store.runs(before=before):
            before = runs[-1].number
            for run in runs:
                config = run.config.lab
                if config and config in wanted and run.state in ENDED and run.probe:
                    found.setdefault(config, run)
        return {config: run for config, run in found.items() if not self._changed(run)}

    def _changed(self, run: Run) -> bool:
        """Whether somebody changed it while it trained: it is no answer then."""
        commands, _ = self._store.commands(run.id)
        return any(one.kind == "set" for one in commands)

    def _trained(self, cells: list[Cell]) -> Iterator[Result]:
        ahead = iter(cells)
        while True:
            while len(self._going) < self._slots and (cell := next(ahead, None)) is not None:
                self._begin(cell, 1)
            if not self._going:
                return
            for future in wait(self._going, return_when=FIRST_COMPLETED).done:
                yield from self._ended(future)

    def _begin(self, cell: Cell, tries: int) -> None:
        assert cell.config is not None
        run_id = self._store.create_run(cell.config)
        future = self._executor.submit(work, "train_stored", self._store.url, run_id)
        self._going[future] = cell, run_id, tries

    def _ended(self, future: Future[None]) -> Iterator[Result]:
        cell, run_id, tries = self._going.pop(future)
        trouble = future.exception()
        if trouble is None:
            run = self._store.run(run_id)
            yield Result(cell, run, run.error or "")
            return
        killed = isinstance(trouble, BrokenExecutor)
        told = KILLED.format(tries) if killed else f"{type(trouble).__name__}: {trouble}"
        self._store.set_state(run_id, "failed", error=told)
        if killed and tries < TRIES:
            self._begin(cell, tries + 1)
        else:
            yield Result(cell, self._store.run(run_id), told)

    def _leave(self) -> None:
        """End what goes on; it is not waited for longer than for its current step."""
        for future, (_, run_id, _) in self._going.items():
            if future.cancel():
                self._store.set_state(run_id, "stopped")
            else:
                self._store.send(run_id, Command("stop"))
        wait(self._going, timeout=10)
        self._going = {}
