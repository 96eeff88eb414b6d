"""A worker process's job: train one run and keep it in the store."""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from typing import TypeVar

import torch

from diagnostics.engine.lab.checkpoints import SetAside, standing
from diagnostics.engine.lab.profiler import portrait, profile_batch
from diagnostics.engine.lab.trainer import train
from diagnostics.engine.lab.trials import outcome
from diagnostics.engine.sinks import LONGEST_WAIT_SECONDS, MemorySink, StoreSink
from diagnostics.runs import lifetime
from diagnostics.runs.control import Control
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


def train_stored(url: str, run_id: str) -> None:
    """Train a waiting run of a store, or go on with it; what a worker process is given to do."""
    store = _insist(lambda: Store(url))
    try:
        _once(store, run_id)
        train_into(store, run_id, Control())
    except BrokenExecutor:
        raise
    except Exception as error:
        log.exception("run %s failed", run_id)
        told = str(error) if isinstance(error, StoreError) else f"{type(error).__name__}: {error}"
        _insist(lambda: store.set_state(run_id, "failed", error=told))
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
    run, kept = store.run(run_id), store.kept(run_id)
    config = run.config.lab
    assert config is not None, "a model that is not the lab's is trained elsewhere"
    paused, obeyed = standing(kept)
    _insist(lambda: store.set_state(run_id, "paused" if paused else "running"))
    _insist(lambda: store.forget_kept(run_id))  # it stands elsewhere after the next step
    sink = StoreSink(store, run_id, control, after=obeyed)
    try:
        summary = train(config, sink, control, probe=run.probe, pictures=run.probe, kept=kept)
    except SetAside as aside:
        sink.close()
        _put_aside(store, run_id, aside)
        return None
    finally:
        sink.close()
    _insist(lambda: store.finish(run_id, summary))
    return summary


def _put_aside(store: Store, run_id: str, aside: SetAside) -> None:
    _insist(lambda: store.keep(run_id, aside.kept, aside.state))


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
