"""Rules on clipping: whether it always acts, acted once, or never."""

import numpy as np

from diagnostics.diagnosis import remedies
from diagnostics.diagnosis.case import Case, Finding
from diagnostics.diagnosis.evidence import PATIENCE
from diagnostics.diagnosis.rule import Rule
from diagnostics.diagnosis.way import Floats
from diagnostics.diagnosis.wording import share

ALWAYS, NEVER = 0.95, 0.01
LITTLE = 1 / 30
"""Of a gradient's length: clipping that leaves so little sets the size of every step. What leaves
more is a habit, with which most transformers are trained."""

CLIPPED_STEPS = 100
"""Newest steps over which it is counted how many were clipped."""

JUDGED_STEPS = 20
"""Steps before it is said how often a gradient is clipped."""

CUT = 1 - 1e-5
"""Of a gradient's length: what is left of one that was clipped is below."""


def _left(case: Case) -> Floats | None:
    """What clipping left of each step's gradient, [steps]; None where it can't be judged."""
    if case.subject.clip == "none" or len(case.batch) < JUDGED_STEPS:
        return None
    before, after = case.batch.scalar("grad_norm"), case.batch.scalar("clipped_norm")
    return np.where(after < before * CUT, after / before, 1.0)


def _recent(left: Floats) -> float:
    """The share of recent steps that were clipped."""
    return float(np.mean(left[-CLIPPED_STEPS:] < 1))


def _always(case: Case) -> Finding | None:
    left = _left(case)
    if left is None or (recent := _recent(left)) < ALWAYS or case.subject.scales_steps:
        return None
    if case.batch.steps[-1] - case.batch.steps[0] < PATIENCE - 1:
        return None
    if np.median(left[-CLIPPED_STEPS:]) > LITTLE and not case.unlearned:
        return None
    threshold = case.subject.clip_threshold
    return case.throughout(
        f"{recent:.0%} of the steps are clipped: the threshold {threshold:.4g} sets "
        "the size of steps, the learning rate only scales it.",
        share=recent,
        threshold=threshold,
    )


def _earlier(case: Case) -> Finding | None:
    left = _left(case)
    if left is None or _recent(left) > NEVER or left.min() == 1:
        return None
    threshold = case.subject.clip_threshold
    step, least = int(case.batch.steps[left.argmin()]), float(left.min())
    return case.throughout(
        f"At step {step} clipping cut the gradient to {share(np.log10(least))} of its length; now "
        f"hardly any comes near the threshold {threshold:.4g}.",
        left=least,
        step=step,
        threshold=threshold,
    )


def _never(case: Case) -> Finding | None:
    left = _left(case)
    if left is None or left.min() < 1:
        return None
    threshold = case.subject.clip_threshold
    return case.throughout(
        f"No gradient came near the threshold {threshold:.4g}: clipping waits for an emergency.",
        share=0.0,
        threshold=threshold,
    )


ALWAYS_CLIPPED = Rule(
    key="clipping_always",
    title="Always clipped",
    severity="watch",
    help=f"{ALWAYS:.0%} of the last {CLIPPED_STEPS} steps are clipped, to less than a thirtieth of "
    "their length or without anything being learned; not under optimizers that scale steps",
    find=_always,
    chart="clip",
    yardstick=remedies.ERROR,
    remedies=({"clip_threshold": 10.0}, {"clip": "none"}, remedies.SLOWER),
    advice=(("Threshold", "raise it tenfold, or lower the learning rate"),),
)

CLIPPED_EARLIER = Rule(
    key="clipping_earlier",
    title="Clipped when it mattered",
    severity="fine",
    help=f"steps were clipped, but of the last {CLIPPED_STEPS} at most {NEVER:.0%}",
    find=_earlier,
    chart="clip",
)

NEVER_CLIPPED = Rule(
    key="clipping_never",
    title="Never clipped",
    severity="fine",
    help="clipping is on, and no step was clipped",
    find=_never,
    chart="clip",
    yardstick=remedies.ERROR,
    remedies=({"clip": "none"},),
)
