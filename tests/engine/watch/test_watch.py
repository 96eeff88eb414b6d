"""A stranger's model: nothing changes by watching, and what is reported is what happened."""

import gc
import math
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim.optimizer import _global_optimizer_post_hooks, _global_optimizer_pre_hooks
from torch.utils.checkpoint import checkpoint

from diagnostics import watch
from diagnostics.engine.measure import hearing, pending
from diagnostics.engine.watch.watch import Watch
from diagnostics.store.records import METRIC_INDEX, StepBatch
from diagnostics.store.store import Store
from diagnostics.subject.watched import Unwatchable
from tests.engine.watch.zoo import ZOO, ResNet, Training, Transformer, loss_of, mlp, training


def run(t: Training, watched: Watch | None = None) -> list[float]:
    """A plain loop; its losses."""
    losses = []
    for x in t.batches:
        loss = loss_of(t.model, x)
        loss.backward()
        t.optimizer.step()
        t.optimizer.zero_grad()
        losses.append(float(loss.detach()))
        if watched is not None:
            watched.step(loss=loss)
    return losses


def measured(store: Store, watched: Watch) -> StepBatch:
    return store.since(watched.run_id).batch


def hooks(t: Training) -> list[Any]:
    """All that still hangs on modules, parameters and the optimizer."""
    found = [
        value
        for m in t.model.modules()
        for key, value in vars(m).items()
        if "hook" in key and value
    ]
    found += [p._backward_hooks for p in t.model.parameters() if p._backward_hooks]
    own = t.optimizer.__dict__
    return found + [own[key] for key in own if "hook" in key and own[key]]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No mode of torch's is left behind, nobody listens, and no optimizer's step is heard of."""
    before = torch._C._len_torch_function_stack(), set(hearing._ears)
    yield
    assert (torch._C._len_torch_function_stack(), set(hearing._ears)) == before
    assert (nn.Module._call_impl is hearing._plain) == (not hearing._ears)
    assert not (_global_optimizer_pre_hooks or _global_optimizer_post_hooks)


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.usefixtures("alone")
def test_watching_changes_nothing_and_leaves_nothing(store: Store, name: str) -> None:
    plain, seen = training(name), training(name)
    torch.manual_seed(7)
    losses = run(plain)
    state = torch.random.get_rng_state()
    torch.manual_seed(7)
    with watch(seen.model, seen.optimizer, store=store, every=1) as w:
        assert not hooks(seen)
        assert run(seen, w) == losses
        assert not hooks(seen)
    assert torch.equal(torch.random.get_rng_state(), state)
    for (key, a), b in zip(
        plain.model.state_dict().items(), seen.model.state_dict().values(), strict=True
    ):
        assert torch.equal(a, b), key
    assert not hooks(seen)
    batch = measured(store, w)
    assert batch.steps.tolist() == [1, 2, 3, 4, 5]
    assert batch.scalar("loss").tolist() == pytest.approx(losses)
    assert store.run(w.run_id).state == "finished"


@pytest.mark.parametrize("name", sorted(set(ZOO) - {"empty", "bfloat16", "float16"}))
def test_gradients_are_autograds(store: Store, name: str) -> None:
    plain, seen = training(name, 1), training(name, 1)
    torch.manual_seed(7)
    outputs: dict[str, list[Tensor]] = {}
    for path, module in plain.model.named_modules():
        module.register_forward_hook(
            lambda m, args, out, path=path: outputs.setdefault(path, []).append(
                out if isinstance(out, Tensor) else out[0]
            )
        )
    loss = loss_of(plain.model, plain.batches[0])
    modules = dict(plain.model.named_modules())
    torch.manual_seed(7)
    with watch(seen.model, seen.optimizer, store=store, every=1) as w:
        run(seen, w)
    batch = measured(store, w)
    every = [p for p in plain.model.parameters() if p.requires_grad]
    grads = torch.autograd.grad(loss, every, retain_graph=True, allow_unused=True)
    gradient = {id(p): g for p, g in zip(every, grads, strict=True) if g is not None}
    total = math.sqrt(sum(float(g.double().square().sum()) for g in gradient.values()))
    assert batch.scalar("grad_norm")[0] == pytest.approx(total, rel=1e-5)
    for i, path in enumerate(w.subject.names):
        weights = [p for p in modules[path].parameters(recurse=False) if p.ndim > 1]
        expected = norm([gradient[id(p)] for p in weights if id(p) in gradient])
        found = batch.metric("weight_grad_norm")[0, i]
        assert found == pytest.approx(expected, rel=1e-5, nan_ok=True), path
        zs = [z for z in outputs[path] if z.requires_grad]
        if name != "inplace":
            signals = torch.autograd.grad(loss, zs, retain_graph=True) if zs else []
            signal = batch.metric("signal_grad_norm")[0, i]
            assert signal == pytest.approx(norm(signals), rel=1e-5, nan_ok=True), path


def norm(tensors: Any) -> float:
    """Of several tensors together; NaN of none."""
    if not len(tensors):
        return math.nan
    return math.sqrt(sum(float(t.double().square().sum()) for t in tensors))


def test_activations_in_place_hide_no_signal(store: Store) -> None:
    found = []
    for name in ("mlp", "inplace"):
        t = training(name, 2)
        with watch(t.model, t.optimizer, store=store, every=1) as w:
            run(t, w)
        found.append(measured(store, w).values[:, :, :9])
    assert np.isfinite(found[0][:, :, 0]).all()
    np.testing.assert_array_equal(*found)


NAMES = {
    "mlp": [("0", "Linear", "relu"), ("2", "Linear", "relu"), ("4", "Linear", "")],
    "cnn": [("0", "Conv2d", "silu"), ("4", "Linear", "")],
    "resnet": [
        ("stem", "Conv2d", "relu"),
        ("blocks.0.conv1", "Conv2d", "relu"),
        ("blocks.0.conv2", "Conv2d", "relu"),
        ("blocks.1.conv1", "Conv2d", "relu"),
        ("blocks.1.conv2", "Conv2d", "relu"),
        ("head", "Linear", ""),
    ],
    "lstm": [("core", "LSTM", ""), ("head", "Linear", "")],
    "gru": [("core", "GRU", ""), ("head", "Linear", "")],
    "transformer": [
        *[
            (f"encoder.layers.{i}.{name}", kind, activation)
            for i in range(2)
            for name, kind, activation in (
                ("self_attn", "MultiheadAttention", ""),
                ("linear1", "Linear", "relu"),
                ("linear2", "Linear", ""),
            )
        ],
        ("head", "Linear", ""),
    ],
    "tied": [("first", "Linear", "tanh"), ("second", "Linear", "")],
    "twice": [("layer", "Linear", "gelu")],
    "matrix": [("before", "Linear", ""), ("matrix", "Matrix", "sigmoid"), ("after", "Linear", "")],
}


@pytest.mark.parametrize("name", NAMES)
def test_layers_are_called_by_name_in_order_of_first_call(store: Store, name: str) -> None:
    t = training(name, 3)
    with watch(t.model, t.optimizer, store=store, every=1) as w:
        run(t, w)
    known = store.run(w.run_id).config
    assert [(x.name, x.kind, x.activation) for x in known.layers] == NAMES[name]
    assert measured(store, w).layers == len(NAMES[name])
    assert known.residual == (name in ("resnet", "transformer"))
    norms = {"resnet": "batch", "transformer": "layer"}
    assert known.norm == norms.get(name, "none")


def test_a_layer_heard_from_within_is_measured_as_its_own(store: Store) -> None:
    t = training("matrix", 3)
    with watch(t.model, t.optimizer, store=store, every=1) as w:
        run(t, w)
    means = measured(store, w).metric("activation_mean")
    assert np.isfinite(measured(store, w).metric("saturated")[:, 1]).all()
    assert ((means[:, 1] > 0.2) & (means[:, 1] < 0.8)).all()


class LastState(nn.Module):
    """Of its first module only the last state is used."""

    def __init__(self) -> None:
        super().__init__()
        self.core, self.head = nn.LSTM(4, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.core(x)[1][0][-1])


def test_whichever_output_is_used_carries_the_signal(store: Store) -> None:
    model, x = LastState(), torch.randn(5, 8, 4)
    hidden = model.core(x)[1][0]
    (expected,) = torch.autograd.grad(loss_of(model.head, hidden[-1]), hidden)
    t = Training(model, torch.optim.SGD(model.parameters(), 0.1), [x])
    with watch(t.model, t.optimizer, store=store, every=1) as w:
        run(t, w)
    signal = measured(store, w).metric("signal_grad_norm")[0, 0]
    assert signal == pytest.approx(float(expected.norm()), rel=1e-5)


class InParts(nn.Module):
    """Its loop calls its parts, and never the whole."""

    def __init__(self, kind: type[nn.Module]) -> None:
        super().__init__()
        self.body, self.head = kind(), nn.Linear(3, 3)


@pytest.mark.usefixtures("alone")
def test_parts_are_heard_where_the_whole_is_never_called(store: Store) -> None:
    model = InParts(ResNet)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, store=store, every=1) as w:
        for _ in range(3):
            model.head(model.body(torch.randn(8, 2, 6, 6))).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step()
    kinds = {layer.name: layer.activation for layer in w.subject.layers}
    assert kinds["body.stem"] == "relu" and kinds["head"] == ""
    assert w.subject.residual and w.subject.unseen == ("Without a point: BatchNorm2d.",)
    assert not hooks(Training(model, optimizer, []))


def test_what_is_not_heard_is_said(store: Store) -> None:
    model = InParts(mlp)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, store=store, every=1) as w:
        model.body[0](torch.randn(8, 4)).square().mean().backward()
        optimizer.step()
        w.step()
    assert len(w.subject.unseen) == 2 and "functions" in w.subject.unseen[1]


def test_a_graph_that_outlives_watching_is_left_alone(store: Store) -> None:
    t = training("mlp", 1)
    with watch(t.model, t.optimizer, store=store, every=1) as w:
        run(t, w)
        loss = loss_of(t.model, t.batches[0])
        probe = w._session.observer._probe
    loss.backward()
    assert not probe._signals.pending and probe.step.seconds == 0.0
    assert probe.step.passes == 0


class Doubled(nn.Linear):
    """Gives out the same tensor twice."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        z = super().forward(x)
        return z, z


