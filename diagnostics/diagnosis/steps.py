"""Rules on the steps of training: their size, and what they come to."""

import numpy as np

from diagnostics.diagnosis import remedies
from diagnostics.diagnosis.case import LEARNED, RECENT, Case, Finding, numbers
from diagnostics.diagnosis.losses import losses
from diagnostics.diagnosis.rule import Rule
from diagnostics.diagnosis.way import Mask
from diagnostics.diagnosis.wording import called, number

STALLED, TOO_LARGE = 1e-5, 1e-1
JUDGED_STEPS = 20
"""Measured steps before steps are called small for good."""

FORGOTTEN = 3
"""Steps that are too large before they are called so: one or two are how an optimizer begins."""

MOST = 0.5
"""Share of layers that speak for all."""

FORGIVEN = 0.1
"""Of held-out accuracy: what a loss that has risen for a while costs."""

TWICE, LOST = 2.0, 0.1
"""A training loss that was lower is lost again when it has doubled, by so much of its first value:
batches alone do less."""


def _stalled(case: Case) -> Finding | None:
    slow = case.recent("update_ratio") < STALLED
    if case.learned or not _most(case, slow & _driven(case)) or not _stands(case):
        return None
    largest = float(np.nanmax(case.recent("update_ratio")))
    return Finding(
        "A step changes most weights by less than a hundred-thousandth of their spread: nothing "
        "is learned in a lifetime.",
        numbers(slow),
        case.always,
        {"largest_ratio": largest, "layers": float(slow.sum())},
        severity="ill" if case.unlearned else "watch",
    )


def _stands(case: Case) -> bool:
    """Whether steps are small for good, and not while the learning rate rises, or at its end.

    What no loss tells of is judged once a run has gone on for a while.
    """
    if case.evidence.learns or len(case.batch) < JUDGED_STEPS:
        return False
    lr = case.batch.scalar("lr")
    rising = lr[-1] > lr[0]
    ended = not case.evidence.fresh and lr[-1] < lr.max() / 100
    return not rising and not ended and (case.unlearned or not case.knows_loss)


def _driven(case: Case) -> Mask:
    """Layers that some gradient moves: no frozen ones, nor experts that are never asked."""
    recent = case.batch.metric("weight_grad_norm")[-RECENT:]
    known = np.isfinite(recent).any(axis=0)
    return np.asarray(known | ~np.isfinite(case.batch.metric("weight_grad_norm")).any())


def _too_large(case: Case) -> Finding | None:
    if len(case.batch) < RECENT:
        return None
    return _forgetting(case) or _climbing(case)


def _forgetting(case: Case) -> Finding | None:
    """Steps that leave little of the weights, and a loss that does not fall or is far worse."""
    ratio = case.batch.metric("update_ratio")
    fast = ratio > TOO_LARGE
    most = fast.sum(axis=1) >= MOST * np.maximum(1, np.isfinite(ratio).sum(axis=1))
    harm = case.unlearned or case.evidence.worse or not case.knows_loss
    if most.sum() < FORGOTTEN or not harm or case.evidence.learns:
        return None
    where = fast[most].mean(axis=0) >= MOST
    median = float(np.nanmedian(ratio[most][:, where])) if where.any() else float(TOO_LARGE)
    return Finding(
        f"Steps change most weights by {median:.0%} of their spread, and so forget what was "
        "learned before.",
        numbers(where),
        case.always,
        {"median_ratio": median},
    )


def _climbing(case: Case) -> Finding | None:
    """Steps that climb: what was learned is lost on either side, so it is no overfitting."""
    found = losses(case)
    if found is None or not found.risen:
        return None
    lost = found.train - found.train_then
    if found.train < TWICE * found.train_then or lost < LOST * case.batch.scalar("loss")[0]:
        return None
    return Finding(
        f"The training loss has risen from {found.train_then:.2g} to {found.train:.2g}, and the "
        f"held-out loss with it from {found.heldout_then:.2g} to {found.heldout:.2g}: the steps "
        "overshoot, and what was learned is lost again.",
        (),
        case.batch.steps > found.step,
        {"loss": found.train, "least_loss": found.train_then},
        chart="loss",
        severity="watch" if _still_right(case, found.step) else "ill",
    )


def _still_right(case: Case, best: int) -> bool:
    """Whether held-out accuracy has hardly fallen since the best look: the loss has a spike."""
    heldout = case.batch.scalar("heldout_accuracy")
    then = heldout[case.batch.steps <= best][-1:]
    return bool((heldout[-1:] >= then - FORGIVEN).any())


def _most(case: Case, where: Mask) -> bool:
    known = np.isfinite(case.recent("update_ratio"))
    return bool(known.any() and where[known].mean() >= MOST)


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
    of = f" of {called(patient.layer, case.subject)}" if patient.within else ""
    where = f"the {TENSORS[patient.tensor]}{of}"
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
    yardstick=remedies.SURVIVAL,
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
    help=f"{MOST:.0%} of the layers change by more than {TOO_LARGE:.0e} of their spread a step, or "
    "training and held-out loss have both risen far above what they were",
    find=_too_large,
    chart="update_ratio",
    yardstick=remedies.ERROR,
    remedies=(remedies.SLOWER, remedies.CLIP, *remedies.NORMS),
    advice=(("Learning rate", "a tenth of it"), ("Clipping", "clip_grad_norm_")),
)
