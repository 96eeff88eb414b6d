"""Each loop of the table against plain autograd, and watched against not, to the last bit."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from diagnostics import watch
from diagnostics.store.records import METRICS
from diagnostics.store.store import Store
from tests.engine.watch.loops.table import LOOPS, Loop, unwatched
from tests.engine.watch.loops.trial import Trial


def watched(store: Store, loop: Loop, every: int | None) -> Trial:
    @contextmanager
    def watching(model: nn.Module, optimizer: Any) -> Iterator[Trial]:
        with watch(model, optimizer, store=store, every=every) as w:
            yield Trial(w)

    return loop(watching)


@pytest.mark.parametrize("every", [1, None])
@pytest.mark.parametrize("name", LOOPS)
def test_numbers_are_autograds_and_nothing_changes(
    store: Store, name: str, every: int | None
) -> None:
    plain, seen = LOOPS[name](unwatched), watched(store, LOOPS[name], every)
    assert len(plain.outputs) == len(seen.outputs)
    assert all(map(torch.equal, plain.outputs, seen.outputs))
    found = store.since(seen.watched.run_id).batch
    assert len(found) and store.run(seen.watched.run_id).state == "finished"
    apart = max(1, len(plain.outputs) // 4) if name == "micro-batches" else 1
    for key, right in plain.expected.items():
        numbers = found.metric(key) if key in METRICS else found.scalar(key)
        steps = [(step + apart - 1) // apart - 1 for step in found.steps.tolist()]
        assert numbers[: len(steps)] == pytest.approx(
            np.array([right[step] for step in steps]), rel=2e-5, nan_ok=True
        ), key


def test_a_run_is_named_by_its_own_illness(store: Store) -> None:
    """However layers are run, they stand in the order of the data's way."""
    verdicts = set()
    for name in ("sigmoids", "sigmoids, checkpointed", "sigmoids, reentrant"):
        w = watched(store, LOOPS[name], 1).watched
        assert w.subject.ways == (tuple(range(9)),)
        verdicts.add(w.diagnoses()[0].sentence)
    assert len(verdicts) == 1
