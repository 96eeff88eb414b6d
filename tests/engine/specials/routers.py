"""What is told of routers, and what it should be."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from diagnostics import watch
from diagnostics.engine.specials.router import Routers
from diagnostics.store.records import StepBatch
from diagnostics.store.store import Store

EXPERTS = 4


def told_of(store: Store, model: Any, x: Any, steps: int = 2, passes: int = 1) -> "Told":
    optimizer = torch.optim.SGD(model.parameters(), 1e-2)
    with watch(model, optimizer, store=store, every=1) as w:
        for _ in range(steps):
            for _ in range(passes):
                found = model(x)
                loss = found.loss if hasattr(found, "loss") else found.square().mean()
                loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step(loss=loss)
    return Told(store.since(w.run_id).batch, w.subject.names)


class Told(dict[str, dict[str, float]]):
    """The newest step's numbers by metric and layer."""

    def __init__(self, batch: StepBatch, names: tuple[str, ...]) -> None:
        for key in Routers.metrics:
            row = batch.metric(key)[-1].tolist()
            self[key] = {
                name: value for name, value in zip(names, row, strict=False) if value == value
            }


def evenness(share: Tensor) -> float:
    return float(torch.special.entr(share).sum() / np.log(len(share)))
