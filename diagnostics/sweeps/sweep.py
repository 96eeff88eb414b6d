"""Many runs, on workers that may die: each is trained once, whatever happens to the sweep."""

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event
from typing import Any, NamedTuple

from diagnostics.runs.crew import Crew
from diagnostics.runs.runner import work
from diagnostics.store.records import Command, StepBatch
from diagnostics.store.store import Run, Store, StoreError
from diagnostics.subject.config import RunConfig
from diagnostics.sweeps.product import Cell, Plan
from diagnostics.sweeps.teams import teams

TRIES = 2
"""Of each cell: its worker may be killed once."""

ENDED = ("finished", "diverged")
"""States of runs that are a cell's result whoever trained them."""

LEFT = ("lost", "stopped")
"""States of runs whose sweep has died."""

KILLED = "Its worker was killed, {} times."


WAKE_SECONDS = 0.2
"""After which it is asked whether the sweep is to end."""

MEASURED_AT_ONCE = 8
"""Cells at initialization that a worker is given together: some tenths of a second."""


@dataclass(frozen=True)
class Result:
    """A cell and what answers it: a run, or a measurement at initialization.

    Neither where it could not be had, as ``error`` says.
    """

    cell: Cell
    run: Run | None = None
    error: str = ""
    start: StepBatch | None = None


@contextmanager
def swept(
    store: Store, crew: Crew, plan: Plan, owner: str = "", ending: Event | None = None
) -> Iterator[Generator[Result, None, None]]:
    """The results of a plan, by processes that are there as long."""
    executor = crew.executor()
    results = Sweep(store, executor, crew.slots, owner, ending).results(plan)
    try:
        yield results
    finally:
        results.close()
        executor.shutdown()


class Job(NamedTuple):
    """What a worker is given to do: to train cells' runs, one for each, or to measure cells."""

    cells: Sequence[Cell]
    runs: Sequence[str] = ()
    tries: int = 1


