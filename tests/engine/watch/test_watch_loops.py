"""Loops as strangers write them: accumulation, clipping, scalers, closures, processes, mishaps."""

import copy
import gc
import logging
import math
import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sqlalchemy.exc import OperationalError
from torch import Tensor, nn

from diagnostics import Stopped, watch
from diagnostics.store.records import Diagnosis
from diagnostics.store.store import Store
from tests.engine.watch.test_watch import hooks, measured, run
from tests.engine.watch.zoo import Training, loss_of, mlp, training


def global_norm(model: nn.Module) -> float:
    """Of all gradients there are."""
    return math.sqrt(sum(float(p.grad.double().square().sum()) for p in model.parameters()))


def layer_norms(model: nn.Module) -> list[float]:
    """Of each layer's weight gradient."""
    return [float(m.weight.grad.norm()) for m in model.modules() if isinstance(m, nn.Linear)]


def test_accumulated_gradients_are_reported_as_applied_and_clipped(store: Store) -> None:
    t = training("mlp", 9)
    norms, clipped, layers, layers_clipped = [], [], [], []
    with watch(t.model, t.optimizer, store=store, every=1) as w:
        for i, x in enumerate(t.batches, 1):
            loss = loss_of(t.model, x)
            loss.backward()
            if i % 3:
                continue
            norms.append(global_norm(t.model))
            layers.append(layer_norms(t.model))
            nn.utils.clip_grad_norm_(t.model.parameters(), 0.5)
            clipped.append(global_norm(t.model))
            layers_clipped.append(layer_norms(t.model))
            t.optimizer.step()
            t.optimizer.zero_grad()
            w.step(loss=loss)
    batch = measured(store, w)
    assert batch.steps.tolist() == [1, 2, 3]
    np.testing.assert_allclose(batch.scalar("grad_norm"), norms, rtol=1e-5)
    np.testing.assert_allclose(batch.scalar("clipped_norm"), clipped, rtol=1e-5)
    np.testing.assert_allclose(batch.metric("weight_grad_norm"), layers, rtol=1e-5)
    np.testing.assert_allclose(batch.metric("clipped_grad_norm"), layers_clipped, rtol=1e-5)
    assert store.run(w.run_id).config.clip == "norm"


def scaled_run(
    store: Store, optimizer: torch.optim.Optimizer, model: nn.Module, how: str, spoil: int = -1
) -> Any:
    """A loop with a scaler that is found, named, or used to clip; a step of it may be spoilt."""
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=2)
    torch.manual_seed(1)
    with watch(model, optimizer, store=store, every=1) as w:
        if how == "named":
            w.scaler(scaler)
        for i in range(5):
            loss = loss_of(model, torch.randn(8, 4))
            scaler.scale(loss).backward()
            if i == spoil:
                model[0].weight.grad[0, 0] = torch.inf
            if how == "clipping":
                scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(model.parameters(), 1e9)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
            w.step(loss=loss)
    return w


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("how", ["found", "named", "clipping"])
def test_a_scaled_loss_is_reported_unscaled(store: Store, how: str, fused: bool) -> None:
    batches = []
    for scaled in (False, True):
        torch.manual_seed(0)
        model = mlp()
        optimizer = torch.optim.Adam(model.parameters(), 0.01, fused=fused)
        if scaled:
            batches.append(measured(store, scaled_run(store, optimizer, model, how)))
            continue
        torch.manual_seed(1)
        t = Training(model, optimizer, [torch.randn(8, 4) for _ in range(5)])
        with watch(model, optimizer, store=store, every=1) as w:
            run(t, w)
        batches.append(measured(store, w))
    plain, scaled_batch = batches
    for key in ("signal_grad_norm", "weight_grad_norm", "clipped_grad_norm", "update_norm"):
        np.testing.assert_allclose(scaled_batch.metric(key), plain.metric(key), 1e-4, err_msg=key)
    for key in ("grad_norm", "clipped_norm"):
        np.testing.assert_allclose(scaled_batch.scalar(key), plain.scalar(key), 1e-4, err_msg=key)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("spoil", [0, 2])
