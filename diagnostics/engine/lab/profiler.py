"""A network at initialization: one batch through it in float64, every layer measured."""

from collections.abc import Generator

import numpy as np
import pandas as pd
from torch.nn import functional as F

from diagnostics.engine.lab import data, network
from diagnostics.engine.lab.isolation import isolated
from diagnostics.engine.lab.network import count_dead, probe_parts
from diagnostics.engine.lab.studio import Studio
from diagnostics.engine.lab.trainer import through
from diagnostics.engine.measure.kernels import Floats, rounded
from diagnostics.engine.measure.probe import Probe
from diagnostics.store.pictures import Ground, Picture
from diagnostics.store.records import METRIC_INDEX, METRICS, SCALARS, StepBatch
from diagnostics.subject import theory
from diagnostics.subject.config import RunConfig


def profile(config: RunConfig) -> pd.DataFrame:
    """Per-layer numbers before training: ``layer`` from 1, every key of ``METRICS``, and theory.

    ``theory_signal_grad_norm`` is relative to the last hidden layer.

    Weights are those that training starts from, drawn in float32 and computed with in float64,
    so that a hundred sigmoid layers (10^−62) still have numbers. No step is taken: what needs
    one, as update_ratio, is NaN.
    """
    values = measure(config)
    frame = pd.DataFrame(values, columns=list(METRICS))
    frame.insert(0, "layer", range(1, len(frame) + 1))
    return frame.assign(**_predicted(config, len(frame)))


def profile_batch(config: RunConfig) -> StepBatch:
    """The same as the measured step 0 of a run."""
    return through(profiling(config))


def profiling(config: RunConfig) -> Generator[None, None, StepBatch]:
    """The same, giving way between its parts."""
    values = rounded((yield from measuring(config)))[None]
    return StepBatch(np.zeros(1, np.int64), values, np.full((1, len(SCALARS)), np.nan))


def portrait(config: RunConfig) -> tuple[Ground | None, Picture]:
    """What the network answers before it has learned anything, and its layers inside."""
    with isolated(config.seed):
        samples = data.load(config)
        model = network.build(config, samples)
        parts = probe_parts(config, samples.probe_x)
        dead = count_dead(model, Probe(model.layers()), parts)
        model.double()
        studio = Studio(config, samples, model)
        x, y = samples.train_x[: config.batch_size], samples.train_y[: config.batch_size]
        return studio.ground, studio.take(0, x.double(), y, dead)


def measure(config: RunConfig) -> Floats:
    """Float64 [layers, metrics] at initialization; what needs a step is NaN."""
    return through(measuring(config))


def measuring(config: RunConfig) -> Generator[None, None, Floats]:
    """The same, giving way between its parts, as ``training`` does."""
    with isolated(config.seed):
        samples = data.load(config)
        model = network.build(config, samples)
        yield
        probe = Probe(model.layers())
        count_dead(model, probe, probe_parts(config, samples.probe_x))
        yield
        probe.attach()
        model.double()
        x, y = samples.train_x[: config.batch_size], samples.train_y[: config.batch_size]
        loss = F.cross_entropy(model(x.double()), y)
        loss.backward()  # type: ignore[no-untyped-call]
        probe.backward()
        probe.before_step()
        values = probe.after_step().values
        probe.detach()
    values[:, [METRIC_INDEX[key] for key in ("update_ratio", "update_norm", "update_cosine")]] = (
        np.nan
    )
    return values


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
