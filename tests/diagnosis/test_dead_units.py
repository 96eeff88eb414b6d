"""Lives of units, kept and told."""

import numpy as np
import pandas as pd

from diagnostics.diagnosis.dead_units import deaths, strip
from diagnostics.engine.lab.worker import train_into
from diagnostics.runs.control import Control
from diagnostics.store.records import DeadUnits, StepBatch
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig


def _look(step: int, *dead: tuple[int, int]) -> DeadUnits:
    mask = np.zeros((2, 3), dtype=bool)
    for layer, unit in dead:
        mask[layer - 1, unit - 1] = True
    return DeadUnits(step, mask)


LOOKS = [_look(0), _look(10, (1, 2), (2, 3)), _look(20, (2, 3)), _look(30, (1, 2), (2, 3))]


def test_each_death_has_its_steps() -> None:
    found = deaths(LOOKS).values.tolist()
    assert found == [[1, 2, 10, 20], [1, 2, 30, pd.NA], [2, 3, 10, pd.NA]]
    assert deaths([]).empty and deaths([_look(0)]).empty


def test_the_strip_of_a_layer() -> None:
    steps, dead = strip(LOOKS, 1)
    assert steps.tolist() == [0, 10, 20, 30]
    assert dead.tolist() == [[0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]]
    assert strip(LOOKS, 3)[1].size == 0 and strip([], 1)[1].size == 0


def test_masks_come_back_from_the_store(store: Store) -> None:
    run = store.create_run(RunConfig())
    store.append(run, StepBatch.empty(), dead=LOOKS)
    for found, kept in zip(store.dead_units(run), LOOKS, strict=True):
        assert found.step == kept.step and np.array_equal(found.dead, kept.dead)


def test_a_run_tells_the_same_as_its_dead_share(store: Store) -> None:
    config = RunConfig(activation="relu", init="he_normal", depth=3, width=32, steps=100)
    run = store.create_run(config.changed(optimizer="adam", lr=0.05))
    train_into(store, run, Control())
    last = store.dead_units(run)[-1].dead
    share = store.since(run).batch.metric("dead")[-1, :3]
    assert np.allclose(last.mean(axis=1), share) and 0.1 < last.mean() < 0.9
    assert (deaths(store.dead_units(run)).revived.isna()).sum() == last.sum()
