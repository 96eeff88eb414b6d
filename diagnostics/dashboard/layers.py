"""One step as charts draw it: a value for each layer, or for each group of a large model's."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diagnostics.dashboard import charts, wire
from diagnostics.dashboard.groups import Floats, Level, spread
from diagnostics.dashboard.wire import Chart
from diagnostics.diagnosis.way import decades
from diagnostics.store.records import METRICS, StepBatch

OK, ZERO, BELOW_RANGE, NONFINITE = range(4)

DIGITS = 4
"""Of what is told of a group: more would be sent than can be seen."""


def layers(
    batch: StepBatch, lead: str, level: Level | None = None, among: Sequence[Chart] = ()
) -> wire.Layers | None:
    """The per-layer charts of one step; None where there is none.

    Args:
        level: what is in sight of a large model, with what some charts draw.
    """
    if not len(batch):
        return None
    if level is not None:
        return _folded(batch, lead, level, among)
    return wire.Layers(
        step=int(batch.steps[0]),
        metrics={key: batch.metric(key)[0] for key in charts.metrics(lead) if _there(batch, key)},
        marks=marks(batch, lead),
        decades=_apart(batch, lead),
    )


def marks(batch: StepBatch, lead: str) -> NDArray[np.int64]:
    """Which values are no ordinary numbers, [layers].

    A 0 is a true zero where the gradient was cut off on its way from the output: by a layer
    whose activations are all 0, or by weights that are all 0. Elsewhere it fell below float range.
    """
    values = batch.metric(lead)[0]
    cut = (batch.metric("sparsity")[0] == 1) | _weights_above_are_zero(batch)
    cut_above = np.maximum.accumulate(cut[::-1])[::-1]
    found = np.where(values == 0, np.where(cut_above, ZERO, BELOW_RANGE), OK)
    return np.where(np.isfinite(values), found, NONFINITE)


def _weights_above_are_zero(batch: StepBatch) -> NDArray[np.bool_]:
    return np.append(batch.metric("weight_norm")[0][1:] == 0, False)


def _folded(batch: StepBatch, lead: str, level: Level, among: Sequence[Chart]) -> wire.Folded:
    """The groups in sight, with what lies around the medians of metrics that are drawn by layer."""
    signal, apart = batch.metric("signal_grad_norm")[0], _apart(batch, lead)
    keys = [key for key in charts.metrics(lead, among) if _there(batch, key)]
    found = {key: spread(level.of(batch.metric(key)[0]), METRICS[key].scale) for key in keys}
    drawn = {lead, *(chart.metric for chart in among if chart.kind == "layers")}
    return wire.Folded(
        step=int(batch.steps[0]),
        metrics={key: _short(one.median) for key, one in found.items()},
        marks=level.most(marks(batch, lead)),
        decades=spread(level.of(apart), "linear").median.round(2),
        part=level.part,
        names=tuple(one.name for one in level.groups),
        first=np.array([one.first for one in level.groups]),
        last=np.array([one.last for one in level.groups]),
        lost=np.isinf(level.of(np.where(np.isfinite(signal), 0, np.inf))).sum(axis=-1),
        spread={
            key: wire.Spread(*map(_short, (one.low, one.high, one.least, one.most)))
            for key, one in found.items()
            if key in drawn
        },
        anchor=float(signal[-2]),
    )


def _apart(batch: StepBatch, lead: str) -> NDArray[np.float64]:
    """Decades of each layer over the last hidden one, NaN where there are none."""
    apart = decades(batch.metric(lead))[0]
    return np.append(np.where(np.isfinite(apart), apart, np.nan), 0.0)


def _there(batch: StepBatch, key: str) -> bool:
    """Whether a metric is sent: most runs don't have those that are seldom."""
    return key not in charts.seldom() or bool(np.isfinite(batch.metric(key)[0]).any())


def _short(values: Floats) -> NDArray[np.float32]:
    """Numbers in some digits, as float32, which are written in as many."""
    with np.errstate(all="ignore"):
        scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(np.abs(values))))
        rounded = np.where(np.isfinite(scale), np.round(values * scale) / scale, values)
    return rounded.astype(np.float32)
