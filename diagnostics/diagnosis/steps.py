"""Rules on the steps of training: their size, their clipping, and what they come to."""

import numpy as np

from diagnostics.diagnosis import remedies
from diagnostics.diagnosis.case import LEARNED, RECENT, Case, Finding, Mask, numbers
from diagnostics.diagnosis.rule import Rule
from diagnostics.diagnosis.wording import called, number

STALLED, TOO_LARGE = 1e-5, 1e-1
MOST = 0.5
"""Share of layers that speak for all."""

CLIPPED_ALWAYS, CLIPPED_NEVER = 0.95, 0.01
CLIPPED_STEPS = 100
"""Newest steps over which it is counted how many were clipped."""

JUDGED_STEPS = 20
"""Steps before it is said how often a gradient is clipped."""

OVERFITTED = 0.1
"""Held-out loss above its minimum, absolute and relative."""

JUDGED_LOOKS = 8
"""Looks at the held-out set before anything is said of it."""


def _stalled(case: Case) -> Finding | None:
    slow = case.update_ratio < STALLED
    if not _most(case, slow) or case.learned:
        return None
    largest = float(np.nanmax(case.update_ratio))
    return Finding(
        "A step changes most weights by less than a hundred-thousandth of their spread: nothing "
        "is learned in a lifetime.",
        numbers(slow),
        case.always,
        {"largest_ratio": largest, "layers": float(slow.sum())},
    )


def _too_large(case: Case) -> Finding | None:
    fast = case.update_ratio > TOO_LARGE
    if len(case.batch) < RECENT or not _most(case, fast):
        return None
    median = float(np.nanmedian(case.update_ratio))
    return Finding(
        f"Each step changes most weights by {median:.0%} of their spread, and so forgets what was "
        "learned before.",
        numbers(fast),
        case.always,
        {"median_ratio": median},
    )


def _most(case: Case, where: Mask) -> bool:
    known = np.isfinite(case.update_ratio)
    return bool(known.any() and where[known].mean() >= MOST)


def _clipped_share(case: Case) -> float | None:
    """The share of recent steps clipped; None where it can't be judged."""
    if case.subject.clip == "none" or len(case.batch) < JUDGED_STEPS:
        return None
    before = case.batch.scalar("grad_norm")[-CLIPPED_STEPS:]
    after = case.batch.scalar("clipped_norm")[-CLIPPED_STEPS:]
    return float(np.mean(after < before * (1 - 1e-5)))


def _clipping_always(case: Case) -> Finding | None:
    share = _clipped_share(case)
    if share is None or share < CLIPPED_ALWAYS:
        return None
    threshold = case.subject.clip_threshold
    return Finding(
        f"{share:.0%} of the steps are clipped: the threshold {threshold:g} sets "
        "the size of steps, the learning rate only scales it.",
        (),
        case.always,
        {"share": share, "threshold": threshold},
    )


def _clipping_never(case: Case) -> Finding | None:
    share = _clipped_share(case)
    if share is None or share > CLIPPED_NEVER:
        return None
    threshold = case.subject.clip_threshold
    return Finding(
        f"No gradient comes near the threshold {threshold:g}: clipping waits for an emergency.",
        (),
        case.always,
        {"share": share, "threshold": threshold},
    )


def _overfitting(case: Case) -> Finding | None:
    steps, heldout = case.heldout
    train = case.batch.scalar("loss")[-RECENT:]
    if len(heldout) < JUDGED_LOOKS or not np.isfinite([*heldout[-1:], *train]).all():
        return None
    best, now, loss = int(heldout.argmin()), float(heldout[-1]), float(np.median(train))
    if now - heldout[best] < OVERFITTED * max(1.0, heldout[best]) or loss > now / 2:
        return None
    return Finding(
        f"The held-out loss has risen from {heldout[best]:.2f} to {now:.2f} while the training "
        f"loss fell to {loss:.2g}: the network learns its samples by heart.",
        (),
        case.batch.steps > steps[best],
        {"gap": now - loss, "heldout_loss": now, "best_heldout_loss": float(heldout[best])},
    )


LARGE = 1e3
"""Of a signal gradient's norm: worth a word."""

TENSORS = {
    "weight": "weights",
    "activation": "activations",
    "signal_grad": "signal gradient",
    "weight_grad": "weight gradient",
    "bias_grad": "bias gradient",
    "loss": "loss",
}
"""What the tensors of ``PatientZero`` are called."""


