"""Metrics of single entries of gradients, against autograd."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from diagnostics import watch
from diagnostics.engine.measure import reductions
from diagnostics.store.records import METRIC_INDEX
from diagnostics.store.store import Store

KEYS = ("signal_grad_max", "signal_grad_kurtosis", "signal_small", "grad_zeros")


def _expected(model: nn.Sequential, batches: list[torch.Tensor]) -> np.ndarray:
    """[layers, keys] of two micro-batches, with plain hooks."""
    heard: dict[int, list[torch.Tensor]] = {0: [], 1: []}
    linears = [model[0], model[2]]
    model.zero_grad()
    for x in batches:
        z = linears[0](x)
        out = linears[1](F.relu(z))
        for i, one in enumerate((z, out)):
            one.register_hook(lambda g, i=i: heard[i].append(g.flatten().double()))
        (out.square().sum() * 1e-19).backward()
    rows = []
    for i, linear in enumerate(linears):
        signal = torch.cat(heard[i])
        size, tiny = signal.abs().max(), torch.finfo(torch.float32).tiny
        scaled = signal / size
        kurtosis = scaled.pow(4).mean() / scaled.square().mean() ** 2
        small = ((signal.abs() < tiny) & (signal != 0)).double().mean()
        zeros = (linear.weight.grad == 0).double().mean()
        rows.append([float(one) for one in (size, kurtosis, small, zeros)])
    return np.array(rows)


@pytest.mark.parametrize("native", [True, False])
def test_they_are_those_of_all_entries_of_the_step(
    store: Store, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not native:
        monkeypatch.setattr(reductions, "NATIVE", set())
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 40), nn.ReLU(), nn.Linear(40, 3))
    with torch.no_grad():
        model[0].bias[:10] = -100  # dead: no gradient at all
        model[2].weight[:, 10:20] *= 1e-19  # signals below the normal range of float32
    batches = [torch.randn(8, 6), torch.randn(5, 6)]
    expected = _expected(model, batches)
    assert 0.05 < expected[0, 2] < 0.5 and (expected[:, 3] >= 0.25).all()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    optimizer.zero_grad()
    with watch(model, optimizer, store=store, every=1) as w:
        for x in batches:
            (model(x).square().sum() * 1e-19).backward()
        optimizer.step()
        w.step()
    values = store.since(w.run_id).batch.values[0]
    found = values[:, [METRIC_INDEX[key] for key in KEYS]]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_where_nothing_comes_back_there_is_no_kurtosis(store: Store) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
    with torch.no_grad():
        model[2].weight.zero_()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, store=store, every=1) as w:
        model(torch.randn(3, 4)).sum().backward()
        optimizer.step()
        w.step()
    batch = store.since(w.run_id).batch
    assert batch.metric("signal_grad_max")[0, 0] == 0
    assert np.isnan(batch.metric("signal_grad_kurtosis")[0, 0])
    assert batch.metric("signal_grad_kurtosis")[0, 1] == pytest.approx(1)
    assert batch.metric("grad_zeros")[0, 0] == 1