def test_a_step_that_a_scaler_skips_is_no_divergence(store: Store, spoil: int, fused: bool) -> None:
    torch.manual_seed(0)
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), 0.01, fused=fused)
    w = scaled_run(store, optimizer, model, "found", spoil)
    batch = measured(store, w)
    assert store.run(w.run_id).state == "finished"
    assert batch.steps.tolist() == [i + 1 for i in range(5) if i != spoil]
    assert batch.scalar("grad_norm").max() < 1000


def test_a_closure_is_measured_as_the_step_it_is(store: Store) -> None:
    found = []
    for closed in (False, True):
        t = training("mlp", 3)
        with watch(t.model, t.optimizer, store=store, every=1) as w:
            if closed:
                close(t, w)
            else:
                run(t, w)
        found.append(measured(store, w).values)
    np.testing.assert_array_equal(*found)
    assert np.isfinite(found[0][:, :, 15]).all()


def close(t: Training, w: Any) -> None:
    """The same loop, as LBFGS wants it."""
    for x in t.batches:

        def closure(x: Tensor = x) -> Tensor:
            t.optimizer.zero_grad()
            loss = loss_of(t.model, x)
            loss.backward()
            return loss

        w.step(loss=t.optimizer.step(closure))


def test_a_watched_model_may_be_copied_and_saved(store: Store) -> None:
    found = []
    for name in ("mlp", "resnet", "matrix"):
        for copied in (False, True):
            t = training(name, 3)
            with watch(t.model, t.optimizer, store=store, every=1) as w:
                run(t, w)
                if copied:
                    for twin in (copy.deepcopy(t.model), pickle.loads(pickle.dumps(t.model))):
                        loss_of(twin, t.batches[0]).backward()
                run(t, w)
            found.append(measured(store, w).values)
        np.testing.assert_array_equal(found[-1], found[-2])