def test_a_tensor_given_out_twice_has_one_signal(store: Store) -> None:
    model, x = nn.Sequential(Doubled(4, 3)), torch.randn(8, 4)
    z = model[0](x)[0]
    (expected,) = torch.autograd.grad(z.square().mean(), z)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, store=store, every=1) as w:
        model(x)[0].square().mean().backward()
        optimizer.step()
        w.step()
    signal = measured(store, w).metric("signal_grad_norm")[0, 0]
    assert signal == pytest.approx(float(expected.norm()), rel=1e-5)


class Checkpointed(nn.Module):
    """Computes its middle anew during the backward pass, or not."""

    def __init__(self, reentrant: bool | None) -> None:
        super().__init__()
        self.first, self.last, self.reentrant = nn.Linear(4, 8), nn.Linear(8, 3), reentrant
        self.middle = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.first(x))
        if self.reentrant is None:
            return self.last(self.middle(h))
        return self.last(checkpoint(self.middle, h, use_reentrant=self.reentrant))


def test_checkpointed_parts_are_measured_like_others(store: Store) -> None:
    found = {}
    for reentrant in (None, False, True):
        torch.manual_seed(0)
        model = Checkpointed(reentrant)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        t = Training(model, optimizer, [torch.randn(8, 4) for _ in range(3)])
        with watch(t.model, t.optimizer, store=store, every=1) as w:
            run(t, w)
        values = measured(store, w).values
        order = np.argsort(w.subject.names)
        found[reentrant] = [values[:, order, METRIC_INDEX[key]] for key in CHECKED]
    for reentrant in (False, True):
        np.testing.assert_allclose(found[reentrant], found[None], rtol=1e-5)


