"""A run that was watched before and goes on, as after a restart from a checkpoint."""

from typing import NamedTuple

from diagnostics.engine.watch.anatomy import Anatomy
from diagnostics.store.records import Step, StepBatch
from diagnostics.store.run import Run
from diagnostics.store.store import Store
from diagnostics.subject.watched import Unwatchable, WatchedModel


class Earlier(NamedTuple):
    """What is known of it.

    Attributes:
        run_id: under which it goes on.
        subject: what was known of the model.
        step: the last one that was kept.
        recent: the last measured steps, which rules look at.
    """

    run_id: str
    subject: WatchedModel
    step: int
    recent: tuple[Step, ...]


def take_up(store: Store, run_id: str, anatomy: Anatomy, most: int) -> Earlier:
    """Open a run again.

    Args:
        most: how many recent steps are wanted.

    Raises:
        StoreError: there is no such run, or it is still going.
        Unwatchable: it is not of this model.
    """
    run = store.run(run_id)
    names = {layer.name for layer in anatomy.layers}
    if not isinstance(run.config, WatchedModel) or not names.issuperset(run.config.names):
        raise Unwatchable(_other(run, names))
    store.reopen(run_id)
    batch = store.since(run_id).batch
    last = int(batch.steps[-1]) if len(batch) else 0
    return Earlier(run_id, run.config, max(last, run.steps), _steps(batch, most))


def _other(run: Run, names: set[str]) -> str:
    strange = [name for name in run.config.names if name not in names] or ["a configuration"]
    other = f"run #{run.number} is of another model, with {strange[0]}"
    return f"resume={run.id} can't be used: {other}."


def _steps(batch: StepBatch, most: int) -> tuple[Step, ...]:
    return tuple(
        Step(
            int(batch.steps[k]),
            batch.values[k],
            batch.scalars[k],
            {name: float(numbers[k]) for name, numbers in batch.own.items()},
        )
        for k in range(max(0, len(batch) - most), len(batch))
    )
