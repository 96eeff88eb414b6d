"""What a process has as torch's defaults, as notebooks do, changes no number."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from diagnostics import profile, train, watch
from diagnostics.engine.lab.profiler import portrait
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig


@contextmanager
def _set(set_it: Callable[[Any], object], to: Any, back: Any) -> Iterator[None]:
    set_it(to)
    try:
        yield
    finally:
        set_it(back)


DEFAULTS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "float64": lambda: _set(torch.set_default_dtype, torch.float64, torch.float32),
    "bfloat16": lambda: _set(torch.set_default_dtype, torch.bfloat16, torch.float32),
    "another device": lambda: _set(torch.set_default_device, "meta", None),
    "within a device": lambda: torch.device("meta"),
    "deterministic": lambda: _set(torch.use_deterministic_algorithms, True, False),
    "anomalies are looked for": lambda: torch.autograd.set_detect_anomaly(True),
}


def _watched(store: Store) -> tuple[list[float], Any]:
    generator = torch.Generator().manual_seed(0)
    usual: dict[str, Any] = {"device": "cpu", "dtype": torch.float32}
    model = nn.Sequential(nn.Linear(4, 8, **usual), nn.ReLU(), nn.Linear(8, 2, **usual))
    for p in model.parameters():
        nn.init.normal_(p, generator=generator)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    losses = []
    with watch(model, optimizer, store=store.url, every=1) as w:
        for _ in range(3):
            loss = model(torch.randn(16, 4, generator=generator, **usual)).square().mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step(loss=loss)
            losses.append(float(loss.detach()))
    return losses, store.since(w.run_id).batch.values


@pytest.mark.parametrize("key", DEFAULTS)
def test_a_watched_loop_says_the_same(store: Store, key: str) -> None:
    losses, numbers = _watched(store)
    with DEFAULTS[key]():
        found, said = _watched(store)
    assert found == losses
    np.testing.assert_array_equal(said, numbers)


@pytest.mark.parametrize("key", DEFAULTS)
def test_the_lab_says_the_same(store: Store, key: str) -> None:
    config = RunConfig(depth=3, width=8, steps=12, activation="relu", optimizer="adam")
    loss, start = train(config, store=store).loss, profile(config)
    with DEFAULTS[key]():
        before = torch.get_default_dtype(), torch.get_default_device()
        assert train(config, store=store).loss == loss
        assert profile(config).equals(start)
        assert portrait(config)[1] is not None
        assert (torch.get_default_dtype(), torch.get_default_device()) == before
