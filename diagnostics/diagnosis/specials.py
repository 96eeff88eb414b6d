"""Rules on attention and on routers of experts."""

import numpy as np

from diagnostics.diagnosis.case import RECENT, Case, Finding, numbers
from diagnostics.diagnosis.rule import Rule
from diagnostics.diagnosis.way import Floats, Mask
from diagnostics.diagnosis.wording import called, layers, number

NARROW = 0.05
"""Entropy of a layer's mean head below which it looks at one key alone. One head does so in many
healthy models, at the token before or at the first; all heads of a layer do not."""

SHARP = 100.0
"""Logits beyond which that is no choice of a few keys, but a softmax without a way back."""

HUGE = 1e4
"""Largest logit beyond which Wortsman et al. 2023 saw runs diverge."""

IDLE, MOST = 5, 0.5
"""Measured steps in a row in which experts are idle, and a share of them that is most."""


def _collapsed(case: Case) -> Finding | None:
    """Where little is left to learn, attention may as well be sure of itself."""
    where = _narrow(case.recent("attention_entropy"), case.recent("attention_logit"))
    if case.learned or not where.any():
        return None
    first = int(np.argmin(np.where(where, case.recent("attention_entropy"), np.inf)))
    entropy, logit = (float(case.recent(f"attention_{key}")[first]) for key in ("entropy", "logit"))
    metric = case.batch.metric
    return Finding(
        f"In {called(first + 1, case.subject)} heads look at one key alone (mean entropy "
        f"{entropy:.2g} of 1), with logits up to {_size(logit)}: so sharp a softmax gives its "
        "queries and keys next to no gradient.",
        numbers(where),
        np.asarray(_narrow(metric("attention_entropy"), metric("attention_logit")).any(axis=1)),
        {"entropy": entropy, "logit": logit},
        severity="ill" if case.unlearned else "watch",
    )


def _narrow(entropy: Floats, logit: Floats) -> Mask:
    """False where nothing is known."""
    return np.asarray((entropy < NARROW) & (logit > SHARP))


def _huge(case: Case) -> Finding | None:
    logit = case.recent("attention_logit")
    where = np.asarray(logit > HUGE)
    if not where.any():
        return None
    first = int(np.argmax(np.where(where, logit, -np.inf)))
    largest = float(logit[first])
    return Finding(
        f"Attention logits of {called(first + 1, case.subject)} reach {_size(largest)}.",
        numbers(where),
        np.asarray((case.batch.metric("attention_logit") > HUGE).any(axis=1)),
        {"logit": largest},
        severity="ill" if case.unlearned else "watch",
    )


def _idle(case: Case) -> Finding | None:
    """Experts that were idle in all of the newest steps in which that could be told."""
    idle = case.batch.metric("idle_experts")
    known = np.isfinite(idle)
    told = [idle[known[:, i], i][-IDLE:] for i in range(idle.shape[1])]
    least = np.array([one.min() if len(one) == IDLE else 0.0 for one in told])
    where = least > 0
    if not where.any():
        return None
    share = float(least.max())
    what = "is idle" if where.sum() == 1 else "are idle"
    return Finding(
        f"Of the experts of {layers(numbers(where), case.subject)} {share:.0%} {what}: no token "
        f"chose them in {IDLE} measured steps. What they hold is not trained.",
        numbers(where),
        np.asarray((np.nan_to_num(idle) > 0).any(axis=1)),
        {"idle": share},
        severity="watch" if share >= MOST else "fine",
    )


def _size(logit: float) -> str:
    return number(float(np.log10(logit))) if np.isfinite(logit) else "infinity"


COLLAPSED = Rule(
    key="collapsed_attention",
    title="Attention has collapsed",
    severity="watch",
    help=f"the entropy of a layer's attention, mean over its heads, is below {NARROW:g} of 1 and "
    f"its logits are above {SHARP:g}, median of {RECENT} measured steps (entropy collapse, Zhai et "
    "al. 2023); ill where nothing is learned, not said where most is",
    find=_collapsed,
    chart="attention_entropy",
    silences=("exploding_logits",),
    advice=(
        ("Queries and keys", "normalize them before their product: QK-norm (Dehghani et al. 2023)"),
        ("Projections", "σReparam, W/σ(W) with a learned scale (Zhai et al. 2023)"),
        ("Learning rate", "a longer warm-up, or less"),
    ),
)

EXPLODING_LOGITS = Rule(
    key="exploding_logits",
    title="Attention logits explode",
    severity="watch",
    help=f"the largest logit of a layer's attention is above {HUGE:g}, median of {RECENT} measured "
    "steps: beyond it softmax has one key left (Dehghani et al. 2023) and runs diverged (Wortsman "
    "et al. 2023); ill where nothing is learned",
    find=_huge,
    chart="attention_logit",
    tone="exploding",
    advice=COLLAPSED.advice,
)

IDLE_EXPERTS = Rule(
    key="idle_experts",
    title="Idle experts",
    severity="fine",
    help=f"a router gave some of its experts no token in {IDLE} measured steps, with ten choices "
    f"or more an expert in each; more than a word from {MOST:.0%} of them on",
    find=_idle,
    chart="idle_experts",
    advice=(
        ("Balance", "a loss on the load of experts (Fedus et al. 2021), or a bias that follows it"),
        ("Router", "noise on its logits, smaller weights to begin with, a z-loss"),
    ),
)
