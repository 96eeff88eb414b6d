"""Rules on parts of a model: which are frozen, which learn faster than others, what was skipped."""

import numpy as np

from diagnostics.diagnosis.case import RECENT, Case, Finding, numbers
from diagnostics.diagnosis.rule import Rule
from diagnostics.diagnosis.wording import called, capital, layers

APART = 30.0
"""Times as fast: branches that learn at different speeds."""

OFTEN = 0.2
"""Share of steps from which on skipping is worth a word."""


def _frozen(case: Case) -> Finding | None:
    where = tuple(place + 1 for place in case.subject.frozen if place < case.batch.layers)
    if not where:
        return None
    return Finding(
        f"{capital(layers(where, case.subject))} of {case.batch.layers} layers are frozen: they "
        "pass gradients on and keep their weights.",
        where,
        case.always,
        {"layers": float(len(where))},
    )


def _uneven(case: Case) -> Finding | None:
    """Of layers that lie on one way only, each way's median update."""
    ways = [set(way) for way in case.subject.ways]
    alone = [way - set().union(*(other for other in ways if other is not way)) for way in ways]
    speeds = {min(way): _speed(case, way) for way in alone if way}
    known = {place: speed for place, speed in speeds.items() if speed > 0}
    if len(known) < 2:
        return None
    fast, slow = max(known, key=lambda i: known[i]), min(known, key=lambda i: known[i])
    times = known[fast] / known[slow]
    if times < APART:
        return None
    return case.throughout(
        f"The branch of {called(fast + 1, case.subject)} learns {times:.0f} times as fast as that "
        f"of {called(slow + 1, case.subject)}.",
        times=times,
    )


def _speed(case: Case, places: set[int]) -> float:
    ratios = case.recent("update_ratio")[[place for place in places if place < case.batch.layers]]
    known = ratios[np.isfinite(ratios)]
    return float(np.median(known)) if len(known) else 0.0


def _skipped(case: Case) -> Finding | None:
    """Steps in which numbers were not finite, and after which training went on soundly."""
    where = np.nan_to_num(case.batch.metric("nonfinite")) > 0
    bad = np.asarray(where.any(axis=1))
    if not bad.any() or bad[-RECENT:].all():
        return None
    first, count = int(case.batch.steps[bad.argmax()]), int(bad.sum())
    what = (
        f"1 batch was skipped, at step {first}"
        if count == 1
        else (f"{count} of {len(bad)} measured batches were skipped, the first at step {first}")
    )
    return Finding(
        f"{what}: numbers in it were not finite, and nothing came of them.",
        numbers(np.asarray(where.any(axis=0))),
        case.always,
        {"share": float(bad.mean()), "step": float(first)},
        first,
        severity="watch" if bad.mean() > OFTEN else "fine",
    )


FROZEN = Rule(
    key="frozen",
    title="Frozen layers",
    severity="fine",
    help="layers whose weights want no gradient",
    find=_frozen,
    chart="update_ratio",
)

UNEVEN = Rule(
    key="uneven",
    title="Branches of different speed",
    severity="fine",
    help=f"layers of one branch that change {APART:g} times as fast as those of another",
    find=_uneven,
    chart="update_ratio",
)

SKIPPED = Rule(
    key="skipped",
    title="Skipped steps",
    severity="watch",
    help=f"steps whose numbers were not finite and were not applied; from {OFTEN:.0%} on worth "
    "more than a word",
    find=_skipped,
    advice=(
        ("Loss scale", "let it shrink; a growth interval of more steps"),
        ("Data", "look for samples that are not finite"),
    ),
)
