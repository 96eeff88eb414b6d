"""What rules look at: a run's measurements, and the quantities that several rules share."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diagnostics.store.records import METRIC_INDEX, METRICS, SCALARS, PatientZero, StepBatch
from diagnostics.subject import theory
from diagnostics.subject.config import RunConfig
from diagnostics.subject.watched import Subject

Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]

SLOPE = 0.1
DECADES = 3.0
LEAST = 1.25
"""Vanishing and exploding have no standard threshold: ours are 3 decades from the last hidden layer
to the first, or 0.1 a layer in shallower networks, and never less than 1.25, with which networks
of ten layers still learn well. Under optimizers that scale each weight's step it is always 3."""

FLOATS = 80.0
"""Decades, more than the range of floats: what an infinite ratio counts as."""

LEARNED = 0.95
"""Accuracy at which small updates mean that there is little left to learn."""

FALLEN = 0.1
"""Share of its first value to which a loss has fallen when most is learned."""

WINDOW = 5
"""Steps over whose median a series is smoothed, so that one odd batch raises no alarm."""

RECENT = 10
"""Newest measured steps that speak for the present."""


class Finding(NamedTuple):
    """What a rule found.

    ``ill`` says of each measured step whether it was so: the diagnosis dates from the beginning of
    the last unbroken stretch. ``since`` is that step where it is known otherwise. What is ``mild``
    stands behind others of its severity. ``chart`` shows it, where not the rule's does.
    """

    sentence: str
    layers: tuple[int, ...]
    ill: Mask
    evidence: dict[str, float]
    since: int | None = None
    mild: bool = False
    chart: str = ""


@dataclass(frozen=True)
class Case:
    """What is trained, what was measured of it, and where a number left the range of floats.

    There is at least one step, but where that is all that is known.
    """

    subject: Subject
    batch: StepBatch
    patient_zero: PatientZero | None = None

    @cached_property
    def decades(self) -> Floats:
        """log10 of each hidden layer's signal over the last hidden layer's, [steps, layers − 1]."""
        return decades(self.batch.metric("signal_grad_norm"))

    def throughout(self, sentence: str, **evidence: float) -> Finding:
        """What is so of no layer in particular, and of every step."""
        return Finding(sentence, (), self.always, evidence)

    @cached_property
    def reached(self) -> Mask:
        """Whether any gradient reached the last hidden layer, [steps]."""
        return np.asarray(self.batch.metric("signal_grad_norm")[:, -2] != 0)

    @cached_property
    def travel(self) -> Floats:
        """Decades from the last hidden layer to the first, smoothed, [steps]; 0 where unknown.

        Two zeros have no ratio: where the last hidden layer gets nothing, what had vanished before
        still has.
        """
        if self.batch.layers < 3:
            return np.zeros(len(self.batch))
        found = np.nan_to_num(self.decades[:, 0], nan=0.0, posinf=FLOATS, neginf=-FLOATS)
        rows = np.maximum.accumulate(np.where(self.reached, np.arange(len(found)), 0))
        return smoothed(np.where(self.reached, found, np.minimum(found[rows], 0)))

    @property
    def limit(self) -> float:
        """Decades beyond which a gradient has vanished or exploded."""
        if self.subject.scales_steps:
            return DECADES
        return min(DECADES, max(LEAST, SLOPE * (self.batch.layers - 2)))

    @property
    def slope(self) -> float:
        """Decades per layer, now."""
        return float(self.travel[-1] / max(1, self.batch.layers - 2))

    def share(self, metric: str) -> Floats:
        """A share of the hidden layers, [steps, layers − 1], 0 where it was not measured."""
        return np.clip(np.nan_to_num(self.batch.metric(metric)[:, :-1]), 0, 1)

    def known(self, metric: str) -> Mask:
        """For which hidden layers it was measured by now, [layers − 1]."""
        return np.isfinite(self.batch.metric(metric)[-1, :-1])

    def mean_share(self, metric: str) -> Floats:
        """The same over all hidden layers for which it is known by now, [steps]."""
        known = self.known(metric)
        return np.asarray(self.share(metric)[:, known].sum(axis=1) / max(1, known.sum()))

    @cached_property
    def update_ratio(self) -> Floats:
        """Median of each layer's recent update : weight ratios, [layers]; NaN where unknown."""
        recent = self.batch.metric("update_ratio")[-RECENT:].astype(np.float64)
        known = np.isfinite(recent).any(axis=0)
        found = np.full(recent.shape[1], np.nan)
        found[known] = np.nanmedian(np.where(np.isfinite(recent), recent, np.nan)[:, known], axis=0)
        return found

    @cached_property
    def heldout(self) -> tuple[NDArray[np.int64], Floats]:
        """(steps, held-out losses smoothed) of the looks at the held-out set.

        A look's result is repeated until the next: what changes is a look.
        """
        loss = self.batch.scalar("heldout_loss")
        loss = np.nan_to_num(loss, nan=np.inf, posinf=np.inf, neginf=np.inf)
        looks = np.flatnonzero(np.append(True, loss[1:] != loss[:-1]))
        return self.batch.steps[looks], smoothed(loss[looks])

    @property
    def accuracy(self) -> float:
        """On recent batches; 0 where unknown."""
        found = self.batch.scalar("accuracy")[-RECENT:]
        known = found[np.isfinite(found)]
        return float(known.mean()) if len(known) else 0.0

    @property
    def learned(self) -> bool:
        """Whether there is little left to learn; by the loss where no accuracy is known."""
        loss = self.batch.scalar("loss")
        fallen = np.isfinite(loss[[0, -1]]).all() and loss[-1] < FALLEN * loss[0]
        known = np.isfinite(self.batch.scalar("accuracy")).any()
        return self.accuracy > LEARNED if known else bool(fallen)

    @property
    def always(self) -> Mask:
        """For rules that judge a stretch as a whole."""
        return np.ones(len(self.batch), dtype=bool)


