"""Routers' loads, against counts of what was chosen."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diagnostics import watch
from diagnostics.engine.measure.layers import Layer
from diagnostics.engine.specials.router import Routers
from diagnostics.store.store import Store
from tests.engine.specials.routers import EXPERTS, evenness, told_of

WIDTH, TOKENS = 8, 60
OFF = torch.tensor([0.0, 0.0, -1e4, 0.0])
"""Keeps tokens from the third expert."""

Choose = Callable[[Tensor], Tensor]


def _expert() -> nn.Module:
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH))


class Mixture(nn.Module):
    """A gate, a list of experts, and weights for each of them, 0 for those that were not chosen."""

    def __init__(self, choose: Choose) -> None:
        super().__init__()
        self.gate, self.choose = nn.Linear(WIDTH, EXPERTS), choose
        self.experts = nn.ModuleList(_expert() for _ in range(EXPERTS))
        self.head = nn.Linear(WIDTH, 1)
        self.met: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        weights = self.choose(self.gate(x))
        self.met.append(weights.detach())
        y = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            at = weights[:, i] > 0
            y = y.index_put((at,), y[at] + weights[at, i, None] * expert(x[at]))
        return self.head(y)


def _kept(scores: Tensor, indices: Tensor) -> Tensor:
    return scores * torch.zeros_like(scores).scatter(-1, indices, 1.0)


def _drawn(z: Tensor) -> Tensor:
    p = (z + OFF).softmax(-1)
    return _kept(p, torch.multinomial(p, 1))


CHOICES: dict[str, Choose] = {
    "topk_of_softmax": lambda z: _kept(p := (z + OFF).softmax(-1), p.topk(2, dim=-1).indices),
    "softmax_of_topk": lambda z: torch.zeros_like(z).scatter(
        -1, (top := torch.topk(z + OFF, 2))[1], F.softmax(top[0], -1)
    ),
    "sigmoid": lambda z: _kept(p := (z + OFF).sigmoid(), torch.topk(p, k=1)[1]),
    "argmax": lambda z: _kept(p := F.softmax(z + OFF, dim=1), torch.argmax(p, -1)[:, None]),
    "max": lambda z: _kept(p := torch.softmax(z + OFF, 1), p.max(-1, keepdim=True)[1]),
    "drawn": _drawn,
    "gumbel": lambda z: F.gumbel_softmax(z + OFF, hard=True),
}


@pytest.mark.parametrize("key", CHOICES)
def test_an_idle_expert_and_shares_are_told(store: Store, key: str) -> None:
    torch.manual_seed(1)
    model = Mixture(CHOICES[key])
    told = told_of(store, model, torch.randn(TOKENS, WIDTH), passes=2)
    got = torch.stack(model.met[-2:]).gt(0).double().sum((0, 1))
    share = got / got.sum()
    assert told["router_evenness"] == pytest.approx({"gate": evenness(share)}, rel=1e-5)
    assert told["idle_experts"] == {"gate": 0.25}
    each = {f"experts.{e}.{i}": float(share[e]) for e in (0, 1, 3) for i in (0, 2)}
    expected = {"gate": float(share.max()), **each}
    assert {**told["expert_share"], "experts.2.0": 0, "experts.2.2": 0} == pytest.approx(
        {**expected, "experts.2.0": 0, "experts.2.2": 0}, rel=1e-5
    )


def test_weights_count_where_nothing_is_chosen(store: Store) -> None:
    torch.manual_seed(2)
    model = Mixture(lambda z: z.softmax(-1))
    told = told_of(store, model, torch.randn(TOKENS, WIDTH))
    share = model.met[-1].double().mean(0)
    assert told["router_evenness"] == pytest.approx({"gate": evenness(share)}, rel=1e-5)
    assert told["idle_experts"] == {}
    assert told["expert_share"]["experts.1.0"] == pytest.approx(float(share[1]), rel=1e-5)


def test_few_tokens_make_no_expert_idle(store: Store) -> None:
    told = told_of(store, Mixture(CHOICES["argmax"]), torch.randn(30, WIDTH))
    assert told["idle_experts"] == {} and "gate" in told["router_evenness"]


class Fused(nn.Module):
    """Experts' weights in one parameter, a gate that is a parameter of the same module."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.randn(EXPERTS, WIDTH))
        self.weight = nn.Parameter(torch.randn(EXPERTS, WIDTH, WIDTH))
        self.met: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        p, index = (x @ self.gate.T).softmax(-1).max(-1)
        self.met.append(index)
        return p[:, None] * (x[:, None] @ self.weight[index])[:, 0]


def test_experts_in_one_parameter(store: Store) -> None:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), Fused(), nn.Linear(WIDTH, 1))
    told = told_of(store, model, torch.randn(TOKENS, WIDTH))
    share = torch.bincount(model[1].met[-1], minlength=EXPERTS).double() / TOKENS
    assert told["router_evenness"] == pytest.approx({"1": evenness(share)}, rel=1e-5)
    assert told["expert_share"] == pytest.approx({"1": float(share.max())}, rel=1e-5)


class Classifier(nn.Module):
    """As many blocks as classes, and the answer's probabilities as its output."""

    def __init__(self, answer: Choose) -> None:
        super().__init__()
        self.first, self.answer = nn.Linear(WIDTH, WIDTH), answer
        self.blocks = nn.ModuleList(_expert() for _ in range(EXPERTS))
        self.head = nn.Linear(WIDTH, EXPERTS)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.answer(self.head(x))


@pytest.mark.parametrize("key", CHOICES)
def test_a_head_of_as_many_classes_as_blocks_is_no_router(store: Store, key: str) -> None:
    told = told_of(store, Classifier(CHOICES[key]), torch.randn(TOKENS, WIDTH), passes=2)
    assert not any(told.values())


@pytest.mark.parametrize("key", CHOICES)
def test_watching_changes_no_bit(store: Store, key: str) -> None:
    def trained(watches: bool) -> list[Tensor]:
        torch.manual_seed(6)
        model = Mixture(CHOICES[key])
        optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
        with watch(model, optimizer, store=store, every=2) if watches else nullcontext() as w:
            for _ in range(6):
                model(torch.randn(TOKENS, WIDTH)).square().mean().backward()
                optimizer.step()
                optimizer.zero_grad()
                if w is not None:
                    w.step()
        return [*model.parameters(), *model.met, torch.get_rng_state()]

    assert all(map(torch.equal, trained(watches=True), trained(watches=False)))


def test_a_large_model_is_not_gone_through_for_each_of_its_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Halves of blocks look like experts; each block would else be set against each layer."""
    model = nn.ModuleList(nn.ModuleList([_expert(), _expert()]) for _ in range(200))
    layers = [
        Layer(name, one, None) for name, one in model.named_modules() if isinstance(one, nn.Linear)
    ]
    met, whole = [0], nn.Module.parameters

    def counted(module: nn.Module, recurse: bool = True) -> Iterator[nn.Parameter]:
        met[0] += 1
        return whole(module, recurse)

    monkeypatch.setattr(nn.Module, "parameters", counted)
    assert not Routers(model, layers).readers
    assert met[0] < 20 * len(list(model.modules()))
