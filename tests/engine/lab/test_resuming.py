"""A run that is put aside and taken up again is the same run, to the last bit."""

import dataclasses
import itertools

import numpy as np
import pytest

from diagnostics.engine.lab.checkpoints import SetAside, packed, unpacked
from diagnostics.engine.lab.trainer import train
from diagnostics.engine.lab.worker import train_into
from diagnostics.engine.sinks import MemorySink
from diagnostics.runs.control import Control
from diagnostics.store.packing import Checkpoint, pack_checkpoint, unpack_checkpoint
from diagnostics.store.records import SCALAR_INDEX, Command, StepBatch
from diagnostics.store.store import Store
from diagnostics.subject.choices import ARCHITECTURES, CLIPS, DATASETS, NORMS, OPTIMIZERS
from diagnostics.subject.config import RunConfig

STEPS = 43
BASE = RunConfig(activation="relu", init="he_normal", depth=3, width=8, steps=STEPS, batch_size=32)
TIMES = [SCALAR_INDEX[key] for key in ("step_time", "probe_time")]

CHANGES = [
    *({"optimizer": key, "lr": one.usual_lr} for key, one in OPTIMIZERS.items()),
    *({"norm": key} for key in NORMS),
    *({"clip": key, "clip_threshold": 0.1} for key in CLIPS),
    *({"architecture": key, "chunk": 16} for key in ARCHITECTURES),
    *({"dataset": key} for key in DATASETS),
    {"dropout": 0.3},
    {"dropout": 0.3, "norm": "batch", "optimizer": "adamw", "weight_decay": 0.1},
    {"residual": True, "accumulate": 3, "max_norm": 1.0},
    {"activation": "prelu", "optimizer": "adam"},
    {"early_stopping": 20, "lr": 0.5},
    {"batch_size": 2048},
    {"init": "lsuv"},
]


class Stopping(Control):
    """Asks a run to give way whenever it has come to certain steps."""

    def __init__(self, sink: MemorySink, *at: int) -> None:
        super().__init__()
        self._sink, self._at = sink, list(at)

    def take(self, timeout: float = 0.0) -> Command | None:
        if self._at and self._at[0] <= (self._sink.steps[-1] if self._sink.steps else 0):
            del self._at[0]
            return Command("aside", {"state": "queued"})
        return super().take(timeout)


def _through_the_store(kept: Checkpoint) -> Checkpoint:
    class Row:
        def __init__(self, row: dict[str, object]) -> None:
            vars(self).update(row)

    return unpack_checkpoint([Row(row) for row in pack_checkpoint(kept)])


def _interrupted(config: RunConfig, *at: int, pictures: bool = False) -> tuple[MemorySink, object]:
    sink, kept = MemorySink(), None
    for stop in itertools.count():
        control = Stopping(sink, *at[stop : stop + 1])
        try:
            summary = train(config, sink, control, kept=kept, pictures=pictures)
        except SetAside as aside:
            kept = _through_the_store(aside.kept)
        else:
            return sink, dataclasses.replace(summary)
    raise AssertionError


def _without_times(batch: StepBatch) -> np.ndarray:
    return np.delete(batch.scalars, TIMES, axis=1)


@pytest.mark.parametrize(
    "changes", CHANGES, ids=lambda changes: " ".join(map(str, changes.values()))
)
def test_what_is_put_aside_goes_on_to_the_last_bit(changes: dict[str, object]) -> None:
    config = BASE.changed(**changes)
    whole = MemorySink()
    summary = train(config, whole, Control())
    parts, ended = _interrupted(config, 0, 1, 17, 20, 21, 42)
    assert ended == summary
    assert parts.steps == whole.steps
    assert np.array_equal(
        _without_times(parts.batch()), _without_times(whole.batch()), equal_nan=True
    )
    assert np.array_equal(parts.batch().values, whole.batch().values, equal_nan=True)
    assert [(step, mask.tolist()) for step, mask in parts.dead] == [
        (step, mask.tolist()) for step, mask in whole.dead
    ]


def test_pictures_go_on_with_the_ground_that_there_is() -> None:
    whole = MemorySink()
    train(BASE, whole, Control(), pictures=True)
    parts, _ = _interrupted(BASE, 10, 20, pictures=True)
    kinds = [type(shot).__name__ for shot in parts.pictures]
    assert kinds.count("Ground") == 1
    assert np.array_equal(parts.batch().values, whole.batch().values, equal_nan=True)


@pytest.mark.parametrize(
    "tree",
    [
        {"a": np.zeros((0, 0), bool), "b": [1, 2.5, None, float("inf")], 3: {"x": np.float32(1)}},
        {"scalar": np.array(3.0), "none": None, "deep": [[{"k": np.arange(3)}]]},
    ],
)
def test_trees_come_back(tree: dict[object, object]) -> None:
    kept = packed({k: v for k, v in tree.items() if not isinstance(v, dict)})
    again = unpacked(_through_the_store(kept))
    for key, value in again.items():
        if isinstance(tree[key], np.ndarray):
            assert value.numpy().dtype == tree[key].dtype  # type: ignore[union-attr]
            assert np.array_equal(value.numpy(), tree[key])  # type: ignore[arg-type]


def test_a_run_of_the_store_goes_on_with_commands_obeyed_once(store: Store) -> None:
    config = BASE.changed(steps=30)
    run, control = store.create_run(config), Control()
    for command in (Command("step"), Command("set", {"lr": 0.2}), Command("step")):
        store.send(run, command)
    store.send(run, Command("aside", {"state": "queued"}))
    assert train_into(store, run, control) is None
    assert store.run(run).state == "paused" and store.kept(run) is not None
    store.send(run, Command("resume"))
    summary = train_into(store, run, control)
    assert summary is not None and store.run(run).state == "finished"
    assert store.since(run).batch.steps.tolist() == list(range(1, 31))
    assert [event.kind for event in store.since(run).events] == ["paused", "set", "resumed"]
    assert store.kept(run) is None
