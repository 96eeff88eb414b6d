"""Submits runs to an executor, passes commands on, and asks what somebody waits for."""

from concurrent.futures import Executor, Future
from importlib import import_module
from typing import Any

from diagnostics.diagnosis.remedies import Outcome
from diagnostics.runs.cluster import Cluster
from diagnostics.runs.keeper import Keeper, Standing
from diagnostics.runs.limits import Limits
from diagnostics.runs.workers import PRELOADED, Workers
from diagnostics.store.pictures import Ground, Picture
from diagnostics.store.records import Command, StepBatch
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig


def work(job: str, *args: Any) -> Any:
    """Call a job by name, imported where it runs: this process never imports torch."""
    return getattr(import_module(PRELOADED), job)(*args)


class Runner:
    """Runs of one store on any ``concurrent.futures.Executor``.

    Args:
        assistant: for profiles and trials that somebody waits for; by default the same.
        slots: runs that train at the same time.
        limits: what may be asked.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        assistant: Executor | None = None,
        slots: int = 1,
        limits: Limits | None = None,
    ) -> None:
        self._store, self._executor = store, executor
        self._assistant = assistant or executor
        self._keeper = Keeper(store, self._train, slots, limits or Limits())

    def submit(
        self,
        config: RunConfig,
        *commands: Command,
        name: str = "",
        probe: bool = True,
        owner: str = "",
    ) -> str:
        """Queue a run; its id. ``commands`` are obeyed before its first step.

        Raises:
            Refused: it is more than this server allows.
        """
        limits = self._keeper.limits
        size = self._store.size() if limits.megabytes else 0
        limits.check(config, self._keeper.owned(owner), size)
        run_id = self._store.create_run(config, name=name, probe=probe, owner=owner)
        for command in commands:
            self._store.send(run_id, command)
        self._keeper.enter(run_id, owner)
        return run_id

    def send(self, run_id: str, command: Command) -> None:
        """Pass a command on; a run that has no worker is stopped and paused without one."""
        if not self._keeper.told(run_id, command):
            self._store.send(run_id, command)

    def take_over(self) -> None:
        """Find what a server before has left: paused, or lost where it can't go on."""
        self._keeper.adopts = True

    def look(self, run_id: str) -> None:
        """Somebody looks at a run: it is not abandoned."""
        self._keeper.look(run_id)

    def said(self, run_id: str) -> str:
        """What is to be said of a run beside its numbers: its place in the queue; maybe nothing."""
        return self._keeper.said(run_id)

    def standing(self) -> Standing:
        """How many runs wait, train and are put aside, of how many that can train at once."""
        return self._keeper.standing()

    def alive(self) -> int:
        """Worker processes that live."""
        return sum(one.alive for one in self._workers())

    def ill(self) -> str:
        """Why nobody trains or looks after runs; empty where all is well."""
        if any(one.broken for one in self._workers()):
            return "No worker can be started: the server's log says why."
        return self._keeper.ill()

    def _workers(self) -> list[Workers | Cluster]:
        both = {self._executor, self._assistant}
        return [one for one in both if isinstance(one, Workers | Cluster)]

    def profile(self, config: RunConfig) -> "Future[StepBatch]":
        """Measure a network at initialization, as step 0."""
        return self._assistant.submit(work, "profile_batch", config)

    def portrait(self, config: RunConfig) -> "Future[tuple[Ground | None, Picture]]":
        """Take a picture of a network at initialization."""
        return self._assistant.submit(work, "portrait", config)

    def outcome(self, rule: str, config: RunConfig) -> "Future[Outcome | None]":
        """Go on trying a configuration against an illness; None says: ask again."""
        return self._assistant.submit(work, "outcome", rule, config)

    def close(self) -> None:
        """Put all runs aside, so that they can go on another time, and end their processes."""
        self._keeper.put_all_aside()
        for executor in {self._executor, self._assistant}:
            executor.shutdown(wait=False, cancel_futures=True)

    def _train(self, run_id: str) -> "Future[Any]":
        return self._executor.submit(work, "train_stored", self._store.url, run_id)
