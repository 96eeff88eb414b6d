"""Rules on the gradient's way from the last hidden layer to the first."""

import numpy as np

from diagnostics.diagnosis import remedies
from diagnostics.diagnosis.case import (
    DECADES,
    HOPELESS,
    LEAST,
    RECENT,
    SLOPE,
    Case,
    Finding,
)
from diagnostics.diagnosis.rule import Rule
from diagnostics.diagnosis.wording import called, capital, times
from diagnostics.store.records import Severity
from diagnostics.subject.activations import ACTIVATIONS
from diagnostics.subject.choices import NORMS
from diagnostics.subject.initializations import INITIALIZATIONS
from diagnostics.subject.watched import Subject

NORM_SLOPE, NORM_DECADES = 0.05, 1.9
"""Decades a layer, and in all; ReLU behind batch norm has .083 a layer (Yang et al. 2019), and from
twenty layers on it does harm."""

AT_ONCE = 2.0
"""Decades by which a gradient has exploded that grows so in a model's first steps, where nothing
normalizes it and nothing goes around layers."""


def _vanishing(case: Case) -> Finding | None:
    gravity = _gravity(case, -1)
    return _travelled(case, -1, _why_vanishing(case.subject), gravity) if gravity else None


def _exploding(case: Case) -> Finding | None:
    gravity = _gravity(case, 1)
    why = f"Each {case.subject.layer_word} passes on more than it gets."
    return _travelled(case, 1, why, gravity) if gravity else None


def _gravity(case: Case, sign: int) -> Severity | None:
    """How grave it is that a gradient vanished (−1) or exploded (1); None where it did not.

    What the loss shows to learn all the same is worth a word at most, and what goes around layers,
    or is normalized, may well grow or shrink on the way.
    """
    decades, learns = sign * float(case.travel[-1]), case.evidence.learns
    around = case.subject.residual or (sign > 0 and case.subject.norm != "none")
    if sign > 0 and case.starts and not around and decades >= AT_ONCE:
        return "ill"
    if decades < case.limit:
        return None
    if learns is False:
        return "ill"
    if case.subject.lab is None and around:
        return None
    if learns:
        return None if around or decades < DECADES else "watch"
    borne = case.subject.scales_steps and decades < HOPELESS
    return "watch" if borne else "ill"


def _travelled(case: Case, sign: int, why: str, gravity: Severity = "ill") -> Finding:
    """A gradient that vanished (−1) or exploded (1) on its way to the input."""
    way = case.way
    first, last = (called(way.places[k] + 1, case.subject) for k in (way.first, -1))
    seen = int(np.flatnonzero(np.append(True, way.reached))[-1]) - 1
    gets, reaches = ("receives", "reaches") if way.reached[-1] else ("received", "last reached")
    where = np.sort(np.array(way.places)[sign * way.decades[seen] > case.limit / 2])
    return Finding(
        f"{capital(first)} {gets} {times(case.travel[-1])} the gradient that {reaches} {last}. "
        f"{why}{' The loss falls all the same.' if case.evidence.learns else ''}",
        tuple(int(place) + 1 for place in where),
        sign * case.travel >= case.limit,
        {"decades": float(case.travel[-1]), "slope": case.slope},
        mild=abs(float(case.travel[-1])) < DECADES,
        severity=gravity,
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
    bare = case.subject.lab is not None or not case.subject.residual
    if not NORMS[case.subject.norm].over_batch or not fresh or not bare:
        return None
    if case.slope < NORM_SLOPE or case.travel[-1] < NORM_DECADES:
        return None
    why = "At initialization batch norm multiplies it at every layer; training calms it."
    found = _travelled(case, 1, why)
    return found._replace(ill=case.always, severity="watch")


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
        remedies.CLIP,
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
