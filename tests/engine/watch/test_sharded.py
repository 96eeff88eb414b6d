"""Two processes and one model: numbers are those of the whole, and little is sent for them."""

import gc
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import pytest
import torch
from torch import Tensor, distributed, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import Partial, Replicate, Shard

from diagnostics import Unwatchable, watch
from diagnostics.engine.watch import meeting, together
from diagnostics.store.records import METRICS, StepBatch
from diagnostics.store.store import Store
from tests.engine.watch.stacks import Parts, loss_of

STEPS = 4
SIZES = ((6, 6), (6, 6), (6, 6), (5, 2))
"""Of the processes' batches at each step; the last ones are uneven."""


def batches(rank: int) -> list[Tensor]:
    random = torch.Generator().manual_seed(rank)
    return [3 * rank + torch.randn(sizes[rank], 4, generator=random) for sizes in SIZES]


def model_of(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return Parts()


def replicated(model: nn.Module) -> nn.Module:
    return nn.parallel.DistributedDataParallel(model)


def sharded(model: nn.Module) -> nn.Module:
    for part in model.parts:  # type: ignore[union-attr]
        fully_shard(part)
    return fully_shard(model)


def compiled(model: nn.Module) -> nn.Module:
    for k, part in enumerate(model.parts):  # type: ignore[arg-type, union-attr]
        whole = torch.compile(part, backend="aot_eager", fullgraph=True)
        model.parts[k] = fully_shard(whole)  # type: ignore[index, operator, union-attr]
    return fully_shard(model)


WAYS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "DistributedDataParallel": replicated,
    "fully_shard": sharded,
}


def train(model: nn.Module, rank: int, store: str, **options: Any) -> str:
    """A loop like any; the run's id."""
    optimizer = torch.optim.AdamW(model.parameters(), 0.01)
    with watch(model, optimizer, store=store, **options) as w:
        for x in batches(rank):
            loss = loss_of(model, x)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            optimizer.zero_grad()
            w.step(loss=loss)
    return w.run_id


def process(rank: int, folder: str, work: Callable[[int, str], None]) -> None:
    """One of two; what it has must be gone before a group's threads are joined."""
    torch.set_num_threads(1)
    os.environ["GD_DATA_DIR"] = folder
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2
    )
    try:
        work(rank, folder)
    finally:
        gc.collect()
        distributed.destroy_process_group()


def counted(model: nn.Module, rank: int, store: str, every: int) -> tuple[str, int]:
    """The run's id, and how many reductions were made for it."""
    with mock.patch.object(distributed, "all_reduce", wraps=distributed.all_reduce) as sent:
        return train(model, rank, store, every=every), sent.call_count


def usual(rank: int, folder: str) -> None:
    """Every step of each way, with reductions counted; and every second one."""
    for name, way in WAYS.items():
        run, sent = counted(way(model_of()), rank, f"sqlite:///{folder}/{name}.sqlite", 1)
        assert bool(run) == (rank == 0)
        assert sent == 2 * STEPS
    _, sent = counted(sharded(model_of()), rank, f"sqlite:///{folder}/seldom.sqlite", 2)
    assert sent == 2 * STEPS / 2


def compiled_too(rank: int, folder: str) -> None:
    """Parts that are compiled, and then sharded."""
    _, sent = counted(compiled(model_of()), rank, f"sqlite:///{folder}/compiled.sqlite", 1)
    assert sent == 2 * STEPS


def spawned(work: Callable[[int, str], None], folder: Path) -> Path:
    """Where both processes have left what they wrote."""
    torch.multiprocessing.spawn(process, (str(folder), work), nprocs=2)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return spawned(usual, tmp_path_factory.mktemp("sharded"))


def kept(path: Path) -> StepBatch:
    store = Store(f"sqlite:///{path}")
    (run,) = store.runs()
    found = store.since(run.id).batch
    store.close()
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> StepBatch:
    """One process with the batches of both, whose loss is the mean of theirs."""
    path, model = tmp_path_factory.mktemp("whole") / "store.sqlite", model_of()
    optimizer = torch.optim.AdamW(model.parameters(), 0.01)
    with watch(model, optimizer, store=f"sqlite:///{path}", every=1) as w:
        for x, y in zip(batches(0), batches(1), strict=True):
            loss = (loss_of(model, x) + loss_of(model, y)) / 2
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            optimizer.zero_grad()
            w.step(loss=loss)
    return kept(path)


