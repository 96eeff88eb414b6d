"""Compiled models: right numbers, no other graphs than one with taps, and nothing changes."""

import copy
import logging
import pickle
import shutil
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters
from torch._inductor import config as inductor

from diagnostics import watch
from diagnostics.engine.specials.specials import SPECIALS
from diagnostics.engine.watch import loop
from diagnostics.store.records import METRICS, StepBatch
from diagnostics.store.store import Store
from diagnostics.subject.watched import WatchedModel
from tests.conftest import left_out
from tests.engine.watch.stacks import STACKS, Compiler, Stack, loss_of, mlp

pytestmark = pytest.mark.filterwarnings(
    "ignore:The .grad attribute of a Tensor"  # which torch looks at itself, where it breaks a graph
)

STEPS = 4
OUTPUTS = [key for key in METRICS if key.startswith("activation_")] + ["sparsity", "saturated"]
LARGEST = ["activation_max", "signal_grad_max"]
UNSEEN = ["dead", "dormant", "time_ratio", *(key for one in SPECIALS for key in one.metrics)]
"""What taps don't tell."""


class Trained(NamedTuple):
    """What came of a loop.

    Attributes:
        graphs: how many were captured, and how often one was broken.
    """

    losses: list[float]
    weights: list[Tensor]
    graphs: tuple[int, int]
    batch: StepBatch | None = None
    subject: WatchedModel | None = None


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    logging.getLogger("torch.__trace").setLevel(logging.WARNING)  # which pytest would all keep
    yield
    torch._dynamo.reset()


def train(stack: Stack, backend: str, store: Store | None = None, every: int = 1) -> Trained:
    """Run a stack's loop, watched where there is a store."""
    torch._dynamo.reset()
    counters.clear()
    torch.manual_seed(0)
    compiler, model = Compiler(backend), stack.make()
    batches = [torch.randn(8, stack.width) for _ in range(STEPS)]
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    losses: list[float] = []

    def step(loss: Tensor, watched: Any = None) -> None:
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
        if watched is not None:
            watched.step(loss=loss)

    compiled = stack.compile(model, compiler)
    if store is None:
        stack.loop(compiled, batches, step, compiler)
        return Trained(losses, _weights(model), _graphs())
    with watch(compiled, optimizer, store=store, every=every) as w:
        stack.loop(compiled, batches, lambda loss: step(loss, w), compiler)
    assert not any(module._forward_hooks for module in model.modules())
    return Trained(losses, _weights(model), _graphs(), store.since(w.run_id).batch, w.subject)


def _weights(model: torch.nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in model.parameters()]


def _graphs() -> tuple[int, int]:
    return counters["stats"]["unique_graphs"], sum(counters["graph_break"].values())


def check(stack: Stack, backend: str, store: Store) -> None:
    """Watched is as bare to the last bit, and says what eager watching says."""
    bare, eager = train(stack, backend), train(stack, "", store)
    found = train(stack, backend, store)
    assert found.losses == bare.losses
    assert all(map(torch.equal, found.weights, bare.weights))
    assert stack.late or found.graphs[0] <= 2 * bare.graphs[0]
    assert stack.breaks or found.graphs[1] == 0
    assert found.batch is not None and eager.batch is not None and found.subject and eager.subject
    steps = found.batch.steps.tolist()
    assert steps == list(range(1 + stack.late, STEPS + 1))
    assert found.subject.names == eager.subject.names
    for key in METRICS:
        numbers, right = found.batch.metric(key), eager.batch.metric(key)[-len(steps) :]
        if key in UNSEEN or (key in LARGEST and not stack.largest):
            assert np.isnan(numbers).all()
        elif key not in OUTPUTS or stack.outputs:
            np.testing.assert_allclose(numbers, right, stack.rtol, 1e-7, err_msg=key)
    if stack.outputs:
        known = [layer.activation for layer in found.subject.layers]
        assert known == [layer.activation for layer in eager.subject.layers]


