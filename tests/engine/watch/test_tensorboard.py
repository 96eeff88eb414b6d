"""Event files, read back by TensorBoard itself."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from diagnostics import Store, watch
from diagnostics.engine.watch.tensorboard import Board
from diagnostics.store.records import METRICS, SCALARS, Step
from diagnostics.subject.watched import Unwatchable
from tests.conftest import needs

reader = needs("tensorboard.backend.event_processing.event_accumulator")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:tensorboard")


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    events = reader.EventAccumulator(str(folder))
    events.Reload()
    tags = events.Tags()["scalars"]
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in tags}


def test_a_watched_run_reads_the_same_in_both_places(store: Store, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x = torch.randn(16, 4)
    with watch(model, optimizer, store=store, every=1, tensorboard=str(tmp_path / "board")) as w:
        run = w.run_id
        for _ in range(5):
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            optimizer.step()
            w.step(loss=loss)
    found, batch = read(tmp_path / "board"), store.since(run).batch
    assert [step for step, _ in found["loss"]] == batch.steps.tolist() == [1, 2, 3, 4, 5]
    assert [value for _, value in found["loss"]] == pytest.approx(batch.scalar("loss"), rel=1e-6)
    for place, name in enumerate(("0", "2")):
        for key in ("signal_grad_norm", "weight_grad_norm", "update_ratio"):
            written = [value for _, value in found[f"{key}/{name}"]]
            assert written == pytest.approx(batch.metric(key)[:, place], rel=1e-6)


def test_what_was_not_measured_is_left_out(tmp_path: Path) -> None:
    board = Board(str(tmp_path))
    values = np.full((1, len(METRICS)), np.nan, np.float32)
    values[0, 0] = np.inf
    board.write(["a.b"], Step(7, values, np.full(len(SCALARS), np.nan), {"reward": 2.0}))
    board.close()
    assert read(tmp_path) == {"signal_grad_norm/a.b": [(7, np.inf)], "reward": [(7, 2.0)]}


def test_without_the_package_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(Unwatchable, match="install the package tensorboard"):
        Board(str(tmp_path))
