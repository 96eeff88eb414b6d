"""A worker process's job: train one run and keep it in the store."""

import logging

import torch

from diagnostics.engine.lab.profiler import portrait, profile_batch
from diagnostics.engine.lab.trainer import train
from diagnostics.engine.lab.trials import outcome
from diagnostics.engine.sinks import MemorySink, StoreSink
from diagnostics.runs.control import Control
from diagnostics.store.records import Summary
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig

__all__ = ["outcome", "portrait", "profile_batch", "train_stored", "warm_up", "warm_up_to_fork"]

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


def train_stored(url: str, run_id: str) -> None:
    """Train a queued run of a store to its end; what a worker process is given to do."""
    store = Store(url)
    try:
        train_into(store, run_id, Control())
    except Exception as error:
        log.exception("run %s failed", run_id)
        store.set_state(run_id, "failed", error=f"{type(error).__name__}: {error}")
    finally:
        store.close()


def train_into(store: Store, run_id: str, control: Control) -> Summary:
    """Train a run of a store in this process."""
    run = store.run(run_id)
    config = run.config.lab
    assert config is not None, "a model that is not the lab's is trained elsewhere"
    store.set_state(run_id, "running")
    sink = StoreSink(store, run_id, control)
    try:
        summary = train(config, sink, control, probe=run.probe, pictures=run.probe)
    finally:
        sink.close()
    store.finish(run_id, summary)
    return summary
