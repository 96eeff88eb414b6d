"""A worker process's job: train runs and keep them in the store."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

from diagnostics.engine.lab.checkpoints import SetAside, standing
from diagnostics.engine.lab.isolation import isolated
from diagnostics.engine.lab.profiler import portrait, profile_batch
from diagnostics.engine.lab.team import Team
from diagnostics.engine.lab.trainer import Training, train
from diagnostics.engine.lab.trials import outcome
from diagnostics.engine.sinks import FLUSH_SECONDS, LONGEST_WAIT_SECONDS, MemorySink, StoreSink
from diagnostics.runs import lifetime
from diagnostics.runs.control import Control
from diagnostics.store.packing import Checkpoint
from diagnostics.store.records import StepBatch, Summary
from diagnostics.store.store import Store, StoreError
from diagnostics.subject.config import RunConfig

__all__ = [
    "outcome",
    "portrait",
    "profile_batch",
    "profiles",
    "train_stored",
    "warm_up",
    "warm_up_to_fork",
]

RETRY_SECONDS = 0.5

OVER = ("finished", "diverged", "failed")
"""States of a team's runs that had ended when their worker was killed, if this is another."""

T = TypeVar("T")

log = logging.getLogger(__name__)


def warm_up() -> None:
    """Train a tiny network: the first steps of a process pay for what torch loads late."""
    train(RunConfig(depth=2, width=4, steps=2), MemorySink(), Control(), pictures=True)
    profile_batch(RunConfig(depth=2, width=4))
    portrait(RunConfig(depth=2, width=4))


def warm_up_to_fork() -> None:
    """The same in a process that will be forked.

    Beside a device that is not the processor, torch's backward pass starts threads, and what is
    forked after that can't make one.
    """
    if torch.accelerator.current_accelerator() is None:
        warm_up()


def profiles(configs: Sequence[RunConfig]) -> list[StepBatch | str]:
    """Networks measured at initialization; in the place of one that can't be, why."""
    return [_profile(config) for config in configs]


def _profile(config: RunConfig) -> StepBatch | str:
    try:
        return profile_batch(config)
    except Exception as error:
        log.exception("a network can't be measured: %s", config)
        return f"{type(error).__name__}: {error}"


def train_stored(url: str, *run_ids: str) -> None:
    """Train waiting runs of a store, or go on with one; what a worker process is given to do.

    Several are trained side by side.
    """
    store = _insist(lambda: Store(url))
    try:
        if len(run_ids) == 1:
            with _failing(store, run_ids[0]):
                _once(store, run_ids[0])
                train_into(store, run_ids[0], Control())
        else:
            train_together(store, run_ids)
    finally:
        store.close()


def _once(store: Store, run_id: str) -> None:
    """A cluster gives a job to another worker when the one that had it was killed.

    Raises:
        BrokenExecutor: this is such a job, and of what it did there is no checkpoint to go on from.
    """
    run = store.run(run_id)
    if run.steps and run.live and store.kept(run_id) is None:
        raise BrokenExecutor(f"its worker was killed after step {run.steps}")


def train_into(store: Store, run_id: str, control: Control) -> Summary | None:
    """Train a run of a store in this process; None where it was put aside."""
    going = _Going(store, run_id, control)
    try:
        outcome = going.to_the_end(going.kept)
        going.leave(outcome)
    finally:
        going.sink.close()
    return outcome if isinstance(outcome, Summary) else None


def train_together(store: Store, run_ids: Sequence[str]) -> None:
    """Train waiting runs of a store side by side; one that leaves the others goes on after them."""
    for run_id in run_ids:
        _once(store, run_id)
    going: dict[str, _Going] = {}
    members: dict[str, Training] = {}
    rest: dict[str, Checkpoint] = {}
    try:
        for run_id in (run_id for run_id in run_ids if store.run(run_id).state not in OVER):
            with _failing(store, run_id):
                going[run_id] = one = _Going(store, run_id, Control(), beside=len(run_ids))
                members[run_id] = one.member()
        for run_id, outcome in Team(members).run():
            if isinstance(outcome, Checkpoint):
                rest[run_id] = outcome
            else:
                with _failing(store, run_id):
                    going[run_id].leave(outcome)
        for run_id, kept in rest.items():
            with _failing(store, run_id):
                going[run_id].leave(going[run_id].to_the_end(kept))
    finally:
        for one in going.values():
            one.sink.close()


class _Going:
    """A run of a store that this process trains.

    Args:
        beside: how many are trained at the same time.

    Attributes:
        kept: what it goes on from, if it was put aside.
        sink: to be closed.
    """

    def __init__(self, store: Store, run_id: str, control: Control, beside: int = 1) -> None:
        run, kept = store.run(run_id), store.kept(run_id)
        assert run.config.lab is not None, "a model that is not the lab's is trained elsewhere"
        paused, obeyed = standing(kept)
        _insist(lambda: store.set_state(run_id, "paused" if paused else "running"))
        _insist(lambda: store.forget_kept(run_id))  # it stands elsewhere after the next step
        self._store, self._id, self._control, self.kept = store, run_id, control, kept
        self._config, self._probe = run.config.lab, run.probe
        self._beside, every = beside, FLUSH_SECONDS * beside
        self.sink = StoreSink(store, run_id, control, every=every, after=obeyed)

    def member(self) -> Training:
        """To be trained beside others."""
        with isolated(self._config.seed):
            training = Training(self._config, self.sink, self._control, self._probe)
            if self._probe:
                training.pictured(beside=self._beside)
        return training

    def to_the_end(self, kept: Checkpoint | None) -> Summary | SetAside:
        """Train alone, from what was kept if anything."""
        try:
            return train(
                self._config,
                self.sink,
                self._control,
                probe=self._probe,
                pictures=self._probe,
                kept=kept,
            )
        except SetAside as aside:
            return aside

    def leave(self, outcome: Summary | Exception) -> None:
        """It has ended, or was put aside; raises what went wrong with it."""
        self.sink.close()
        if isinstance(outcome, Summary):
            _insist(lambda: self._store.finish(self._id, outcome))
        elif isinstance(outcome, SetAside):
            _insist(lambda: self._store.keep(self._id, outcome.kept, outcome.state))
        else:
            raise outcome


@contextmanager
def _failing(store: Store, run_id: str) -> Iterator[None]:
    """What goes wrong inside is what the run came to."""
    try:
        yield
    except BrokenExecutor:
        raise
    except Exception as error:
        log.exception("run %s failed", run_id)
        told = str(error) if isinstance(error, StoreError) else f"{type(error).__name__}: {error}"
        _insist(lambda: store.set_state(run_id, "failed", error=told))


def _insist(act: Callable[[], T]) -> T:
    """Do what can't be left undone, once the store lets it: nothing that was measured is lost."""
    until = time.monotonic() + LONGEST_WAIT_SECONDS
    while True:
        try:
            return act()
        except StoreError as trouble:
            log.warning("The store is waited for: %s", trouble)
            if lifetime.ending.wait(RETRY_SECONDS) or time.monotonic() > until:
                raise