def test_a_store_that_fails_for_a_while_costs_a_warning(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    t = training("mlp", 5)
    append = Store.append
    calls: list[bool] = []
    broken = [True]

    def fail(self: Store, *args: Any, **kwargs: Any) -> None:
        calls.append(broken[0])
        if broken[0]:
            raise OperationalError("INSERT", {}, Exception("disk is full"))
        append(self, *args, **kwargs)

    monkeypatch.setattr(Store, "append", fail)
    with watch(t.model, t.optimizer, store=store, every=1) as w:
        run(t, w)
        wait_for(lambda: sum(calls) >= 2)
        broken[0] = False
        run(t, w)
        wait_for(lambda: len(measured(store, w)) > 0)
    assert len(caplog.records) == 1 and "measurements wait" in caplog.records[0].message
    assert measured(store, w).steps.tolist() == list(range(1, 11))
    assert store.run(w.run_id).state == "finished"


def wait_for(true: Any) -> None:
    """Some seconds at most."""
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def test_a_store_that_fails_at_the_beginning_leaves_no_hooks(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> str:
        raise OperationalError("INSERT", {}, Exception("disk is full"))

    monkeypatch.setattr(Store, "create_run", fail)
    t = training("resnet")
    with pytest.raises(OperationalError), watch(t.model, t.optimizer, store=store):
        raise AssertionError("it began")
    assert not hooks(t)


def test_two_watchers_do_not_hear_each_other(store: Store) -> None:
    one, other = training("mlp", 4), training("resnet", 4)
    with (
        watch(one.model, one.optimizer, store=store, every=1) as a,
        watch(other.model, other.optimizer, store=store, every=2) as b,
    ):
        for x, y in zip(one.batches, other.batches, strict=True):
            run(Training(one.model, one.optimizer, [x]), a)
            run(Training(other.model, other.optimizer, [y]), b)
    assert measured(store, a).steps.tolist() == [1, 2, 3, 4] and len(a.subject.names) == 3
    assert measured(store, b).steps.tolist() == [1, 3] and len(b.subject.names) == 6
    alone = training("mlp", 4)
    with watch(alone.model, alone.optimizer, store=store, every=1) as w:
        run(alone, w)
    np.testing.assert_array_equal(measured(store, a).values, measured(store, w).values)


def explode(t: Training, w: Any, step: int = 3) -> None:
    """A loop whose activations are not numbers from a step on."""
    for i, x in enumerate(t.batches, 1):
        run(Training(t.model, t.optimizer, [x * (math.nan if i >= step else 1)]), w)


def test_alerts_and_stops(store: Store) -> None:
    heard: list[Diagnosis] = []
    t = training("mlp", 6)
    with watch(t.model, t.optimizer, store=store, every=1, on_alert=heard.append) as w:
        explode(t, w)
    assert [d.rule for d in heard if d.rule == "diverged"] == ["diverged"]
    assert all(isinstance(d, Diagnosis) and d.severity == "ill" for d in heard)
    assert store.run(w.run_id).steps == 6
    t = training("mlp", 6)
    with (
        pytest.raises(Stopped, match="step 3"),
        watch(t.model, t.optimizer, store=store, every=1, raise_on=("diverged",)) as w,
    ):
        explode(t, w)
    ended = store.run(w.run_id)
    assert (ended.state, ended.steps) == ("diverged", 3)
    assert not hooks(t)


def test_a_loss_alone_may_diverge_between_measured_steps(store: Store) -> None:
    t = training("mlp", 6)
    with watch(t.model, t.optimizer, store=store, every=100) as w:
        explode(t, w)
    ended = store.run(w.run_id)
    assert ended.state == "diverged" and ended.patient_zero.step == 3
    assert ended.patient_zero.tensor == "loss"
    assert measured(store, w).steps.tolist() == [1, 3]


def test_scalars_of_the_watchs_are_kept(store: Store) -> None:
    t = training("mlp", 1)
    with watch(t.model, t.optimizer, store=store, every=1) as w:
        loss_of(t.model, t.batches[0]).backward()
        t.optimizer.step()
        w.step(accuracy=0.5, heldout_loss=2.0)
    batch = measured(store, w)
    assert batch.scalar("accuracy")[-1] == 0.5 and batch.scalar("heldout_loss")[-1] == 2.0
    assert math.isnan(batch.scalar("loss")[-1])


def objects(store: Store, w: watch, steps: int) -> int:
    """How many of ours and of torch's there are, once all ``steps`` that were measured are written.

    What else a process of tests holds (threads of clients, caches) comes and goes by itself.
    """
    wait_for(lambda: len(measured(store, w)) == steps)
    gc.collect()
    ours = ("diagnostics", "torch")
    return sum(str(type(one).__module__).startswith(ours) for one in gc.get_objects())


@pytest.mark.thorough
def test_nothing_grows(store: Store) -> None:
    t = training("mlp", 1)
    long = Training(t.model, t.optimizer, t.batches * 250)
    with watch(t.model, t.optimizer, store=store, every=1) as w:
        run(long, w)
        run(long, w)
        before = objects(store, w, 500)
        run(long, w)
        grown = objects(store, w, 750) - before
    assert grown < 100  # of 250 steps
    assert len(w._last._alerts._recent) == 200


def reported(rank: int, folder: str) -> None:
    """A process of a distributed training.

    Destroying a group joins its threads only once nothing holds it any more, as a model's reducer
    does. One that still has a tensor when the interpreter ends asks a lock that is gone, and
    aborts the process.
    """
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2
    )
    try:
        train_distributed(rank, folder)
    finally:
        gc.collect()
        torch.distributed.destroy_process_group()


def train_distributed(rank: int, folder: str) -> None:
    """Three steps, of which rank 0 reports."""
    torch.manual_seed(0)
    model = nn.parallel.DistributedDataParallel(mlp())
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    torch.manual_seed(rank)
    with watch(model, optimizer, store=f"sqlite:///{folder}/store.sqlite", every=1) as w:
        for _ in range(3):
            loss = loss_of(model, torch.randn(8, 4))
            loss.backward()
            with open(f"{folder}/norms{rank}", "a") as file:
                file.write(f"{global_norm(model)}\n")
            optimizer.step()
            optimizer.zero_grad()
            w.step(loss=loss)
    assert bool(w.run_id) == (rank == 0)


@pytest.mark.thorough
def test_distributed_gradients_are_reported_averaged_by_one_process(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(reported, (str(tmp_path),), nprocs=2)
    norms = [np.loadtxt(tmp_path / f"norms{rank}") for rank in (0, 1)]
    np.testing.assert_array_equal(*norms)
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    (kept,) = store.runs()
    batch = store.since(kept.id).batch
    store.close()
    np.testing.assert_allclose(batch.scalar("grad_norm"), norms[0], rtol=1e-5)
    assert kept.config.names == ("module.0", "module.2", "module.4")
