"""Dormant units by the τ-rule, against plain torch."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from diagnostics import watch
from diagnostics.engine.measure import reductions
from diagnostics.store.store import Store
from tests.engine.helpers import trained

TAU = 0.025
SAMPLES = 1000

ACTIVATIONS = [nn.GELU, nn.SiLU, nn.Mish, nn.Softplus, nn.ReLU, nn.ELU, nn.Tanh, nn.Sigmoid]


def _share(outputs: list[torch.Tensor], axis: int) -> float:
    """Sokar et al. 2023, definition 1, of all that a layer put out."""
    whole = torch.cat([h.detach().double() for h in outputs])
    score = whole.abs().movedim(axis, 0).flatten(1).mean(1)
    return float((score / score.mean() <= TAU).double().mean())


def _watched(store: Store, model: Any, activation: nn.Module, shape: tuple[int, ...]) -> Any:
    """The newest share told, and what the activation put out until then."""
    heard: list[torch.Tensor] = []
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    dice = torch.Generator().manual_seed(1)
    hook = activation.register_forward_hook(lambda module, args, h: heard.append(h))
    with watch(model, optimizer, store=store, every=1) as w:
        for _ in range(SAMPLES // shape[0]):
            x = torch.randn(shape, generator=dice, dtype=next(model.parameters()).dtype)
            model(x).float().square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step()
    hook.remove()
    told = store.since(w.run_id).batch.metric("dormant")
    assert np.isnan(told[:-1]).all() and np.isnan(told[-1, -1])
    return told[-1, 0], heard


@pytest.mark.parametrize("path", ["native", "torch", "double", "bfloat16"])
@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_they_are_those_far_below_the_layers_mean(
    store: Store, kind: type[nn.Module], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if path == "torch":
        monkeypatch.setattr(reductions, "NATIVE", set())
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 40), kind(), nn.Linear(40, 3))
    with torch.no_grad():
        model[0].weight[:10] *= 1e-3
        model[0].bias[:10] = torch.linspace(-20, 0, 10)
    model = model.to({"double": torch.double, "bfloat16": torch.bfloat16}.get(path, torch.float))
    told, heard = _watched(store, model, model[1], (50, 6))
    expected = _share(heard, 1)
    assert told == pytest.approx(expected)
    assert expected > 0


@pytest.mark.parametrize("native", [True, False])
def test_of_a_convolution_units_are_channels(
    store: Store, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not native:
        monkeypatch.setattr(reductions, "NATIVE", set())
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 8, 3), nn.GELU(), nn.Flatten(), nn.Linear(8 * 16, 3))
    with torch.no_grad():
        model[0].bias[:3] = -20
    told, heard = _watched(store, model, model[1], (50, 2, 6, 6))
    assert told == pytest.approx(_share(heard, 1)) == 3 / 8


def test_the_lab_counts_them_over_its_probe_set() -> None:
    batch = trained("activation=gelu init=normal init_std=2 depth=4 width=32 steps=2").batch
    told = batch.metric("dormant")
    assert np.isfinite(told[:, :-1]).all() and np.isnan(told[:, -1]).all()
    assert ((told >= batch.metric("dead")) | np.isnan(told)).all()
