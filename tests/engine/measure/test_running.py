"""Cosines of updates, and gradients by what optimizers remember of them, against plain torch."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim import (
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
)

from diagnostics import watch
from diagnostics.engine.measure import reductions
from diagnostics.engine.measure.updates import Updates
from diagnostics.store.records import StepBatch
from diagnostics.store.store import Store
from tests.engine.watch.loops.others import Lookahead

STEPS = 6


class Kind(NamedTuple):
    """An optimizer, and how it squares: what of v is kept, ε, and λ inside of what is squared."""

    make: Callable[[Any], Any]
    forgets: float = math.nan
    floor: float = 1e-8
    decay: float = 0.0


class Stranger(Optimizer):
    """Keeps squares of scaled gradients under Adam's name, as Prodigy does."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, {"betas": (0.9, 0.99), "eps": 1e-8, "lr": 0.01})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for p in self.param_groups[0]["params"]:
            state = self.state[p]
            squares = state.setdefault("exp_avg_sq", torch.zeros_like(p))
            squares.mul_(0.99).addcmul_(1e-3 * p.grad, 1e-3 * p.grad, value=0.01)
            state["step"] = state.get("step", 0) + 1
            p.sub_(0.01 * p.grad.sign())


KINDS = {
    "Adam": Kind(lambda p: Adam(p, 0.01), 0.999),
    "Adam, a quick one": Kind(lambda p: Adam(p, 0.01, (0.5, 0.8), eps=1e-3), 0.8, 1e-3),
    "Adam with decay": Kind(lambda p: Adam(p, 0.01, weight_decay=0.3), 0.999, decay=0.3),
    "Adam upwards": Kind(
        lambda p: Adam(p, 1e-3, weight_decay=0.3, maximize=True), 0.999, decay=-0.3
    ),
    "Adam, amsgrad": Kind(lambda p: Adam(p, 0.01, amsgrad=True), 0.999),
    "Adam, foreach": Kind(lambda p: Adam(p, 0.01, foreach=True), 0.999),
    "Adam, fused": Kind(lambda p: Adam(p, 0.01, fused=True), 0.999),
    "AdamW": Kind(lambda p: AdamW(p, 0.01, weight_decay=0.3), 0.999),
    "NAdam": Kind(lambda p: NAdam(p, 0.01, weight_decay=0.1), 0.999, decay=0.1),
    "NAdam, apart": Kind(
        lambda p: NAdam(p, 0.01, weight_decay=0.1, decoupled_weight_decay=True), 0.999
    ),
    "RAdam": Kind(lambda p: RAdam(p, 0.01), 0.999),
    "RMSprop": Kind(lambda p: RMSprop(p, 0.01), 0.99),
    "RMSprop, centered": Kind(lambda p: RMSprop(p, 1e-3, centered=True, momentum=0.9), 0.99),
    "Adadelta": Kind(lambda p: Adadelta(p, 1.0), 0.9, 1e-6),
    "a wrapper": Kind(lambda p: Lookahead(Adam(p, 0.01)), 0.999),
    "a rate that is a tensor": Kind(lambda p: Adam(p, torch.tensor(0.01)), 0.999),
    "SGD": Kind(lambda p: SGD(p, 0.1, momentum=0.9)),
    "Adagrad": Kind(lambda p: Adagrad(p, 0.01)),
    "Adamax": Kind(lambda p: Adamax(p, 0.01)),
    "Adafactor": Kind(lambda p: Adafactor(p, 0.01)),
    "squares of something else": Kind(Stranger),
}


@pytest.fixture(params=["native", "torch", "double"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "torch":
        monkeypatch.setattr(reductions, "NATIVE", set())
        monkeypatch.setattr(Updates, "_native", lambda self, rows: False)
    return str(request.param)


def _model(kind: str) -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 20), nn.Tanh(), nn.Linear(20, 20), nn.GELU())
    model.append(nn.Linear(20, 3))
    return model.double() if kind == "double" else model


class Expected:
    """What plain torch says of each step: cosines and RMS(g/√v), [layers]."""

    def __init__(self, model: nn.Sequential, kind: Kind) -> None:
        self._weights = [model[k].weight for k in (0, 2, 4)]
        self._kind, self._count = kind, 0
        self._squares = [torch.zeros_like(w, dtype=torch.float64) for w in self._weights]
        self._before: list[Tensor] = []
        self._last: list[Tensor] = []
        self.cosines: list[list[float]] = []
        self.surprises: list[list[float]] = []

    def before(self) -> None:
        self._count += 1
        self._before = [w.detach().double().clone() for w in self._weights]
        one, told = self._kind, []
        for k, (w, p) in enumerate(zip(self._weights, self._before, strict=True)):
            square = (w.grad.double() + one.decay * p).square()
            self._squares[k] = one.forgets * self._squares[k] + (1 - one.forgets) * square
            mean = self._squares[k] / (1 - one.forgets**self._count)
            told.append(float((square / mean.clamp(min=one.floor**2)).mean().sqrt()))
        self.surprises.append(told)

    def after(self) -> None:
        moved = [w.detach().double() - p for w, p in zip(self._weights, self._before, strict=True)]
        last, self._last = self._last, moved
        cosine = nn.CosineSimilarity(0)
        pairs = zip(moved, last, strict=True) if last else ()
        self.cosines.append(
            [float(cosine(a.flatten(), b.flatten())) for a, b in pairs] or [math.nan] * 3
        )