def _named(slow: bool) -> list[str]:
    return [name for name, stack in STACKS.items() if stack.slow == slow]


@pytest.mark.parametrize("name", _named(slow=False))
def test_numbers_are_those_of_eager_watching(name: str, store: Store) -> None:
    check(STACKS[name], "aot_eager", store)


@pytest.mark.slow
@pytest.mark.parametrize("name", _named(slow=True))
def test_numbers_of_like_stacks_are_those_of_eager_watching(name: str, store: Store) -> None:
    check(STACKS[name], "aot_eager", store)


@pytest.mark.slow
@pytest.mark.parametrize("name", STACKS)
def test_machine_code_says_the_same(name: str, store: Store) -> None:
    """What most people train with: it needs a C++ compiler."""
    if not any(map(shutil.which, ("c++", "g++", "clang++"))):
        left_out("torch.compile needs a C++ compiler (on Debian: apt-get install g++)")
    with inductor.patch(fallback_random=True):  # eager's random numbers, to be compared with it
        check(STACKS[name], "inductor", store)


def test_switching_keeps_two_graphs_and_changes_nothing(store: Store) -> None:
    """Steps that are not measured run a graph with nothing of ours in it."""
    stack = STACKS["in place"]
    bare = train(stack, "aot_eager")
    found = train(stack, "aot_eager", store, every=2)
    assert found.losses == bare.losses and all(map(torch.equal, found.weights, bare.weights))
    assert found.batch is not None and found.batch.steps.tolist() == [1, 3]
    assert (bare.graphs, found.graphs) == ((1, 0), (2, 0))


def test_signals_are_those_of_autograd(store: Store) -> None:
    torch.manual_seed(0)
    model, x = mlp(), torch.randn(8, 4)
    zs: list[Tensor] = []
    hooks = [m.register_forward_hook(lambda _m, _x, z: zs.append(z)) for m in model[::2]]
    right = torch.autograd.grad(loss_of(model, x), zs)
    for hook in hooks:
        hook.remove()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    with watch(compiled, optimizer, store=store) as w:
        loss_of(compiled, x).backward()
        optimizer.step()
        w.step()
    batch, hidden = store.since(w.run_id).batch, zs[1].detach().tanh()
    for key, numbers in (
        ("signal_grad_norm", [float(δ.norm()) for δ in right]),
        ("signal_grad_max", [float(δ.abs().max()) for δ in right]),
        ("signal_grad_kurtosis", [float((δ**4).mean() / (δ**2).mean() ** 2) for δ in right]),
    ):
        np.testing.assert_allclose(batch.metric(key)[0], numbers, 1e-5)
    assert batch.metric("activation_mean")[0, 1] == pytest.approx(float(hidden.mean()), rel=1e-5)
    assert batch.metric("activation_std")[0, 1] == pytest.approx(float(hidden.std(correction=0)))
    assert np.isnan(batch.metric("dead")).all()
    assert any("Compiled" in sentence for sentence in w.subject.unseen)


def test_a_graph_gone_through_twice_has_no_sums(store: Store) -> None:
    """Its signals add up entry by entry, of which sums of squares know nothing; weights do."""
    torch.manual_seed(0)
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    with watch(compiled, optimizer, store=store, every=1) as w:
        loss = loss_of(compiled, torch.randn(8, 4))
        loss.backward(retain_graph=True)
        (2 * loss).backward()
        norms = [float(m.weight.grad.norm()) for m in model[::2]]
        optimizer.step()
        w.step(loss=loss)
    batch = store.since(w.run_id).batch
    assert np.isnan(batch.metric("signal_grad_norm")).all()
    np.testing.assert_allclose(batch.metric("weight_grad_norm")[0], norms, 1e-5)


def test_what_is_saved_and_copied_has_no_taps(store: Store) -> None:
    model = mlp()
    before = repr(model), list(model.state_dict())
    compiled = torch.compile(model, backend="aot_eager")
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(compiled, optimizer, store=store):
        assert any(module._forward_hooks for module in model.modules())
        assert (repr(model), list(model.state_dict())) == before
        assert not any(m._forward_hooks for m in copy.deepcopy(model).modules())
        saved = pickle.dumps(model)
    assert b"diagnostics" not in saved
    assert "__reduce_ex__" not in vars(nn.Module)