def _diverged(case: Case) -> Finding | None:
    patient = case.patient_zero
    if patient is None:
        return None
    where = f"the {TENSORS[patient.tensor]} of {called(patient.layer, case.subject)}"
    ends = case.subject.lab is not None  # the lab ends such a run, a stranger's goes on
    return Finding(
        f"At step {patient.step} numbers left the range of floats, first in {where}. "
        + _grown(case)
        + (
            "Training on would be pointless, so the run ended."
            if ends
            else "Nothing computed since means anything."
        ),
        (patient.layer,),
        case.always,
        {"step": patient.step, "layer": patient.layer},
        patient.step,
    )


def _grown(case: Case) -> str:
    """What gradients had come to in the last step that was all numbers."""
    signal = case.batch.metric("signal_grad_norm").astype(np.float64)
    sound = np.flatnonzero(np.isfinite(signal).all(axis=1))
    largest = float(signal[sound[-1]].max()) if len(sound) else 0.0
    if largest <= LARGE:
        return ""
    step = int(case.batch.steps[sound[-1]])
    return f"At step {step} the largest gradient was {number(np.log10(largest))}, then no number. "


DIVERGED = Rule(
    key="diverged",
    title="Diverged",
    severity="ill",
    help="a loss, gradient, activation or weight that is NaN or infinite",
    find=_diverged,
    tone="exploding",
    yardstick=remedies.ERROR,
    remedies=(remedies.CLIP, remedies.SLOWER, *remedies.NORMS),
    advice=(
        ("Learning rate", "a tenth of it, or a warm-up"),
        ("Clipping", "clip_grad_norm_ before the optimizer's step"),
        ("Type", "float32 or bfloat16 where float16 overflows"),
    ),
)

STALLED_STEPS = Rule(
    key="stalled",
    title="Stalled",
    severity="ill",
    help=f"{MOST:.0%} of the layers change by less than {STALLED:.0e} of their spread a step, and "
    f"accuracy is below {LEARNED:.0%}",
    find=_stalled,
    chart="update_ratio",
    yardstick=remedies.ERROR,
    remedies=(
        remedies.FASTER,
        remedies.USUAL,
        {"optimizer": "adam"},
        *remedies.NORMS,
        remedies.RESIDUAL,
    ),
    advice=(
        ("Learning rate", "ten times larger, or an adaptive optimizer"),
        ("Frozen?", "see whether these layers are in the optimizer at all"),
    ),
)

TOO_LARGE_STEPS = Rule(
    key="too_large",
    title="Too large steps",
    severity="ill",
    help=f"{MOST:.0%} of the layers change by more than {TOO_LARGE:.0e} of their spread a step",
    find=_too_large,
    chart="update_ratio",
    yardstick=remedies.ERROR,
    remedies=(remedies.SLOWER, remedies.CLIP, *remedies.NORMS),
    advice=(("Learning rate", "a tenth of it"), ("Clipping", "clip_grad_norm_")),
)

CLIPPING_ALWAYS = Rule(
    key="clipping_always",
    title="Always clipped",
    severity="watch",
    help=f"{CLIPPED_ALWAYS:.0%} of the last {CLIPPED_STEPS} steps are clipped",
    find=_clipping_always,
    chart="clip",
    yardstick=remedies.ERROR,
    remedies=({"clip_threshold": 10.0}, {"clip": "none"}, remedies.SLOWER),
    advice=(("Threshold", "raise it tenfold, or lower the learning rate"),),
)

CLIPPING_NEVER = Rule(
    key="clipping_never",
    title="Never clipped",
    severity="fine",
    help=f"{CLIPPED_NEVER:.0%} of the last {CLIPPED_STEPS} steps at most are clipped",
    find=_clipping_never,
    chart="clip",
    yardstick=remedies.ERROR,
    remedies=({"clip": "none"},),
)

OVERFITTING = Rule(
    key="overfitting",
    title="Overfitting",
    severity="watch",
    help=f"the held-out loss is {OVERFITTED:g} and {OVERFITTED:.0%} above its minimum, and twice "
    "the training loss",
    find=_overfitting,
    chart="loss",
    yardstick=remedies.LOSS,
    remedies=(
        {"dropout": 0.3},
        {"weight_decay": 0.01},
        {"max_norm": 1.0},
        {"early_stopping": 100},
    ),
    advice=(("Regularization", "weight decay, dropout, or stop early"),),
)
