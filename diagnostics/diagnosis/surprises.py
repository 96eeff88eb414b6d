"""A rule on gradients that outgrow what their optimizer knows of them."""

import numpy as np

from diagnostics.diagnosis import remedies
from diagnostics.diagnosis.case import RECENT, Case, Finding, numbers
from diagnostics.diagnosis.evidence import KNOWN
from diagnostics.diagnosis.rule import Rule
from diagnostics.diagnosis.wording import called, capital

SPIKE = 2.3
"""RMS(g/√v) from which Wortsman et al. 2023 count a spike: 28 of their 30 loss spikes followed one
within eight steps."""

LEAPT, MUCH = 1.5, 0.2
"""Times what it was before, and by how much of its first value: a loss that has leapt, and not for
a batch or two."""


def _surprised(case: Case) -> Finding | None:
    """Worth a word; where the loss leapt with it, more than that."""
    surprise = case.batch.metric("surprise")
    if len(surprise) < 3 * RECENT or not np.isfinite(surprise[-RECENT:]).any():
        return None
    high = surprise > SPIKE
    where = np.asarray(high[-RECENT:].any(axis=0))
    if not where.any():
        return None
    layer = int(np.nanargmax(np.nanmax(surprise[-RECENT:][:, where], axis=0)))
    first, largest = numbers(where)[layer], float(np.nanmax(surprise[-RECENT:]))
    before, now = _losses(case)
    leapt = now > LEAPT * before and now - before > MUCH * abs(case.batch.scalar("loss")[0])
    told = f" The loss leapt from {before:.2g} to {now:.2g}." if leapt else ""
    return Finding(
        f"{capital(called(first, case.subject))} gets gradients {largest:.1f} times what the "
        f"optimizer remembers of them: its steps are too large until it has caught up.{told}",
        numbers(where),
        np.asarray(high.any(axis=1)),
        {"surprise": largest},
        severity="watch" if leapt and case.accuracy < KNOWN else "fine",
    )


def _losses(case: Case) -> tuple[float, float]:
    """What the loss was, and what it is now; NaN where it isn't known."""
    loss = case.batch.scalar("loss")
    return float(np.median(loss[-3 * RECENT : -RECENT])), float(np.median(loss[-RECENT:]))


SURPRISED = Rule(
    key="surprised",
    title="Gradients outgrow √v",
    severity="watch",
    help=f"RMS(g/√v) of a layer above {SPIKE:g} within the last {RECENT} steps, which comes before "
    f"most spikes of the loss; more than a word where the loss is {LEAPT:g} times what it was",
    find=_surprised,
    chart="surprise",
    tone="exploding",
    yardstick=remedies.ERROR,
    remedies=(remedies.CLIP, remedies.SLOWER),
    advice=(
        ("β₂", "0.95 instead of 0.999, so that v follows sooner"),
        ("Clipping", "clip_grad_norm_, or the update's RMS as StableAdamW does"),
        ("Learning rate", "a longer warm-up, or less"),
    ),
)
