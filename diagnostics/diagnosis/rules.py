"""Records → diagnoses: pure functions that name what is wrong, where, since when, and why."""

import json
from functools import cache
from importlib.resources import files

import numpy as np

from diagnostics.diagnosis import (
    clipping,
    losses,
    moments,
    oversights,
    parts,
    specials,
    starts,
    steps,
    surprises,
    travel,
    units,
)
from diagnostics.diagnosis.case import Case
from diagnostics.diagnosis.rule import Rule
from diagnostics.diagnosis.wording import called, capital, times
from diagnostics.store.records import Diagnosis, PatientZero, StepBatch
from diagnostics.subject.watched import Subject

RULES = {
    rule.key: rule
    for rule in (
        starts.SYMMETRIC,
        oversights.UNMOVED,
        oversights.UNZEROED,
        oversights.DEAD_OUTPUT,
        starts.INPUT_SCALE,
        starts.SMALL_BATCHES,
        travel.VANISHING,
        travel.EXPLODING,
        travel.NORM_EXPLOSION,
        moments.FORGETTING,
        moments.ECHOING,
        units.SATURATED_UNITS,
        units.BORN_DEAD,
        units.DEAD_UNITS,
        units.DYING_UNITS,
        steps.STALLED_STEPS,
        steps.TOO_LARGE_STEPS,
        specials.COLLAPSED,
        specials.EXPLODING_LOGITS,
        clipping.ALWAYS_CLIPPED,
        losses.OVERFITTING,
        units.LINEAR_UNITS,
        surprises.SURPRISED,
        parts.SKIPPED,
        parts.FROZEN,
        parts.UNEVEN,
        clipping.CLIPPED_EARLIER,
        clipping.NEVER_CLIPPED,
        specials.IDLE_EXPERTS,
        units.SPARSE_UNITS,
        steps.DIVERGED,
    )
}
"""The graver before the lighter of one severity."""

GRAVITY = ("ill", "watch", "fine")


def diagnose(
    subject: Subject, batch: StepBatch, patient_zero: PatientZero | None = None
) -> tuple[Diagnosis, ...]:
    """What a run says now, the gravest first; empty before the first step.

    Where a number has left the range of floats, nothing else means anything.
    """
    if patient_zero is not None:
        return _judged(Case(subject, batch, patient_zero), [steps.DIVERGED])
    case = Case(subject, _measured(batch))
    if not len(case.batch):  # no signal was ever applied
        return _judged(Case(subject, batch), [oversights.UNMOVED]) if len(batch) else ()
    said = _judged(case, list(RULES.values()))
    trouble = tuple(diagnosis for diagnosis in said if diagnosis.severity != "fine")
    if trouble or np.isinf(case.batch.metric("signal_grad_norm")[-1]).any():
        return trouble
    return (_healthy(case), *said)


def _measured(batch: StepBatch) -> StepBatch:
    """The steps of which something is known: a batch that was skipped silences nobody."""
    known = ~np.isnan(batch.metric("signal_grad_norm")).all(axis=1)
    if known.all():
        return batch
    return batch[np.flatnonzero(known)]


def _judged(case: Case, rules: list[Rule]) -> tuple[Diagnosis, ...]:
    """What rules find, the gravest first, without what others say in other words."""
    with np.errstate(all="ignore"):  # numbers at the edge of floats are what rules are for
        found = [(rule, finding) for rule in rules if (finding := rule.find(case))]
    silent = {key for rule, _ in found for key in rule.silences}
    said = [(rule, finding) for rule, finding in found if rule.key not in silent]
    said.sort(key=lambda pair: (GRAVITY.index(pair[1].severity or pair[0].severity), pair[1].mild))
    return tuple(rule.diagnosis(case, finding) for rule, finding in said)


def explained(key: str) -> str:
    """When a rule speaks, and how often it was right where that is known."""
    help = RULES[key].help if key in RULES else ""
    n = _reliability().get(key)
    if n is None or not n["broken"]:
        return help
    return (
        f"{help}. On networks its threshold was not chosen on it found {n['found']} of "
        f"{n['broken']} broken ones, and was wrong on {n['alarms']} of {n['healthy']} healthy ones."
    )


@cache
def _reliability() -> dict[str, dict[str, int]]:
    """What `make corpus` counted on its held-out half."""
    text = files(__package__).joinpath("reliability.json").read_text()
    found: dict[str, dict[str, int]] = json.loads(text)
    return found


ONLY_LINEAR = (
    " But without an activation all layers together are one linear map: only what lies on either "
    "side of a straight line can be told apart."
)


def _linear(case: Case) -> bool:
    """Whether nothing bends what passes the network."""
    return case.subject.activation == "linear" and case.subject.norm == "none"


def _comparison(case: Case, travelled: float) -> str:
    """Of the gradients at both ends of a way, as far as they are known."""
    way, word = case.way, case.subject.layer_word
    first, last = (way.places[k] + 1 for k in (way.first, -1))
    if not way.known:
        return f"Not every {word} received a gradient at this step; those that did can learn."
    if first == last:
        return "A single hidden layer learns from the output at once."
    return (
        f"{capital(called(first, case.subject))} receives {times(travelled)} the gradient that "
        f"reaches {called(last, case.subject)}: all {word}s can learn."
    )


def _healthy(case: Case) -> Diagnosis:
    travelled = float(case.travel[-1])
    return Diagnosis(
        "healthy",
        "fine",
        "Healthy gradients",
        _comparison(case, travelled) + (ONLY_LINEAR if _linear(case) else ""),
        evidence={"decades": travelled},
        tone="healthy",
    )
