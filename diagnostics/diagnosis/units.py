"""Rules on what units do: saturate, die, or are 0 as they should be."""

import numpy as np

from diagnostics.diagnosis import remedies
from diagnostics.diagnosis.case import Case, Finding, numbers
from diagnostics.diagnosis.rule import Advice, Rule
from diagnostics.diagnosis.wording import layers
from diagnostics.store.records import METRICS, Severity

SATURATED = 0.5
DEAD = 1 / 3
DYING = 0.1
SPARSE = (0.3, 0.7)

MOST = 0.8
"""Of a stranger's model's units: a model of which less are dead at its start may well learn."""

SLOW = 0.8
"""Accuracy below which a network that began saturated learns slowly."""


def _saturated(case: Case) -> Finding | None:
    share = case.share("saturated")
    gravity = _gravity_of_saturation(case)
    if gravity is None or not (share[-1] > SATURATED).any():
        return None
    where, worst = numbers(share[-1] > SATURATED), float(share[-1].max())
    return Finding(
        f"In {layers(where, case.subject)} up to {worst:.0%} of the activations sit at "
        "the ends of their range, where the slope is almost 0 and nothing is learned.",
        where,
        share.max(axis=1) > SATURATED,
        {"share": worst},
        severity=gravity,
    )


def _gravity_of_saturation(case: Case) -> Severity | None:
    """How grave it is that units are saturated; None where a network does well with them.

    A residual network's gradient goes around its activations. What is only foreseen is so where
    most of all activations are saturated: a single layer is no barrier.
    """
    if case.subject.residual:
        return None
    began = case.evidence.fresh and case.mean_share("saturated")[0] > SATURATED
    if case.evidence.learns:
        return "watch" if began and case.knows_accuracy and case.accuracy < SLOW else None
    return "ill" if case.unlearned or began else None


def _dead(case: Case) -> Finding | None:
    if blocked := _blocked(case):
        return blocked
    if _now(case, "dead") <= DEAD:
        return None
    found = _lost_units(case, "are 0 for every sample")
    if case.unlearned:
        return found
    grown = case.evidence.fresh and _grown(case) > DEAD
    return found._replace(severity="watch") if grown else None


def _blocked(case: Case) -> Finding | None:
    """A layer that is dead as a whole lets nothing through, unless something goes around it."""
    share = case.share("dead")
    where = numbers(share[-1] == 1)
    if not where or case.subject.residual or case.evidence.learns:
        return None
    passed = case.batch.metric("signal_grad_norm")[-1, : where[-1] - 1].any()
    if passed and case.subject.lab is None:
        return None
    return Finding(
        f"Every unit of {layers(where, case.subject)} is 0 for every sample: no gradient "
        "gets past, and nothing before it learns.",
        where,
        (share == 1).any(axis=1),
        {"share": _now(case, "dead"), "at_birth": float(case.mean_share("dead")[0])},
    )


def _born_dead(case: Case) -> Finding | None:
    """Lu et al. 2019: narrow and deep ReLU networks are often dead before the first step."""
    least = DEAD if case.predicted or case.unlearned else MOST
    if not case.evidence.fresh or case.evidence.learns:
        return None
    if case.mean_share("dead")[0] <= least or _now(case, "dead") <= least:
        return None
    return _lost_units(case, "were 0 for every sample before the first step")


def _dying(case: Case) -> Finding | None:
    """Of a stranger's model a mention is made where many died, or where it does harm."""
    exact = case.subject.lab is not None or case.unlearned
    limit = DYING if exact else DEAD
    if not case.evidence.fresh or _grown(case) <= limit:
        return None
    mean = case.mean_share("dead")
    found = _lost_units(case, "have become 0 for every sample")
    return found._replace(ill=mean - _at_birth(case) > limit)


def _grown(case: Case) -> float:
    """What the share of dead units has grown by since it was first known."""
    return _now(case, "dead") - _at_birth(case)


def _at_birth(case: Case) -> float:
    """The share of dead units when it was first known: in passing that takes a thousand samples."""
    seen = np.isfinite(case.batch.metric("dead")[:, :-1]).any(axis=1)
    return float(case.mean_share("dead")[int(seen.argmax())])


def _now(case: Case, metric: str) -> float:
    return float(case.mean_share(metric)[-1])