CHECKED = ("signal_grad_norm", "weight_grad_norm", "activation_mean", "sparsity", "update_ratio")


class Later(nn.Module):
    """One of its layers is called from the third step on."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.late, self.head = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 3)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        h = torch.tanh(self.first(x))
        return self.head(torch.tanh(self.late(h)) if self.calls > 2 else h)


def test_a_layer_called_late_is_seen_from_then_on(store: Store) -> None:
    model = Later()
    batches = [torch.randn(8, 4) for _ in range(4)]
    t = Training(model, torch.optim.SGD(model.parameters(), 0.1), batches)
    with watch(t.model, t.optimizer, store=store, every=1) as w:
        run(t, w)
    assert w.subject.names == ("first", "head", "late") and w.subject.unseen == ()
    signals = measured(store, w).metric("signal_grad_norm")
    assert np.isnan(signals[:2, 2]).all() and np.isfinite(signals[2:]).all()


class Overwritten(nn.Module):
    """Writes to what its modules gave out."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.gelu, self.head = nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = self.gelu(self.first(x))
        h += 100.0
        return self.head(h - 100.0).mul_(1.0)


def test_what_is_overwritten_was_read_before(store: Store) -> None:
    model = Overwritten()
    t = Training(model, torch.optim.SGD(model.parameters(), 0.1), [torch.randn(8, 4)] * 4)
    with watch(t.model, t.optimizer, store=store, every=1) as w:
        run(t, w)
    means = measured(store, w).metric("activation_mean")
    assert np.isfinite(means).all() and (np.abs(means) < 5).all()


