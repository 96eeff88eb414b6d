"""Rules on the gradient's way from the last hidden layer to the first."""

import numpy as np

from diagnostics.diagnosis import remedies
from diagnostics.diagnosis.case import DECADES, LEAST, RECENT, SLOPE, Case, Finding, numbers
from diagnostics.diagnosis.rule import Rule
from diagnostics.diagnosis.wording import called, capital, layers, times
from diagnostics.subject.activations import ACTIVATIONS
from diagnostics.subject.choices import NORMS
from diagnostics.subject.initializations import INITIALIZATIONS
from diagnostics.subject.watched import Subject

NORM_SLOPE, NORM_DECADES = 0.05, 1.0
"""Decades a layer, and in all; ReLU behind batch norm has .083 a layer (Yang et al. 2019)."""


def _vanishing(case: Case) -> Finding | None:
    if case.travel[-1] > -case.limit:
        return None
    return _travelled(case, -1, _why_vanishing(case.subject))


def _exploding(case: Case) -> Finding | None:
    if case.travel[-1] < case.limit:
        return None
    return _travelled(case, 1, f"Each {case.subject.layer_word} passes on more than it gets.")


def _travelled(case: Case, sign: int, why: str) -> Finding:
    """A gradient that vanished (−1) or exploded (1) on its way to the input."""
    first, last = called(1, case.subject), called(case.batch.layers - 1, case.subject)
    seen = int(np.flatnonzero(np.append(True, case.reached))[-1]) - 1
    gets, reaches = ("receives", "reaches") if case.reached[-1] else ("received", "last reached")
    return Finding(
        f"{capital(first)} {gets} {times(case.travel[-1])} the gradient that {reaches} {last}. "
        f"{why}",
        numbers(sign * case.decades[seen] > case.limit / 2),
        sign * case.travel >= case.limit,
        {"decades": float(case.travel[-1]), "slope": case.slope},
        mild=abs(float(case.travel[-1])) < DECADES,
    )


def _why_vanishing(subject: Subject) -> str:
    activation, init = (
        ACTIVATIONS.get(subject.activation),
        INITIALIZATIONS.get(subject.init),
    )
    why = ""
    if activation is not None:
        fitting = init is not None and init.made_for == activation.key
        why = (fitting and activation.outgrown) or activation.shrinks
    return why or f"Each {subject.layer_word} passes on less than it gets."


def _norm_explosion(case: Case) -> Finding | None:
    """Yang et al. 2019: batch norm in a deep network multiplies the gradient at every layer."""
    fresh = case.batch.steps[-1] <= RECENT
    if not NORMS[case.subject.norm].over_batch or not fresh:
        return None
    if case.slope < NORM_SLOPE or case.travel[-1] < NORM_DECADES:
        return None
    why = "At initialization batch norm multiplies it at every layer; training calms it."
    found = _travelled(case, 1, why)
    return found._replace(ill=case.always)


def _symmetric(case: Case) -> Finding | None:
    empty = case.batch.metric("weight_norm")[0, :-1] == 0
    if not empty.any():
        return None
    return Finding(
        f"All weights of {layers(numbers(empty), case.subject)} began at 0: the units "
        "of a layer are twins that get the same gradient and stay twins.",
        numbers(empty),
        case.always,
        {"layers": float(empty.sum())},
    )


SYMMETRIC = Rule(
    key="symmetric",
    title="Symmetric start",
    severity="ill",
    help="hidden layers whose weights are all 0 at the first step",
    find=_symmetric,
    silences=(
        "vanishing",
        "dead",
        "born_dead",
        "dying",
        "stalled",
        "too_large",
        "sparse",
    ),
    yardstick=remedies.ERROR,
    remedies=(*remedies.INITS, remedies.RELU_HE),
    advice=(("Initialization", "draw the weights at random"),),
)

VANISHING = Rule(
    key="vanishing",
    title="Vanishing gradients",
    severity="ill",
    help=f"the signal gradient falls by {DECADES:g} decades on its way to layer 1, or by {SLOPE:g} "
    f"a layer in networks of less than {DECADES / SLOPE:.0f} layers whose optimizer does not scale "
    f"each weight's step, and by {LEAST:g} at least",
    find=_vanishing,
    tone="vanishing",
    silences=("stalled",),
    yardstick=remedies.TRAVEL,
    remedies=(
        remedies.RELU_HE,
        *remedies.INITS,
        *remedies.NORMS,
        remedies.RESIDUAL,
        *remedies.RECTIFIERS,
    ),
    advice=(
        ("Initialization", "He for ReLU and its kin, Glorot for tanh, LeCun for SELU"),
        ("Normalization", "batch or layer norm between the layers"),
        ("Residual connections", "a road around the layers named"),
    ),
)

EXPLODING = Rule(
    key="exploding",
    title="Exploding gradients",
    severity="ill",
    help="the signal gradient grows by as much as vanishing says it falls",
    find=_exploding,
    tone="exploding",
    yardstick=remedies.TRAVEL,
    remedies=(
        *remedies.INITS,
        *remedies.NORMS,
        remedies.RESIDUAL,
        {"activation": "tanh"},
    ),
    advice=(
        ("Clipping", "clip_grad_norm_ at the norm of healthy steps"),
        ("Initialization", "a smaller variance in the layers named"),
        ("Normalization", "layer norm between the layers"),
    ),
)

NORM_EXPLOSION = Rule(
    key="bn_explosion",
    title="Batch norm explodes at the start",
    severity="watch",
    help=f"batch norm, in the first {RECENT} steps, with more than {NORM_SLOPE:g} decades a layer "
    f"and {NORM_DECADES:g} in all",
    find=_norm_explosion,
    tone="exploding",
    silences=("exploding",),
    yardstick=remedies.TRAVEL,
    remedies=(remedies.RESIDUAL, {"norm": "layer"}),
)