def _lost_units(case: Case, what: str) -> Finding:
    share, mean = case.share("dead"), case.mean_share("dead")
    return Finding(
        f"{mean[-1]:.0%} of the hidden units {what}: no gradient passes them, and only layers "
        "before them could wake them.",
        numbers(share[-1] > min(DEAD, float(mean[-1]))),
        mean > DEAD,
        {"share": float(mean[-1]), "at_birth": float(mean[0])},
    )


def _sparse(case: Case) -> Finding | None:
    sparsity, dead = _now(case, "sparsity"), _now(case, "dead")
    if not case.known("dead").any():
        return None
    if not SPARSE[0] <= sparsity <= SPARSE[1] or dead > DYING:
        return None
    return case.throughout(
        f"{sparsity:.0%} of the activations are 0, yet only {dead:.0%} of the units are 0 for "
        "every sample: that is how a ReLU works, and no illness.",
        sparsity=sparsity,
        dead=dead,
    )


def _linear(case: Case) -> Finding | None:
    """A product of matrices is a matrix; layer norm divides by what depends on its input."""
    subject, hidden = case.subject, case.batch.layers - 1
    if subject.activation != "linear" or subject.norm == "layer" or hidden < 2:
        return None
    return case.throughout(
        f"Nothing bends between the {hidden} {subject.layer_word}s: together they compute what "
        "one linear layer could, however many there are.",
        layers=hidden,
    )


_ADVICE: tuple[Advice, ...] = (
    ("Activation", "leaky ReLU, ELU or GELU: no unit of theirs can die"),
    ("Learning rate", "a tenth of it, or a warm-up"),
)
_WHILE_TRAINING = (
    *remedies.RECTIFIERS,
    remedies.SLOWER,
    *remedies.NORMS,
    remedies.CLIP,
)

SATURATED_UNITS = Rule(
    key="saturated",
    title="Saturated activations",
    severity="ill",
    help=f"more than {SATURATED:.0%} of a layer's activations saturated: "
    f"{METRICS['saturated'].help}",
    find=_saturated,
    chart="saturated",
    yardstick=remedies.SATURATED,
    remedies=(
        *remedies.INITS,
        {"init": "lecun_normal"},
        *remedies.NORMS,
        remedies.RELU_HE,
    ),
    advice=(
        ("Smaller weights", "Glorot initialization before a tanh or sigmoid"),
        ("Activation", "one that does not saturate, such as ReLU"),
    ),
)

BORN_DEAD = Rule(
    key="born_dead",
    title="Born dead",
    severity="ill",
    help=f"more than {DEAD:.0%} of all hidden units 0 for every probe sample at the first step",
    find=_born_dead,
    chart="dead",
    silences=("dead", "dying", "stalled"),
    yardstick=remedies.BORN_DEAD,
    remedies=(
        {"width": 64},
        *remedies.RECTIFIERS,
        {"activation": "selu"},
        *remedies.NORMS,
        remedies.RESIDUAL,
    ),
    advice=_ADVICE,
)

DEAD_UNITS = Rule(
    key="dead",
    title="Dead units",
    severity="ill",
    help=f"more than {DEAD:.0%} of all hidden units, or all of one layer's, 0 for every probe "
    "sample",
    find=_dead,
    chart="dead",
    silences=("dying", "stalled"),
    yardstick=remedies.DYING,
    remedies=_WHILE_TRAINING,
    advice=_ADVICE,
)

DYING_UNITS = Rule(
    key="dying",
    title="Dying units",
    severity="watch",
    help=f"more than {DYING:.0%} of all hidden units died since the first step",
    find=_dying,
    chart="dead",
    yardstick=remedies.DYING,
    remedies=_WHILE_TRAINING,
    advice=_ADVICE,
)

LINEAR_UNITS = Rule(
    key="linear",
    title="One linear layer",
    severity="watch",
    help="several hidden layers without an activation, and without layer norm",
    find=_linear,
    yardstick=remedies.ERROR,
    remedies=(remedies.RELU_HE, *remedies.RECTIFIERS, {"activation": "tanh"}),
    advice=(("Activation", "one that bends, such as ReLU or tanh"),),
)

SPARSE_UNITS = Rule(
    key="sparse",
    title="Sparse, and well",
    severity="fine",
    help=f"{SPARSE[0]:.0%} to {SPARSE[1]:.0%} of activations are 0, but less than {DYING:.0%} of "
    "the units are dead",
    find=_sparse,
    chart="dead",
)
