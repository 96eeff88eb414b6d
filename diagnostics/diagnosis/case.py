"""What rules look at: a run's measurements, and the quantities that several rules share."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diagnostics.diagnosis.evidence import BEGINNING, Evidence, evidence
from diagnostics.diagnosis.way import Floats, Mask, Way, smoothed, through
from diagnostics.store.records import (
    METRIC_INDEX,
    METRICS,
    SCALARS,
    PatientZero,
    Severity,
    StepBatch,
)
from diagnostics.subject import theory
from diagnostics.subject.config import RunConfig
from diagnostics.subject.watched import Subject

SLOPE = 0.1
DECADES = 3.0
LEAST = 1.5
"""Vanishing and exploding have no standard threshold: ours are 3 decades from the last hidden layer
to the first, or 0.1 a layer in shallower networks, and never less than 1.5, with which networks
of ten layers still learn well."""

SCALED = 0.17
"""Decades a layer, 3 at least, that optimizers make up for which scale each weight's step: 22
layers of ReLU with Glorot's weights still learn well."""

HOPELESS = 6.0
"""Decades that no optimizer makes up for."""

LEARNED = 0.95
"""Accuracy at which small updates mean that there is little left to learn."""

FALLEN = 0.1
"""Share of its first value to which a loss has fallen when most is learned."""

RECENT = 10
"""Newest measured steps that speak for the present."""


class Finding(NamedTuple):
    """What a rule found.

    ``ill`` says of each measured step whether it was so: the diagnosis dates from the beginning of
    the last unbroken stretch. ``since`` is that step where it is known otherwise. What is ``mild``
    stands behind others of its severity. ``chart`` shows it and ``severity`` is how grave it is,
    where not the rule's.
    """

    sentence: str
    layers: tuple[int, ...]
    ill: Mask
    evidence: dict[str, float]
    since: int | None = None
    mild: bool = False
    chart: str = ""
    severity: Severity | None = None


class Shares(NamedTuple):
    """A share of the hidden layers: of each, whether it is known by now, and their mean."""

    each: Floats
    known: Mask
    mean: Floats


@dataclass(frozen=True)
class Case:
    """What is trained, what was measured of it, and where a number left the range of floats.

    There is at least one step, but where that is all that is known.
    """

    subject: Subject
    batch: StepBatch
    patient_zero: PatientZero | None = None

    @cached_property
    def evidence(self) -> Evidence:
        """Whether it learns, as far as that can be told."""
        return evidence(self.batch, balanced=self.subject.lab is not None)

    @property
    def unlearned(self) -> bool:
        """Whether the loss shows that nothing is learned."""
        return self.evidence.learns is False

    @property
    def starts(self) -> bool:
        """Whether its first steps are all that there is."""
        return bool(self.batch.steps[-1] <= BEGINNING)

    @property
    def predicted(self) -> bool:
        """Whether all that is known of how it will learn is how it begins.

        Of a stranger's model less is known than of the lab's.
        """
        lab = self.subject.lab is not None
        return self.evidence.learns is None and self.evidence.fresh and lab

    @cached_property
    def way(self) -> Way:
        """The one along which the gradient changes most."""
        return max(through(self.subject, self.batch), key=_change)

    @property
    def travel(self) -> Floats:
        """Decades that it changes by, smoothed, [steps]; 0 where unknown."""
        return self.way.travel

    def throughout(self, sentence: str, **evidence: float) -> Finding:
        """What is so of no layer in particular, and of every step."""
        return Finding(sentence, (), self.always, evidence)

    @property
    def limit(self) -> float:
        """Decades beyond which a gradient has vanished or exploded; one gap alone has no slope."""
        layers = self.way.gaps
        if self.subject.scales_steps and not self.unlearned:
            return min(HOPELESS, max(DECADES, SCALED * layers))
        return min(DECADES, max(LEAST, SLOPE * layers)) if layers > 1 else DECADES

    @property
    def slope(self) -> float:
        """Decades per layer, now."""
        return float(self.travel[-1] / max(1, self.way.gaps))

    def share(self, metric: str) -> Floats:
        """A share of the hidden layers, [steps, layers − 1], as last measured; 0 before."""
        return self._shares(metric).each

    def known(self, metric: str) -> Mask:
        """For which hidden layers it was measured by now, [layers − 1]."""
        return self._shares(metric).known

    def mean_share(self, metric: str) -> Floats:
        """The same over all hidden layers for which it is known by now, [steps]."""
        return self._shares(metric).mean

    def _shares(self, metric: str) -> Shares:
        if metric not in self._kept:
            self._kept[metric] = _shares(self.batch.metric(metric)[:, :-1])
        return self._kept[metric]

    @cached_property
    def _kept(self) -> dict[str, Shares]:
        """Many rules ask for the same ones."""
        return {}

    def recent(self, metric: str) -> Floats:
        """Median of a metric over recent steps, [layers]; NaN where it is unknown in all."""
        if metric not in self._medians:
            self._medians[metric] = _median(self.batch.metric(metric)[-RECENT:].astype(np.float64))
        return self._medians[metric]

    @cached_property
    def _medians(self) -> dict[str, Floats]:
        """As above."""
        return {}

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
    def knows_loss(self) -> bool:
        """Whether somebody told of it."""
        loss = self.batch.scalar("loss")
        return bool(np.isfinite(loss).any() and loss.any())

    @property
    def knows_accuracy(self) -> bool:
        """Whether somebody told of it."""
        accuracy = self.batch.scalar("accuracy")
        return bool(np.isfinite(accuracy).any() and accuracy.any())

    @property
    def learned(self) -> bool:
        """Whether there is little left to learn; by the loss where no accuracy is known."""
        loss = self.batch.scalar("loss")
        fallen = np.isfinite(loss[[0, -1]]).all() and loss[-1] < FALLEN * loss[0]
        return self.accuracy > LEARNED if self.knows_accuracy else bool(fallen)

    @property
    def always(self) -> Mask:
        """For rules that judge a stretch as a whole."""
        return np.ones(len(self.batch), dtype=bool)


def _median(steps: Floats) -> Floats:
    """Over steps, [layers]; NaN where all are unknown."""
    known = np.isfinite(steps).any(axis=0)
    found = np.full(steps.shape[1], np.nan)
    found[known] = np.nanmedian(np.where(np.isfinite(steps), steps, np.nan)[:, known], axis=0)
    return found


def _shares(found: Floats) -> Shares:
    """From what was measured, [steps, layers]: what was not stays as it was last, 0 before."""
    finite = np.isfinite(found)
    rows = np.where(finite, np.arange(len(found))[:, None], 0)
    last = np.take_along_axis(found, np.maximum.accumulate(rows), axis=0)
    each, known = np.clip(np.nan_to_num(last), 0, 1), np.asarray(finite.any(axis=0))
    return Shares(each, known, np.asarray(each[:, known].sum(axis=1) / max(1, known.sum())))


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


def _change(way: Way) -> float:
    return float(abs(way.travel[-1]))


def since(batch: StepBatch, ill: Mask) -> int:
    """The first step of the unbroken ill stretch that reaches the newest step."""
    well = np.flatnonzero(~ill)
    start = int(well[-1]) + 1 if len(well) else 0
    return int(batch.steps[min(start, len(batch) - 1)])


def numbers(mask: Mask) -> tuple[int, ...]:
    """Layers, counted from 1, for which a mask holds."""
    return tuple(int(i) + 1 for i in np.flatnonzero(mask))
