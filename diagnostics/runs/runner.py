"""Submits runs to an executor, passes commands on, and sees when a worker dies."""

import threading
from concurrent.futures import BrokenExecutor, Executor, Future, wait
from importlib import import_module
from typing import Any

from diagnostics.diagnosis.remedies import Outcome
from diagnostics.runs.workers import PRELOADED
from diagnostics.store.pictures import Ground, Picture
from diagnostics.store.records import Command, StepBatch
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig

BEAT_SECONDS = 1.0

LAST_WORDS_SECONDS = 1.0
"""For runs to keep what they have when the server ends."""


def work(job: str, *args: Any) -> Any:
    """Call a job by name, imported where it runs: this process never imports torch."""
    return getattr(import_module(PRELOADED), job)(*args)


class Runner:
    """Runs of one store on any ``concurrent.futures.Executor``.

    Args:
        assistant: for profiles and trials that somebody waits for; by default the same.
    """

    def __init__(self, store: Store, executor: Executor, assistant: Executor | None = None) -> None:
        self._store, self._executor = store, executor
        self._assistant = assistant or executor
        self._futures: dict[str, Future[None]] = {}
        self._closed = threading.Event()
        threading.Thread(target=self._beat, name="runner", daemon=True).start()

    def submit(
        self, config: RunConfig, *commands: Command, name: str = "", probe: bool = True
    ) -> str:
        """Queue a run; its id. ``commands`` are obeyed before its first step."""
        run_id = self._store.create_run(config, name=name, probe=probe)
        for command in commands:
            self._store.send(run_id, command)
        future = self._executor.submit(work, "train_stored", self._store.url, run_id)
        self._futures[run_id] = future
        future.add_done_callback(lambda ended: self._settle(run_id, ended))
        return run_id

    def send(self, run_id: str, command: Command) -> None:
        """Pass a command on; a queued run that is told to stop never starts."""
        future = self._futures.get(run_id)
        if command.kind == "stop" and future is not None and future.cancel():
            return
        self._store.send(run_id, command)

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
        """End all runs, with what they have measured kept, and their processes."""
        self._closed.set()
        going = dict(self._futures)
        for run_id in going:
            self.send(run_id, Command("stop"))
        wait(going.values(), LAST_WORDS_SECONDS)
        for executor in {self._executor, self._assistant}:
            executor.shutdown(wait=False, cancel_futures=True)

    def _settle(self, run_id: str, future: "Future[None]") -> None:
        self._futures.pop(run_id, None)
        if future.cancelled() or self._closed.is_set():
            self._store.set_state(run_id, "stopped")
        elif isinstance(error := future.exception(), BrokenExecutor):
            self._store.set_state(run_id, "lost")
        elif error is not None:
            self._store.set_state(run_id, "failed", error=str(error))

    def _beat(self) -> None:
        """Runs that wait, or whose worker is still starting, have nobody else to do it.

        A worker that dies ends its future, so no beat here hides a death.
        """
        while not self._closed.wait(BEAT_SECONDS):
            if unsettled := list(self._futures):
                self._store.beat(unsettled)