def expected(config: RunConfig) -> Case | None:
    """What theory lets one expect of a network before training; None where it is silent.

    Of all networks that it allows, the one with the calmest gradients.
    """
    told = theory.predict(config)
    if told is None:
        return None
    calm = np.sign(told.decades) * np.maximum(0.0, np.abs(told.decades) - told.spread)
    values = np.full((1, len(calm) + 1, len(METRICS)), np.nan, np.float32)
    with np.errstate(all="ignore"):
        values[0, :, METRIC_INDEX["signal_grad_norm"]] = 10 ** np.append(calm, 0.0)
    return Case(
        config, StepBatch(np.zeros(1, np.int64), values, np.full((1, len(SCALARS)), np.nan))
    )


def decades(signal: Floats) -> Floats:
    """log10 of each hidden layer's signal over the last hidden layer's, [steps, layers − 1].

    The output layer is left out. Where a value is 0 it counts as the smallest float32.
    """
    smallest = np.finfo(np.float32).smallest_subnormal
    with np.errstate(all="ignore"):
        logs = np.log10(np.maximum(signal[:, :-1].astype(np.float64), smallest))
        return np.asarray(logs - logs[:, -1:])


def smoothed(series: Floats) -> Floats:
    """The median of the ``WINDOW`` newest values at each place, [steps]."""
    if len(series) < 2:
        return series
    padded = np.concatenate([np.full(WINDOW - 1, series[0]), series])
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, WINDOW), axis=1))


def since(batch: StepBatch, ill: Mask) -> int:
    """The first step of the unbroken ill stretch that reaches the newest step."""
    well = np.flatnonzero(~ill)
    start = int(well[-1]) + 1 if len(well) else 0
    return int(batch.steps[min(start, len(batch) - 1)])


def numbers(mask: Mask) -> tuple[int, ...]:
    """Layers, counted from 1, for which a mask holds."""
    return tuple(int(i) + 1 for i in np.flatnonzero(mask))
