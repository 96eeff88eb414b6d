"""A network at initialization: one batch through it in float64, every layer measured."""

import pandas as pd
from torch.nn import functional as F

from diagnostics import theory
from diagnostics.config import RunConfig
from diagnostics.engine import data, network
from diagnostics.engine.network import batch_statistics
from diagnostics.engine.probe import Probe
from diagnostics.engine.trainer import isolated
from diagnostics.records import METRICS


def profile(config: RunConfig) -> pd.DataFrame:
    """Per-layer numbers before training: ``layer`` from 1, every key of ``METRICS``, and theory.

    ``theory_signal_grad_norm`` is relative to the last hidden layer.

    Weights are those that training starts from, drawn in float32 and computed with in float64,
    so that a hundred sigmoid layers (10^−62) still have numbers. No step is taken: what needs
    one, as update_ratio, is NaN.
    """
    with isolated(config.seed):
        samples = data.load(config)
        model = network.build(config, samples).double()
        probe = Probe(model.layers())
        with batch_statistics(model):
            probe.count_dead(lambda: model(samples.probe_x.double()))
        x, y = samples.train_x[: config.batch_size], samples.train_y[: config.batch_size]
        loss = F.cross_entropy(model(x.double()), y)
        loss.backward()  # type: ignore[no-untyped-call]
        probe.gradients()
        frame = pd.DataFrame(probe.finish(), columns=list(METRICS))
        probe.close()
    frame["update_ratio"] = float("nan")
    frame.insert(0, "layer", range(1, len(frame) + 1))
    return frame.assign(**_predicted(config, len(frame)))


def _predicted(config: RunConfig, layers: int) -> dict[str, pd.Series]:
    """Theory beside the measurement; NaN for the output layer and where theory does not hold."""
    found = theory.predict(config)
    signal = std = pd.Series(dtype=float)
    if found is not None:
        signal, std = pd.Series(10.0**found.decades), pd.Series(found.activation_std)
    rows = range(layers)
    return {
        "theory_signal_grad_norm": signal.reindex(rows),
        "theory_activation_std": std.reindex(rows),
    }