def check(found: StepBatch, whole: StepBatch, unknown: tuple[str, ...] = ()) -> None:
    assert found.steps.tolist() == [1, 2, 3, 4]
    for key in set(METRICS).difference(unknown):
        np.testing.assert_allclose(found.metric(key), whole.metric(key), 2e-5, 1e-7, err_msg=key)
    for key in ("grad_norm", "clipped_norm", "left_norm"):
        np.testing.assert_allclose(found.scalar(key), whole.scalar(key), 2e-5, err_msg=key)


@pytest.mark.thorough
def test_replicas_say_what_the_whole_says(folder: Path, whole: StepBatch) -> None:
    check(kept(folder / "DistributedDataParallel.sqlite"), whole)


@pytest.mark.thorough
def test_shards_say_what_the_whole_says(folder: Path, whole: StepBatch) -> None:
    found = kept(folder / "fully_shard.sqlite")
    check(found, whole, ("surprise",))
    assert np.isnan(found.metric("surprise")).all()


@pytest.mark.slow
def test_shards_of_compiled_parts_say_what_the_whole_says(tmp_path: Path, whole: StepBatch) -> None:
    found = kept(spawned(compiled_too, tmp_path) / "compiled.sqlite")
    check(found, whole, ("surprise",))


@pytest.mark.thorough
def test_steps_are_measured_by_all_or_none(folder: Path) -> None:
    assert kept(folder / "seldom.sqlite").steps.tolist() == [1, 3]


def lonely(rank: int, folder: str) -> None:
    """Only one process watches."""
    with mock.patch.object(meeting, "PATIENCE", meeting.timedelta(seconds=1)):
        if rank == 0:
            train(model_of(), rank, f"sqlite:///{folder}/lonely.sqlite", every=1)
        model = sharded(model_of())
        if rank == 0:
            with pytest.raises(Unwatchable, match="all of them"):
                train(model, rank, f"sqlite:///{folder}/pieces.sqlite")
    distributed.barrier()
    stage = nn.Sequential(nn.Linear(4, 4 + rank), nn.ReLU())
    with pytest.raises(Unwatchable, match="pipeline"):
        train(stage, rank, f"sqlite:///{folder}/stages.sqlite")


def killed(rank: int, folder: str) -> None:
    """One process dies; the other goes on by itself, unmeasured."""
    model = model_of()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, store=f"sqlite:///{folder}/killed.sqlite", every=1) as w:
        for k, x in enumerate(batches(rank)):
            if (rank, k) == (1, 2):
                os.kill(os.getpid(), signal.SIGKILL)
            loss = loss_of(model, x)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step(loss=loss)
    assert w._last is not None and w._last._together is not None
    assert w._last._together.rest > together.NEVER // 2


@pytest.mark.slow
def test_who_is_alone_is_told(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(process, (str(tmp_path), lonely), nprocs=2)
    assert kept(tmp_path / "lonely.sqlite").steps.tolist() == [1, 2, 3, 4]


@pytest.mark.slow
def test_training_outlives_a_process_that_is_killed(tmp_path: Path) -> None:
    spawn = torch.multiprocessing.get_context("spawn")
    both = [spawn.Process(target=process, args=(k, str(tmp_path), killed)) for k in (0, 1)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [one.exitcode for one in both] == [0, -signal.SIGKILL]
    assert kept(tmp_path / "killed.sqlite").steps.tolist()[:2] == [1, 2]


class Mesh(NamedTuple):
    """As far as it is asked."""

    processes: int

    def size(self) -> int:
        return self.processes


@pytest.mark.parametrize(
    ("processes", "places", "refused"),
    [
        (4, (Shard(0),), False),
        (4, (Replicate(), Shard(1)), False),
        (2, (Shard(0),), True),
        (4, (Shard(0), Shard(1)), True),
        (4, (Shard(0), Replicate()), True),
        (4, (Partial(),), True),
    ],
)
def test_what_is_cut_in_more_ways_than_one_is_refused(
    processes: int, places: tuple[Any, ...], refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "get_world_size", lambda: 4)
    parameter = SimpleNamespace(device_mesh=Mesh(processes), placements=places)
    anatomy: Any = SimpleNamespace(layers=[], others=[parameter, torch.zeros(1)])
    if refused:
        with pytest.raises(Unwatchable, match="tensor parallelism"):
            meeting._meshes(anatomy)
    else:
        assert meeting._meshes(anatomy) == {Mesh(processes)}