@pytest.mark.parametrize("name", ["mlp", "resnet", "transformer"])
def test_numbers_are_the_same_however_many_tensors_wait(
    store: Store, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for most in (pending.MOST_HELD, 0):
        monkeypatch.setattr(pending, "MOST_HELD", most)
        t = training(name)
        torch.manual_seed(7)
        with watch(t.model, t.optimizer, store=store, every=1) as w:
            run(t, w)
        found.append(measured(store, w).values)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("where", ["forward", "backward", "loop"])
@pytest.mark.usefixtures("alone")
def test_an_exception_leaves_nothing_behind(
    store: Store, where: str, error: type[BaseException]
) -> None:
    run_id, left, model = broken(store, where, error)
    gc.collect()
    assert model() is None
    assert left == []
    state = "stopped" if error is KeyboardInterrupt else "failed"
    assert store.run(run_id).state == state


def broken(
    store: Store, where: str, error: type[BaseException]
) -> tuple[str, list[Any], weakref.ref[nn.Module]]:
    """A loop that ends in an error: its run, hooks left, and its model, of which it lets go."""
    t = training("resnet", 4)
    target: Any = t.model.stem.weight if where == "backward" else t.model.blocks[0].conv2
    register = "register_hook" if where == "backward" else "register_forward_hook"

    def fail(*args: object) -> None:
        raise error("no")

    handle = None
    try:
        with watch(t.model, t.optimizer, store=store, every=1) as w:
            run(t, w)
            if where == "loop":
                fail()
            handle = getattr(target, register)(fail)
            run(t, w)
    except error:
        if handle is not None:
            handle.remove()
    return w.run_id, hooks(t), weakref.ref(t.model)


def test_a_failed_backward_pass_spoils_none_after_it(store: Store) -> None:
    t = training("mlp", 4)

    def fail(gradient: Tensor) -> None:
        raise ValueError("no")

    with watch(t.model, t.optimizer, store=store, every=1) as w:
        handle = t.model[0].weight.register_hook(fail)
        with pytest.raises(ValueError, match="no"):
            loss_of(t.model, t.batches[0]).backward()
        handle.remove()
        t.optimizer.zero_grad()
        run(t, w)
    assert measured(store, w).steps.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("place", [0, 2, 5])
@pytest.mark.parametrize("step", [1, 4])
@pytest.mark.parametrize("tensor", ["activation", "signal_grad"])
def test_the_first_nan_is_named(store: Store, tensor: str, step: int, place: int) -> None:
    t = training("resnet", 6, lr=1e-4)
    path = NAMES["resnet"][place][0]
    count = 0

    def spoil(module: nn.Module, args: object, z: Tensor) -> Tensor | None:
        nonlocal count
        count += 1
        if count != step:
            return None
        if tensor == "activation":
            return z * torch.nan
        z.register_hook(lambda gradient: gradient * torch.nan)
        return None

    t.model.get_submodule(path).register_forward_hook(spoil)
    with watch(t.model, t.optimizer, store=store, every=1) as w:
        run(t, w)
    ended = store.run(w.run_id)
    zero = ended.patient_zero
    assert ended.state == "diverged" and zero is not None
    assert (zero.step, ended.config.names[zero.layer - 1], zero.tensor) == (step, path, tensor)
    assert [e.kind for e in store.since(w.run_id).events] == ["diverged"]


def test_a_weight_that_is_only_lent_may_be_spoilt(store: Store) -> None:
    t = training("transformer", 3)
    lent = t.model.encoder.layers[1].self_attn.out_proj.bias
    lent.register_hook(lambda gradient: gradient * torch.nan)
    with watch(t.model, t.optimizer, store=store, every=1) as w:
        run(t, w)
    ended = store.run(w.run_id)
    assert ended.config.unseen[0].startswith("Never called as a module: encoder.layers.0.self")
    assert ended.state == "diverged" and ended.patient_zero.step == 1
    assert ended.config.names[ended.patient_zero.layer - 1] == "encoder.layers.1.self_attn"


def bad(**options: Any) -> None:
    model = options.pop("model", None) or mlp()
    optimizer = torch.optim.SGD(mlp().parameters(), 0.1)
    watch(model, options.pop("optimizer", optimizer), **options)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"model": nn.Sequential(nn.LayerNorm(3), nn.ReLU())}, "no layer"),
        ({"model": nn.Sequential(nn.LazyLinear(3))}, "one batch"),
        ({"model": "resnet"}, "torch.nn.Module"),
        ({"optimizer": "adam"}, "torch.optim.Optimizer"),
        ({"budget": 0.0}, "budget=0.0"),
        ({"budget": 1.5}, "budget=1.5"),
        ({"budget": math.nan}, "budget=nan"),
        ({"every": 0}, "every=0"),
        ({"every": True}, "every=True"),
        ({"every": 1.5}, "every=1.5"),
        ({"raise_on": ("explosion",)}, "raise_on=explosion"),
        ({"raise_on": "diverge"}, "raise_on=diverge "),
    ],
)
def test_refusals_are_sentences(store: Store, options: dict[str, Any], word: str) -> None:
    with pytest.raises(Unwatchable) as refused:
        bad(store=store, **options)
    said = str(refused.value)
    assert word in said and said.endswith(".") and "\n" not in said and len(said) < 250
    assert store.runs() == []


def test_attention_is_watched_in_inference_mode_of_its_own(store: Store) -> None:
    """Evaluation between steps takes torch's fast path, and says nothing."""
    torch.manual_seed(0)
    model = Transformer()
    t = Training(model, torch.optim.SGD(model.parameters(), 0.01), [torch.randn(4, 5, 8)] * 2)
    with watch(t.model, t.optimizer, store=store, every=1) as w:
        run(t, w)
        model.eval()
        with torch.no_grad():
            model(t.batches[0])
        model.train()
        run(t, w)
    assert measured(store, w).steps.tolist() == [1, 2, 3, 4]