class Sweep:
    """The cells of a sweep, trained into a store.

    Args:
        store: where the runs are kept, and looked for: what was trained before is not repeated.
        executor: of workers, in processes or on a cluster.
        slots: jobs that are done at the same time.
        owner: whose the runs are.
        ending: when it is set, nothing more is waited for.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        slots: int,
        owner: str = "",
        ending: Event | None = None,
    ) -> None:
        self._store, self._executor, self._slots, self._owner = store, executor, slots, owner
        self._ending = ending or Event()
        self._going: dict[Future[Any], Job] = {}

    def results(self, plan: Plan) -> Generator[Result, None, None]:
        """Each cell's result, as soon as it is there.

        Whoever leaves off ends the runs that go on; what is finished is kept for the next time.
        """
        whole = [cell for cell in plan.cells if cell.config]
        yield from (Result(cell, error=cell.error) for cell in plan.cells if not cell.config)
        if plan.trained:
            wanted = {cell.config for cell in whole if cell.config}
            found = answers(self._store, wanted)
            left = left_off(self._store, wanted - found.keys())
            yield from (Result(c, found[c.config]) for c in whole if c.config in found)
            rest = [cell for cell in whole if cell.config not in found]
            jobs = [Job((c,), (left[c.config],)) for c in rest if c.config in left]
            jobs += self._teams([cell for cell in rest if cell.config not in left])
        else:
            parts = range(0, len(whole), MEASURED_AT_ONCE)
            jobs = [Job(whole[i : i + MEASURED_AT_ONCE]) for i in parts]
        try:
            yield from self._done(jobs, self._train if plan.trained else self._measure)
        finally:
            self._leave()

    def _done(self, jobs: Iterable[Job], begin: Callable[[Job], None]) -> Iterator[Result]:
        ahead = iter(jobs)
        while not self._ending.is_set():
            while len(self._going) < self._slots and (job := next(ahead, None)) is not None:
                begin(job)
            if not self._going:
                return
            for future in wait(self._going, WAKE_SECONDS, FIRST_COMPLETED).done:
                yield from self._ended(future, begin)

    def _teams(self, cells: Sequence[Cell]) -> list[Job]:
        parts = teams([cell.config for cell in cells if cell.config], self._slots)
        return [Job([cells[place] for place in part]) for part in parts]

    def _train(self, job: Job) -> None:
        for run in job.runs:
            self._store.send(run, Command("resume"))
        runs = job.runs or [self._created(cell) for cell in job.cells]
        future = self._executor.submit(work, "train_stored", self._store.url, *runs)
        self._going[future] = job._replace(runs=runs)

    def _created(self, cell: Cell) -> str:
        assert cell.config is not None
        run = self._store.create_run(cell.config, owner=self._owner)
        self._store.send(run, Command("cell"))
        return run

    def _measure(self, job: Job) -> None:
        configs = [cell.config for cell in job.cells]
        self._going[self._executor.submit(work, "profiles", configs)] = job

    def _ended(self, future: Future[Any], begin: Callable[[Job], None]) -> Iterator[Result]:
        job, trouble = self._going.pop(future), future.exception()
        if trouble is None:
            yield from self._found(job, future.result())
            return
        killed = isinstance(trouble, BrokenExecutor)
        told = KILLED.format(job.tries) if killed else f"{type(trouble).__name__}: {trouble}"
        if not job.runs:
            yield from self._again(job, told, killed, begin)
            return
        for cell, run in zip(job.cells, job.runs, strict=True):
            if self._store.run(run).state in ENDED:  # before the others of its team
                yield self._trained(cell, run)
                continue
            self._store.set_state(run, "failed", error=told)
            alone = Job((cell,), (run,), job.tries)
            yield from self._again(alone, told, killed or len(job.cells) > 1, begin)

    def _again(
        self, job: Job, told: str, may: bool, begin: Callable[[Job], None]
    ) -> Iterator[Result]:
        """Try once more; where that may not be, what there is to tell."""
        if may and job.tries < TRIES:
            begin(job._replace(runs=(), tries=job.tries + 1))
            return
        run = self._store.run(job.runs[0]) if job.runs else None
        yield from (Result(cell, run, told) for cell in job.cells)

    def _found(self, job: Job, measured: Sequence[StepBatch | str] | None) -> Iterator[Result]:
        if measured is None:
            yield from map(self._trained, job.cells, job.runs)
            return
        for cell, one in zip(job.cells, measured, strict=True):
            yield Result(cell, error=one) if isinstance(one, str) else Result(cell, start=one)

    def _trained(self, cell: Cell, run_id: str) -> Result:
        run = self._store.run(run_id)
        return Result(cell, run, run.error or "")

    def _leave(self) -> None:
        """End what goes on; it is not waited for longer than for its current step."""
        begun = [future for future in self._going if not future.cancel()]
        for future, job in self._going.items():
            for run in job.runs:
                if future in begun:
                    self._store.send(run, Command("stop"))
                else:
                    self._store.set_state(run, "stopped")
        wait(begun, timeout=10)
        self._going = {}


def answers(store: Store, wanted: Collection[RunConfig]) -> dict[RunConfig, Run]:
    """Runs that have ended by themselves, the newest of each configuration."""
    found: dict[RunConfig, Run] = {}
    for config, run in _of(store, wanted, ENDED):
        found.setdefault(config, run)
    return {config: run for config, run in found.items() if "set" not in _told(store, run)}


def left_off(store: Store, wanted: Collection[RunConfig]) -> dict[RunConfig, str]:
    """Runs of sweeps that died with their server, and can go on, by their configurations."""
    found: dict[RunConfig, str] = {}
    for config, run in _of(store, wanted, LEFT) if wanted else ():
        if config not in found and _can_go_on(store, run):
            found[config] = run.id
    return found


def _of(
    store: Store, wanted: Collection[RunConfig], states: Collection[str]
) -> Iterator[tuple[RunConfig, Run]]:
    """Runs of some configurations that stand so, the newest first."""
    before: int | None = None
    while runs := store.runs(before=before):
        before = runs[-1].number
        for run in runs:
            config = run.config.lab
            if config and config in wanted and run.state in states and run.probe:
                yield config, run


def _told(store: Store, run: Run) -> set[str]:
    """What was sent to it: one that somebody changed while it trained is no answer."""
    commands, _ = store.commands(run.id)
    return {one.kind for one in commands}


def _can_go_on(store: Store, run: Run) -> bool:
    told = _told(store, run)
    with suppress(StoreError):  # what was kept is damaged
        return "cell" in told and "set" not in told and store.kept(run.id) is not None
    return False
