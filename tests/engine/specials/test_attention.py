"""Attention's logits and entropies, against softmax written out in float64."""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention.bias import causal_lower_right

from diagnostics import watch
from diagnostics.engine.specials import attention
from diagnostics.engine.specials.attention import Attention
from diagnostics.engine.specials.special import Reading, brought
from diagnostics.store.records import StepBatch
from diagnostics.store.store import Store

BATCH, TOKENS, WIDTH, HEADS = 2, 6, 16, 4
KEEP = torch.rand(TOKENS, TOKENS, generator=torch.Generator().manual_seed(5)) > 0.4


class Block(nn.Module):
    """Attention between two projections, and something behind it."""

    def __init__(self, attend: Callable[..., Tensor], shared: int = HEADS, **options: Any) -> None:
        super().__init__()
        self.attend, self.options = attend, options
        self.qkv = nn.Linear(WIDTH, WIDTH + 2 * shared * WIDTH // HEADS)
        self.proj, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 1)
        self.sizes = [WIDTH, shared * WIDTH // HEADS, shared * WIDTH // HEADS]
        self.met: list[tuple[Tensor, Tensor]] = []

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            part.unflatten(-1, (-1, WIDTH // HEADS)).transpose(-3, -2)
            for part in self.qkv(x).split(self.sizes, -1)
        )
        self.met.append((q.detach().double(), k.detach().double()))
        y = self.attend(q, k, v, **self.options)
        return self.head(self.proj(y.transpose(-3, -2).flatten(-2)).relu())


def _by_hand(q: Tensor, k: Tensor, v: Tensor, soft: Callable[..., Tensor], keep: Tensor) -> Tensor:
    weights = (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(~keep, -1e9)
    return F.dropout(soft(weights, dim=-1), 0.1) @ v


def _expected(logits: Tensor, keep: Tensor) -> list[float]:
    """The largest logit, the mean head's entropy and the lowest one's: heads stand at -3."""
    logits = logits.where(keep, -torch.inf)
    kept = keep.expand(logits.shape).sum(-1)
    p = logits.softmax(-1)
    entropy = -(p * p.clamp_min(1e-300).log()).sum(-1) / kept.log()
    heads = [
        one[one.isfinite()].mean() for one in entropy.where(kept > 1, torch.nan).movedim(-2, 0)
    ]
    each = torch.stack(heads)
    return [float(logits.max()), float(each.mean()), float(each.min())]


def _watched(store: Store, model: nn.Module, x: Tensor, steps: int = 2) -> tuple[Any, StepBatch]:
    optimizer = torch.optim.SGD(model.parameters(), 1e-2)
    with watch(model, optimizer, store=store, every=1) as w:
        for _ in range(steps):
            found = model(x)
            found = found[0] if isinstance(found, tuple) else found
            found.float().square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step()
    return w, store.since(w.run_id).batch


def _told(batch: StepBatch, layer: int) -> list[float]:
    """The newest step's numbers, which no other layer has."""
    rows = np.stack([batch.metric(key)[-1] for key in Attention.metrics], 1)
    assert np.isnan(np.delete(rows, layer, 0)).all()
    return [float(one) for one in rows[layer]]


SDPA = F.scaled_dot_product_attention
ALL = torch.ones(TOKENS, TOKENS, dtype=torch.bool)
LOWER = ALL.tril()
BIAS = torch.randn(HEADS, TOKENS, TOKENS, generator=torch.Generator().manual_seed(6))

OPTIONS: dict[str, tuple[dict[str, Any], Tensor, float, Tensor | float]] = {
    "plain": ({}, ALL, 0.5, 0.0),
    "causal": ({"is_causal": True}, LOWER, 0.5, 0.0),
    "kept": ({"attn_mask": KEEP}, KEEP, 0.5, 0.0),
    "each_samples_own": (
        {"attn_mask": (own := torch.stack([LOWER, KEEP])[:, None])}, own, 0.5, 0.0
    ),
    "a_query_without_keys": ({"attn_mask": (none := KEEP & (torch.arange(TOKENS) > 0)[:, None])},
                             none, 0.5, 0.0),
    "added": ({"attn_mask": BIAS}, ALL, 0.5, BIAS),
    "least_of_a_type": (
        {"attn_mask": torch.zeros(TOKENS, TOKENS).masked_fill(~KEEP, torch.finfo().min)},
        KEEP, 0.5, 0.0,
    ),
    "scaled": ({"scale": 3.0}, ALL, 3.0, 0.0),
    "dropout": ({"dropout_p": 0.3}, ALL, 0.5, 0.0),
    "shared_keys": ({"enable_gqa": True}, ALL, 0.5, 0.0),
    "shared_and_causal": ({"enable_gqa": True, "is_causal": True}, LOWER, 0.5, 0.0),
}  # fmt: skip


@pytest.mark.parametrize("key", OPTIONS)
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_numbers_are_those_of_a_softmax_written_out(
    store: Store, key: str, kind: torch.dtype
) -> None:
    torch.manual_seed(1)
    options, keep, scale, bias = OPTIONS[key]
    options = {
        name: v.to(kind) if isinstance(v, Tensor) and v.is_floating_point() else v
        for name, v in options.items()
    }
    shared = 2 if "enable_gqa" in options else HEADS
    model = Block(SDPA, shared, **options).to(kind)
    _, batch = _watched(store, model, torch.randn(BATCH, TOKENS, WIDTH, dtype=kind))
    q, k = model.met[-1]
    logits = scale * q @ k.repeat_interleave(HEADS // shared, 1).mT + bias
    near = 1e-2 if kind is torch.bfloat16 else 1e-5
    assert _told(batch, 1) == pytest.approx(_expected(logits, keep), rel=near)


BY_HAND = {"function": F.softmax, "torch": torch.softmax, "method": Tensor.softmax}


@pytest.mark.parametrize("how", BY_HAND)
def test_attention_by_hand_is_seen(store: Store, how: str) -> None:
    torch.manual_seed(2)
    model = Block(_by_hand, soft=BY_HAND[how], keep=KEEP)
    _, batch = _watched(store, model, torch.randn(BATCH, TOKENS, WIDTH))
    q, k = model.met[-1]
    assert _told(batch, 1) == pytest.approx(_expected(q @ k.mT / 2, KEEP), rel=1e-5)


class Own(nn.Module):
    """Torch's own module, with a layer behind it."""

    def __init__(self, options: dict[str, Any], given: dict[str, Any]) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True, **options)
        self.head, self.given = nn.Linear(WIDTH, 1), given
        self.met: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            self.met.append(self._logits(x.double()))
        return self.head(self.attention(x, x, x, **self.given)[0].relu())

    def _logits(self, x: Tensor) -> Tensor:
        weight, bias = self.attention.in_proj_weight, self.attention.in_proj_bias
        q, k, _ = F.linear(x, weight.double(), bias.double()).chunk(3, -1)
        q, k = (one.unflatten(-1, (HEADS, -1)).transpose(1, 2) for one in (q, k))
        return q @ k.mT / 2


PADDED = torch.arange(TOKENS) > torch.tensor([[4], [1]])
OWN: dict[str, tuple[dict[str, Any], dict[str, Any], Tensor]] = {
    "plain": ({}, {}, ALL),
    "dropout": ({"dropout": 0.2}, {}, ALL),
    "causal": ({}, {"is_causal": True, "attn_mask": ~LOWER}, LOWER),
    "kept": ({}, {"attn_mask": ~KEEP}, KEEP),
    "padded": ({}, {"key_padding_mask": PADDED}, ~PADDED[:, None, None]),
}


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("key", OWN)
def test_torchs_own_module_is_seen(store: Store, key: str, weights: bool) -> None:
    torch.manual_seed(3)
    options, given, keep = OWN[key]
    model = Own(options, {**given, "need_weights": weights})
    _, batch = _watched(store, model, torch.randn(BATCH, TOKENS, WIDTH))
    assert _told(batch, 0) == pytest.approx(_expected(model.met[-1], keep), rel=1e-5)


@pytest.mark.parametrize("weights", [True, False])
def test_watching_changes_no_bit(store: Store, weights: bool) -> None:
    def losses(every: int | None) -> list[Tensor]:
        torch.manual_seed(4)
        model = nn.Sequential(
            nn.Linear(WIDTH, WIDTH),
            Block(SDPA, dropout_p=0.2),
            nn.Linear(1, WIDTH),
            Own({"dropout": 0.1}, {"need_weights": weights}),
        )
        optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
        watched = watch(model, optimizer, store=store, every=every) if every else nullcontext()
        found = []
        with watched as w:
            for _ in range(6):
                x = torch.randn(BATCH, TOKENS, WIDTH)
                found.append(loss := (model(x) - x.mean()).square().mean())
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
                if every:
                    w.step(loss=loss)
        return [*found, *model.parameters()]

    bare, *others = (losses(every) for every in (None, 1, 2))
    for watched in others:
        assert all(torch.equal(one, other) for one, other in zip(bare, watched, strict=True))


def test_a_long_sequence_is_sampled_evenly(store: Store) -> None:
    torch.manual_seed(7)
    model = Block(SDPA)
    _, batch = _watched(store, model, torch.randn(20, 50, WIDTH))
    q, k = model.met[-1]
    logits = (q @ k.mT / 2)[::10, :, 2::4]
    keep = torch.ones(logits.shape[-2:], dtype=torch.bool)
    assert _told(batch, 1) == pytest.approx(_expected(logits, keep), rel=1e-5)


def test_micro_batches_come_together(store: Store) -> None:
    torch.manual_seed(8)
    model = Block(SDPA)
    optimizer = torch.optim.SGD(model.parameters(), 1e-2)
    with watch(model, optimizer, store=store, every=1) as w:
        for _ in range(2):
            model(torch.randn(BATCH, TOKENS, WIDTH)).square().mean().backward()
        optimizer.step()
        w.step()
    with torch.no_grad():
        both = torch.cat([q @ k.mT / 2 for q, k in model.met])
    told = _told(store.since(w.run_id).batch, 1)
    assert told == pytest.approx(_expected(both, ALL), rel=1e-5)


def test_what_no_step_applied_does_not_count(store: Store) -> None:
    torch.manual_seed(9)
    model = Block(SDPA)
    optimizer = torch.optim.SGD(model.parameters(), 1e-2)
    with watch(model, optimizer, store=store, every=1) as w:
        model(100 * torch.randn(BATCH, TOKENS, WIDTH)).square().mean().backward()
        optimizer.zero_grad()
        model(torch.randn(BATCH, TOKENS, WIDTH)).square().mean().backward()
        optimizer.step()
        w.step()
    q, k = model.met[-1]
    told = _told(store.since(w.run_id).batch, 1)
    assert told == pytest.approx(_expected(q @ k.mT / 2, ALL), rel=1e-5)


def _jagged(*given: Tensor) -> Tensor:
    """Samples of lengths of their own, as torch keeps them side by side."""
    parts = (
        torch.nested.as_nested_tensor(list(one.transpose(1, 2)), layout=torch.jagged)
        for one in given
    )
    return SDPA(*(one.transpose(1, 2) for one in parts)).transpose(1, 2).to_padded_tensor(0.0)


STRANGE = {
    "nested": (lambda q, k, v: _jagged(q, k, v).transpose(1, 2), "NestedTensor"),
    "a_class_of_masks": (
        lambda q, k, v: SDPA(q, k, v, causal_lower_right(TOKENS, TOKENS)),
        "CausalBias",
    ),
}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")  # torch's own
@pytest.mark.parametrize("key", STRANGE)
def test_what_cannot_be_read_is_named(store: Store, key: str) -> None:
    attend, name = STRANGE[key]
    w, batch = _watched(store, Block(attend), torch.randn(BATCH, TOKENS, WIDTH))
    assert np.isnan(batch.metric("attention_logit")).all()
    assert any(name in sentence for sentence in w.subject.unseen)


def test_only_measured_steps_are_looked_at_and_that_costs_of_the_budget(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Tensor] = []

    def slow(result: Tensor, *args: Any, **kwargs: Any) -> None:
        asked.append(result)
        time.sleep(0.01)

    monkeypatch.setattr(attention, "_of_softmax", slow)
    model = Block(_by_hand, soft=F.softmax, keep=ALL)
    optimizer = torch.optim.SGD(model.parameters(), 1e-2)
    seconds = []
    with watch(model, optimizer, store=store, every=3) as w:
        for _ in range(7):
            model(torch.randn(BATCH, TOKENS, WIDTH)).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            assert w._session is not None
            seconds.append(w._session.observer.seconds)
            w.step()
    assert len(asked) == len(store.since(w.run_id).batch)
    assert [one >= 0.01 for one in seconds] == [step % 3 == 0 for step in range(7)]


SHAPES: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "one_head": ((2, 6, 4), (2, 5, 4), {}),
    "no_heads": ((6, 4), (5, 4), {}),
    "windows": ((2, 3, 4, 6, 4), (2, 3, 4, 6, 4), {}),
    "windows_of_shared_keys": ((2, 3, 4, 6, 4), (2, 3, 2, 6, 4), {"enable_gqa": True}),
    "one_query": ((2, 4, 1, 4), (2, 4, 7, 4), {}),
    "one_key": ((2, 4, 3, 4), (2, 4, 1, 4), {}),
    "more_keys": ((2, 4, 5, 4), (2, 4, 9, 4), {"is_causal": True}),
    "fewer_keys": ((2, 4, 9, 4), (2, 4, 5, 4), {"is_causal": True}),
    "keys_of_all_samples": ((2, 4, 6, 4), (1, 4, 6, 4), {}),
    "queries_of_all_samples": ((1, 4, 6, 4), (2, 4, 6, 4), {}),
    "bias_of_a_head": ((2, 4, 6, 4), (2, 4, 6, 4), {"attn_mask": torch.randn(4, 1, 6)}),
    "bias_of_all": ((2, 4, 6, 4), (2, 4, 6, 4), {"attn_mask": torch.randn(2, 1, 1, 6)}),
    "no_tokens": ((2, 4, 0, 4), (2, 4, 0, 4), {}),
}


@pytest.mark.parametrize("at_once", [1, attention.AT_ONCE])
@pytest.mark.parametrize("key", SHAPES)
def test_any_shape_that_torch_takes_is_read(
    key: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "AT_ONCE", at_once)
    torch.manual_seed(10)
    first, second, options = SHAPES[key]
    q, k = torch.randn(first), torch.randn(second)
    readers = Attention(nn.Identity(), []).readers
    seen = readers[SDPA](SDPA(q, k, k, **options), q, k, k, **options)
    if q.ndim < 3 or not q.numel():
        assert seen is None
        return
    sums, mixed = seen
    shared = q.shape[-3] // k.shape[-3]
    logits = q.double() @ k.double().repeat_interleave(shared, -3).mT / 2
    logits = logits + options.get("attn_mask", 0.0)
    keep = torch.ones(logits.shape[-2:], dtype=torch.bool)
    if options.get("is_causal"):
        keep = keep.tril()
    (read,) = brought([Reading(0, seen)])
    told = attention._pooled([read.numbers], 1)
    if key == "one_key":
        assert np.isnan(told).all() and sums[1].eq(0).all()
        return
    expected = _expected(logits, keep)
    if mixed:  # nobody knows which of them are heads
        expected[2] = expected[1]
    assert told == pytest.approx(expected, rel=1e-5)


def test_what_goes_wrong_in_reading_is_named_and_training_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: Any, **options: Any) -> None:
        raise ValueError("nobody has thought of this")

    monkeypatch.setattr(attention, "_of_softmax", broken)
    w, _ = _watched(store, Block(_by_hand, soft=F.softmax, keep=ALL), torch.randn(2, TOKENS, WIDTH))
    assert any("ValueError" in sentence for sentence in w.subject.unseen)