def _trained(store: Store, path: str, kind: Kind, every: int = 1) -> tuple[StepBatch, Expected]:
    model = _model(path)
    optimizer, expected = kind.make(model.parameters()), Expected(model, kind)
    dice = torch.Generator().manual_seed(1)
    with watch(model, optimizer, store=store, every=every) as w:
        for i in range(STEPS):
            x = torch.randn(16, 6, generator=dice, dtype=model[0].weight.dtype)
            (3**i * model(x)).square().mean().backward()
            if i % every == 0:
                expected.before()
            optimizer.step()
            if i % every == 0:
                expected.after()
            optimizer.zero_grad()
            w.step()
    return store.since(w.run_id).batch, expected


@pytest.mark.parametrize("name", KINDS)
def test_they_are_what_plain_torch_says(store: Store, path: str, name: str) -> None:
    batch, expected = _trained(store, path, KINDS[name])
    assert len(batch) == STEPS
    cosine, surprise = batch.metric("update_cosine"), batch.metric("surprise")
    assert cosine == pytest.approx(np.array(expected.cosines), abs=1e-4, nan_ok=True)
    assert np.isnan(cosine[0]).all() and np.isfinite(cosine[1:]).all()
    assert surprise == pytest.approx(np.array(expected.surprises), rel=1e-3, nan_ok=True)
    assert np.isnan(surprise).all() == math.isnan(KINDS[name].forgets)


def test_where_steps_are_left_out_it_is_the_last_two_measured(store: Store, path: str) -> None:
    batch, expected = _trained(store, path, KINDS["SGD"], every=3)
    assert batch.steps.tolist() == [1, 4]
    assert batch.metric("update_cosine")[1] == pytest.approx(expected.cosines[1], abs=1e-4)


def test_of_large_weights_some_entries_are_enough(store: Store, path: str) -> None:
    kind = torch.float64 if path == "double" else torch.float32
    model = nn.Sequential(nn.Linear(300, 400), nn.GELU(), nn.Linear(400, 300)).to(kind)
    optimizer = AdamW(model.parameters(), 1e-3)
    last: Any = None
    with watch(model, optimizer, store=store, every=1) as w:
        for _ in range(3):
            before = model[0].weight.detach().clone()
            model(torch.randn(8, 300, dtype=kind)).square().mean().backward()
            gradient = model[0].weight.grad.double()
            optimizer.step()
            optimizer.zero_grad()
            moved = (model[0].weight.detach() - before).double()
            known = optimizer.state[model[0].weight]
            mean = known["exp_avg_sq"].double() / (1 - 0.999 ** float(known["step"]))
            surprise = float((gradient.square() / mean.clamp(min=1e-16)).mean().sqrt())
            cosine, last = last is not None and float((moved * last).sum()), moved / moved.norm()
            w.step()
    batch = store.since(w.run_id).batch
    told = batch.metric("update_cosine")[-1, 0], batch.metric("surprise")[-1, 0]
    assert told == pytest.approx((cosine / float(moved.norm()), surprise), abs=0.03)


def test_weights_of_different_sizes_count_by_their_entries(store: Store, path: str) -> None:
    """Of one all entries are looked at, of the other some; one moves, the other hardly."""
    kind = torch.float64 if path == "double" else torch.float32
    model = nn.LSTM(2, 200, dtype=kind)
    optimizer = SGD(
        [{"params": [model.weight_ih_l0], "lr": 100.0}, {"params": [model.weight_hh_l0]}], 1e-3
    )
    with watch(model, optimizer, store=store, every=1) as w:
        for _ in range(3):
            before = [p.detach().clone() for p in (model.weight_ih_l0, model.weight_hh_l0)]
            model(torch.randn(5, 8, 2, dtype=kind))[0].square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            after = model.weight_ih_l0, model.weight_hh_l0
            moved = [(a.detach() - b).double() for a, b in zip(after, before, strict=True)]
            w.step()
    batch = store.since(w.run_id).batch
    norm = math.hypot(*(float(one.norm()) for one in moved))
    weights = math.hypot(*(float(one.detach().norm()) for one in after))
    assert batch.metric("update_norm")[-1, 0] == pytest.approx(norm, rel=0.02)
    assert batch.metric("weight_norm")[-1, 0] == pytest.approx(weights, rel=0.02)


def test_of_parameters_without_a_v_nothing_is_told_beside_those_with(store: Store) -> None:
    model = _model("native")
    optimizers = [SGD([model[0].weight], 0.1), Adam([*model[2].parameters(), model[4].weight])]
    with watch(model, optimizers, store=store, every=1) as w:
        for _ in range(2):
            model(torch.randn(8, 6)).square().mean().backward()
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()
            w.step()
    surprise = store.since(w.run_id).batch.metric("surprise")
    assert np.isnan(surprise).tolist() == [[True, False, False]] * 2
