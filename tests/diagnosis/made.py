"""Made-up runs of a model of one's own: calm, but for what a test changes."""

from collections.abc import Iterable

import numpy as np

from diagnostics.diagnosis.rules import diagnose
from diagnostics.store.records import METRIC_INDEX, METRICS, SCALAR_INDEX, SCALARS, StepBatch
from diagnostics.subject.watched import WatchedLayer, WatchedModel

LAYERS = 6
CALM = {
    "signal_grad_norm": 1.0,
    "weight_grad_norm": 1.0,
    "clipped_grad_norm": 1.0,
    "activation_mean": 0.3,
    "activation_std": 0.6,
    "activation_max": 3.0,
    "dead": 0.0,
    "sparsity": 0.2,
    "weight_norm": 5.0,
    "update_ratio": 1e-3,
    "update_norm": 5e-3,
}

Values = np.ndarray | float | Iterable[float]


def model(layers: int = LAYERS, activation: str = "relu", **known: object) -> WatchedModel:
    """A model whose layers stand one after the other."""
    places = [WatchedLayer(name=f"layers.{i}", activation=activation) for i in range(layers)]
    return WatchedModel(**{"model": "Net", "layers": tuple(places), **known})


def run(count: int, loss: Values, first: int = 1, **changes: Values) -> StepBatch:
    """So many steps; ``changes`` are metrics [steps, layers] or what becomes that, or scalars."""
    values = np.full((count, LAYERS, len(METRICS)), np.nan, np.float32)
    scalars = np.full((count, len(SCALARS)), np.nan)
    scalars[:, SCALAR_INDEX["loss"]] = loss
    scalars[:, SCALAR_INDEX["lr"]] = 0.01
    for key, value in {**CALM, **changes}.items():
        if key in METRICS:
            values[:, :, METRIC_INDEX[key]] = value
        else:
            scalars[:, SCALAR_INDEX[key]] = value
    return StepBatch(np.arange(first, first + count), values, scalars)


def falling(count: int, start: float = 2.3, end: float = 0.2) -> np.ndarray:
    """A loss of a network that learns."""
    return np.geomspace(start, end, count)


def flat(count: int, level: float = 2.3) -> np.ndarray:
    """A loss of one that does not; batches differ."""
    return level + 0.02 * np.random.default_rng(0).normal(size=count)


def ill(batch: StepBatch, subject: WatchedModel | None = None) -> set[str]:
    """Rules by which it is called ill."""
    return {d.rule for d in diagnose(subject or model(), batch) if d.severity == "ill"}


def said(batch: StepBatch, subject: WatchedModel | None = None) -> set[str]:
    """Rules by which anything is said of it."""
    return {d.rule for d in diagnose(subject or model(), batch) if d.severity != "fine"}
