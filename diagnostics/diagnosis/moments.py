"""Rules on the gradient's way through time, inside of recurrent layers."""

import numpy as np

from diagnostics.diagnosis.case import DECADES, RECENT, Case, Finding
from diagnostics.diagnosis.rule import Rule
from diagnostics.diagnosis.way import smoothed
from diagnostics.diagnosis.wording import called, times

FORGETS = 4.0
"""Decades over all moments. A fresh LSTM, whose forget gates are half open, loses 3.6 in a dozen of
them, and may still learn after its first hundred steps."""


def _through_time(case: Case, sign: int, least: float) -> Finding | None:
    """A gradient that shrinks (−1) or grows (1) on its way to the first moment, by so many."""
    with np.errstate(all="ignore"):
        decades = np.log10(case.batch.metric("time_ratio").astype(np.float64))
    decades[~np.isfinite(decades)] = np.nan
    known = np.isfinite(decades[-RECENT:]).any(axis=0)
    if not known.any() or case.evidence.learns:
        return None
    recent = np.nanmedian(np.where(known, decades[-RECENT:], 0.0), axis=0)
    layer = int(np.argmax(sign * recent))
    if sign * recent[layer] < least:
        return None
    where = np.flatnonzero(sign * recent >= least)
    told = smoothed(np.nan_to_num(decades[:, layer]))
    name, size = called(layer + 1, case.subject), times(float(recent[layer]))
    what = "what is read early is not learnt" if sign < 0 else "early moments outweigh all others"
    return Finding(
        f"Through time, {name} brings {size} the gradient of its last moment to the first: {what}.",
        tuple(int(i) + 1 for i in where),
        sign * told >= least,
        {"time_decades": float(recent[layer])},
        severity="ill" if case.evidence.learns is False else "watch",
    )


FORGETTING = Rule(
    key="forgetting",
    title="Vanishing through time",
    severity="ill",
    help=f"the gradient of a recurrent layer falls by {FORGETS:g} decades from its last moment to "
    "its first, and the loss does not fall",
    find=lambda case: _through_time(case, -1, FORGETS),
    chart="moments",
    tone="vanishing",
    advice=(
        ("Recurrent layer", "LSTM or GRU, or an orthogonal recurrent matrix"),
        ("Sequences", "shorter ones, or attention over all moments"),
    ),
)

ECHOING = Rule(
    key="echoing",
    title="Exploding through time",
    severity="ill",
    help=f"the gradient of a recurrent layer grows by {DECADES:g} decades from its last moment to "
    "its first, and the loss does not fall",
    find=lambda case: _through_time(case, 1, DECADES),
    chart="moments",
    tone="exploding",
    advice=(
        ("Clipping", "clip_grad_norm_ at about the norm of calm steps"),
        ("Recurrent layer", "LSTM or GRU, or an orthogonal recurrent matrix"),
    ),
)
