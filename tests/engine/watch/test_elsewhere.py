"""Models on another device: the same numbers, and few waits for it."""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diagnostics import watch
from diagnostics.engine.measure import pending, stacked
from diagnostics.store.records import METRICS, StepBatch
from diagnostics.store.store import Store
from tests.engine.watch.elsewhere import Elsewhere
from tests.engine.watch.zoo import ZOO, loss_of

DEVICES = {"cuda": True, "mps": False}
"""Whether each has float64."""

STEPS, WIDTH = 3, 8


class Masked(nn.Module):
    """Attention with masks of both kinds, and a router of experts in one parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.gate = nn.Linear(WIDTH, 4)
        self.experts = nn.Parameter(torch.randn(4, WIDTH, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (one[:, None] for one in self.qkv(x).chunk(3, -1))
        keep = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
        for mask in (keep, torch.zeros_like(q[0, 0, :, :1]).expand(-1, len(keep)).contiguous()):
            x = x + self.out(F.scaled_dot_product_attention(q, k, v, mask)[:, 0])
        weight, chosen = self.gate(x).softmax(-1).topk(1)
        picked = self.experts[chosen[..., 0]]
        return x + weight * (picked @ x[..., None])[..., 0]


SHAPES = {name: kind.shape for name, kind in ZOO.items()} | {"masked": (5, WIDTH)}

ALL = sorted(set(SHAPES) - {"empty"})
FEW = ("float16", "lstm", "masked", "mlp")
SOME = [pytest.param(name, marks=() if name in FEW else pytest.mark.slow, id=name) for name in ALL]


class Trained(NamedTuple):
    losses: list[float]
    batch: StepBatch
    waits: list[int]


def train(store: Store, name: str, device: Elsewhere | None, **options: Any) -> Trained:
    """A model of the zoo, its loss looked at behind each step."""
    torch.manual_seed(0)
    model = Masked() if name == "masked" else ZOO[name].make()
    return train_it(store, model, SHAPES[name], device, **options)


def train_it(
    store: Store,
    model: nn.Module,
    shape: tuple[int, ...],
    device: Elsewhere | None,
    half: bool = False,
    captured: int = 0,
    counts_there: bool = False,
    **options: Any,
) -> Trained:
    dtype = next(model.parameters()).dtype
    optimizer = torch.optim.AdamW(
        model.parameters(), 1e-2, weight_decay=0.1, capturable=counts_there
    )
    batches = [torch.randn(8, *shape).to(dtype) for _ in range(STEPS)]
    losses, waits = [], []
    with watch(model, optimizer, store=store.url, **options) as w:
        for step, x in enumerate(batches, 1):
            if device:
                device.captures = step == captured
            with device or torch.enable_grad():
                before = device.waited if device else 0
                with torch.autocast("cpu", torch.bfloat16, enabled=half):
                    loss = loss_of(model, x)
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
                w.step(loss=loss)
                waits.append(device.waited - before if device else 0)
            losses.append(float(loss.detach()))
    return Trained(losses, store.since(w.run_id).batch, waits)


def _same(there: Trained, here: Trained) -> None:
    np.testing.assert_array_equal(there.losses, here.losses)
    for key in METRICS:
        close = {"rtol": 2e-4, "atol": 1e-6, "err_msg": key}
        np.testing.assert_allclose(there.batch.metric(key), here.batch.metric(key), **close)


@pytest.mark.parametrize("name", ALL)
def test_numbers_are_those_of_the_processor(store: Store, name: str) -> None:
    here = train(store, name, None, every=1)
    _same(train(store, name, Elsewhere("cuda", DEVICES["cuda"]), every=1), here)


@pytest.mark.parametrize("name", SOME)
def test_where_there_is_no_float64_they_are_as_well(store: Store, name: str) -> None:
    here = train(store, name, None, every=1)
    _same(train(store, name, Elsewhere("mps", DEVICES["mps"]), every=1), here)


@pytest.mark.parametrize("kind", DEVICES)
@pytest.mark.parametrize("name", ["mlp", "transformer", "masked"])
def test_autocast_halves_no_number(
    store: Store, name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        pending, "MOST_ELSEWHERE", 400
    )  # read within the forward pass, some at once
    here = train(store, name, None, half=True, every=1)
    there = train(store, name, Elsewhere(kind, DEVICES[kind]), half=True, every=1)
    _same(there, here)


@pytest.mark.parametrize("name", ["cnn", "transformer", "masked"])
def test_pieces_of_tensors_come_to_the_same(
    store: Store, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacked, "AT_ONCE", 10)
    here = train(store, name, None, every=1)
    _same(train(store, name, Elsewhere("cuda", True), every=1), here)


@pytest.mark.parametrize(
    "share", [0.3, *(pytest.param(share, marks=pytest.mark.slow) for share in (1.0, 0.03))]
)
@pytest.mark.parametrize("name", SOME)
def test_where_no_memory_is_left_numbers_are_missing_and_training_goes_on(
    store: Store, name: str, share: float
) -> None:
    here = train(store, name, None, every=1)
    chance = random.Random(0)
    there = train(store, name, Elsewhere("cuda", True, lambda: chance.random() < share), every=1)
    np.testing.assert_array_equal(there.losses, here.losses)
    for key in METRICS:
        found, right = there.batch.metric(key), here.batch.metric(key)
        assert found.shape == right.shape
        known = ~np.isnan(found)
        np.testing.assert_allclose(found[known], right[known], 2e-4, 1e-6, err_msg=key)


@pytest.mark.parametrize("counts_there", [False, True])
@pytest.mark.parametrize("name", SOME)
def test_what_is_captured_in_a_graph_is_let_be(store: Store, name: str, counts_there: bool) -> None:
    known: dict[str, Any] = {"every": 1, "counts_there": counts_there}
    here = train(store, name, Elsewhere("cuda", True) if counts_there else None, **known)
    there = train(store, name, Elsewhere("cuda", True), captured=2, **known)
    np.testing.assert_array_equal(there.losses, here.losses)
    for key in METRICS:
        found, right = there.batch.metric(key), here.batch.metric(key)
        close = {"rtol": 2e-4, "atol": 1e-6, "err_msg": key}
        np.testing.assert_allclose(found[:1], right[:1], **close)
        known = ~np.isnan(found[1])
        np.testing.assert_allclose(found[1][known], right[1][known], **close)


@pytest.mark.parametrize("kind", DEVICES)
def test_steps_that_are_not_measured_wait_for_nothing(store: Store, kind: str) -> None:
    found = train(store, "transformer", Elsewhere(kind, DEVICES[kind]), every=1000)
    assert found.batch.steps.tolist() == [1]
    assert found.waits[1:] == [0] * (STEPS - 1)


class Attending(nn.Module):
    """Attention behind a layer, which routes among experts as well."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate, self.experts = (
            nn.Linear(width, 2),
            nn.Parameter(torch.eye(width).repeat(2, 1, 1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        chosen = self.gate(x).topk(1)
        mixed = (
            chosen.values.sigmoid() * (self.experts[chosen.indices[:, 0]] @ x[..., None])[..., 0]
        )
        return F.scaled_dot_product_attention(*[mixed[None, None]] * 3)[0, 0]


class Exploding(nn.Module):
    """No longer finite after a few layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) * 1e30


PARTS: dict[str, Callable[[int], nn.Module]] = {
    "plain": lambda width: nn.Sequential(nn.Linear(width, width), nn.Tanh()),
    "attending": Attending,
    "exploding": Exploding,
}


@pytest.mark.parametrize("counts_there", [False, True])
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_deep_model_is_waited_for_as_often_as_a_shallow_one(
    store: Store, part: Callable[[int], nn.Module], counts_there: bool
) -> None:
    waits = []
    for depth in (3, 16):
        model = nn.Sequential(*map(part, [4] * depth))
        device = Elsewhere("cuda", True)
        found = train_it(store, model, (4,), device, counts_there=counts_there, every=1)
        waits.append(found.waits[1:])
    # Once more for what nearly vanishes, for steps that are counted there, and for specials; once
    # for each kind of what is not finite.
    more = {Attending: 1, Exploding: 6}.get(part, 0)
    assert max(waits[1]) <= max(waits[0]) + 1 <= 9 + counts_there + more


def test_several_losses_are_a_mean_where_there_is_no_float64(store: Store) -> None:
    model, x = nn.Linear(4, 2), torch.randn(8, 4)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, store=store.url, every=1) as w, Elsewhere("mps", doubles=False):
        losses = model(x).square().mean(0)
        losses.sum().backward()
        optimizer.step()
        w.step(loss=losses)
    mean = float(losses.detach().mean())
    assert store.since(w.run_id).batch.scalar("loss")[0] == pytest.approx(mean)