def test_two_models_have_taps_of_their_own(store: Store) -> None:
    torch.manual_seed(0)
    models = [mlp(), mlp()]
    optimizers = [torch.optim.SGD(m.parameters(), 0.1) for m in models]
    compiled = [torch.compile(m, backend="aot_eager", fullgraph=True) for m in models]
    with (
        watch(compiled[0], optimizers[0], store=store, every=1) as one,
        watch(compiled[1], optimizers[1], store=store, every=1) as two,
    ):
        for x in torch.randn(3, 8, 4):
            for k, w in enumerate((one, two)):
                loss = loss_of(compiled[k], (1 + k) * x)
                loss.backward()
                optimizers[k].step()
                optimizers[k].zero_grad()
                w.step(loss=loss)
    found = [store.since(w.run_id).batch.metric("signal_grad_norm") for w in (one, two)]
    assert np.isfinite(found).all() and not np.isclose(found[0], found[1]).any()


def test_numbers_that_are_not_finite_are_counted_and_named(store: Store) -> None:
    torch.manual_seed(0)
    model = mlp(nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    with watch(compiled, optimizer, store=store, every=1) as w:
        for scale in (1.0, float("inf")):
            loss = loss_of(compiled, scale * torch.ones(8, 4))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step(loss=loss)
    assert store.run(w.run_id).patient_zero.layer == 1
    assert store.since(w.run_id).batch.metric("nonfinite")[-1, 0] > 0


def test_what_no_tap_reaches_is_named(store: Store) -> None:
    """Here a layer that gives out a dictionary."""

    class Odd(nn.Linear):
        def forward(self, x: Tensor) -> Any:
            return {"z": super().forward(x)}

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.odd = nn.Linear(4, 4), Odd(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            z: Tensor = self.odd(self.one(x))["z"]
            return z

    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    with watch(compiled, optimizer, store=store) as w:
        loss_of(compiled, torch.ones(8, 4)).backward()
        optimizer.step()
        w.step()
    assert "Nothing was heard of: odd." in w.subject.unseen
    assert w.subject.names == ("one",)


def test_of_what_graphs_replay_there_are_weights_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = STACKS["whole"]
    bare, eager = train(stack, "aot_eager"), train(stack, "", store)
    monkeypatch.setattr("diagnostics.engine.watch.loop.replays", lambda: True)
    found = train(stack, "aot_eager", store)
    assert found.losses == bare.losses
    assert all(map(torch.equal, found.weights, bare.weights))
    assert found.batch is not None and eager.batch is not None and found.subject is not None
    for key in METRICS:
        numbers, right = found.batch.metric(key), eager.batch.metric(key)
        if "signal" in key or key in {*OUTPUTS, *UNSEEN}:
            assert np.isnan(numbers).all(), key
        else:
            np.testing.assert_allclose(numbers, right, stack.rtol, 1e-7, err_msg=key)
    (said,) = found.subject.unseen
    assert said.startswith("Compiled with CUDA graphs: there are weights")


def test_sums_that_are_only_recorded_are_not_waited_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = train(STACKS["whole"], "aot_eager")
    monkeypatch.setattr("diagnostics.engine.measure.gate.is_captured", lambda tensor: True)
    found = train(STACKS["whole"], "aot_eager", store)
    assert found.losses == bare.losses and found.batch is not None
    assert np.isnan(found.batch.metric("signal_grad_norm")).all()


def test_graphs_that_replay_are_those_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import cudagraph_trees as trees

    assert not loop.replays()
    container = trees.TreeManagerContainer(0)
    known = {0: container}
    monkeypatch.setattr(trees.local, "tree_manager_containers", known)
    assert not loop.replays()
    monkeypatch.setattr(container, "tree_manager", object())
    assert loop.replays()
