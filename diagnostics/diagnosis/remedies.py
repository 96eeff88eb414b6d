"""Changes of a configuration that may help, and what is offered of them while they are tried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any, Literal, NamedTuple

from diagnostics.diagnosis.wording import number
from diagnostics.store.records import Remedy
from diagnostics.subject.choices import OPTIMIZERS
from diagnostics.subject.config import FIELDS, InvalidConfig, RunConfig, choices_of

SHOWN = 3
"""Places for remedies."""

TRIAL_STEPS = 150
"""How long a remedy against an illness of training is tried."""

Changes = Mapping[str, Any]
How = Literal["initialization", "training"]

RELU_HE = {"activation": "relu", "init": "he_normal"}
CLIP = {"clip": "norm", "clip_threshold": 1.0}
SLOWER, FASTER, USUAL = {"lr": 0.1}, {"lr": 10.0}, {"lr": 0.0}
"""Factors of the learning rate; 0 stands for the optimizer's usual one."""

NORMS: list[Changes] = [{"norm": "batch"}, {"norm": "layer"}]
INITS: list[Changes] = [{"init": key} for key in ("he_normal", "glorot_normal", "orthogonal")]
RECTIFIERS: list[Changes] = [{"activation": key} for key in ("relu", "leaky_relu", "elu")]
RESIDUAL: Changes = {"residual": True}


class Outcome(NamedTuple):
    """What came of a trial.

    Attributes:
        value: its yardstick's number.
        cured: whether the illness is gone.
        learns: whether a short training then beats chance.
        accuracy: of that training, held-out; NaN where there was none.
    """

    value: float
    cured: bool
    learns: bool = True
    accuracy: float = nan


@dataclass(frozen=True)
class Yardstick:
    """What a remedy is judged by: a number of a trial, where smaller is better.

    Attributes:
        steps: how long a training of it is.
        digits: after the point; what is equal so far keeps the order of the candidates.
        before: what is to be cured, where that is known without a trial.
    """

    key: Literal["decades", "saturated", "dead", "error", "loss"]
    how: How
    phrase: str
    steps: int = TRIAL_STEPS
    digits: int = 2
    before: Outcome | None = None


TRAVEL = Yardstick("decades", "initialization", "{first} 1: {before} → {after}", digits=1)
ERROR = Yardstick("error", "training", f"error at step {TRIAL_STEPS}: {{before}} → {{after}}")
SURVIVAL = Yardstick(
    "error",
    "training",
    f"error at step {2 * TRIAL_STEPS}: {{before}} → {{after}}",
    steps=2 * TRIAL_STEPS,
    digits=1,
    before=Outcome(nan, False),
)
"""That it lives is what counts, and the smallest change first; how well it learns shows later."""

BORN_DEAD = Yardstick("dead", "initialization", "dead at birth: {before} → {after}")
DYING = Yardstick("dead", "training", f"dead at step {TRIAL_STEPS}: {{before}} → {{after}}")
SATURATED = Yardstick("saturated", "initialization", "saturated: {before} → {after}")
LOSS = Yardstick("loss", "training", f"loss at step {TRIAL_STEPS}: {{before}} → {{after}}")
"""Errors and losses are held-out ones; a gradient is told as a share of the last hidden layer's."""


def changed(config: RunConfig, candidates: Sequence[Changes]) -> tuple[Remedy, ...]:
    """Remedies that change a configuration, each differently."""
    found: dict[RunConfig, Remedy] = {}
    for changes in candidates:
        remedy = _remedy(changes, config)
        try:
            new = config.changed(**remedy.changes)
        except InvalidConfig:  # ten times the largest learning rate
            continue
        if new != config:
            found.setdefault(new, remedy)
    return tuple(found.values())


def helpful(
    rod: Yardstick, config: RunConfig, before: Outcome, remedy: Remedy, after: Outcome
) -> Remedy | None:
    """A remedy with what came of it; None where it did not cure.

    Args:
        config: without the remedy.
        before: the outcome without the remedy; NaN counts as the worst.
        after: the outcome with it.
    """
    if not after.learns:
        return None
    if rod.how == "initialization" and _acts_later(remedy):
        effect = f"accuracy at step {TRIAL_STEPS}: {after.accuracy:.0%}"
        return None if before.learns else replace(remedy, effect=effect, trial="helped")
    gone = after.cured or _halved(rod, before, after)
    if not gone or distance(rod, after) >= distance(rod, before):
        return None
    words = {"before": _number(rod, before.value), "after": _number(rod, after.value)}
    effect = rod.phrase.format(first=config.layer_word, **words)
    return replace(remedy, effect=effect, trial="helped")


def _halved(rod: Yardstick, before: Outcome, after: Outcome) -> bool:
    """Whether half of the decades are gone, and none have come on the other side."""
    same = before.value * after.value >= 0
    return rod.key == "decades" and same and 2 * distance(rod, after) <= distance(rod, before)


def _acts_later(remedy: Remedy) -> bool:
    """Whether nothing of it is seen at initialization: clipping acts on steps."""
    return "clip" in remedy.changes


def offered(
    candidates: Sequence[Remedy], tried: Sequence[Remedy | None], trying: bool = False
) -> tuple[Remedy, ...]:
    """The remedies in their places, which they keep as long as they are not found not to help.

    What did not help leaves its place to the next that does, or empty.

    Args:
        candidates: likeliest first.
        tried: what came of the first of them, None where it did not help.
        trying: whether the next one is being tried now.
    """
    places: dict[int, Remedy] = dict(enumerate(candidates[:SHOWN]))
    for order, found in enumerate(tried):
        places.pop(order, None)
        free = [place for place in (order, *range(SHOWN)) if place < SHOWN and place not in places]
        if found is not None and free:
            places[free[0]] = found
    if trying and len(tried) in places:
        places[len(tried)] = replace(places[len(tried)], trial="trying")
    return tuple(replace(remedy, place=place) for place, remedy in sorted(places.items()))


def distance(rod: Yardstick, outcome: Outcome) -> float:
    """How far from well; rounded, so that next to nothing is no help."""
    if not isfinite(outcome.value):
        return float("inf")
    return round(abs(outcome.value), rod.digits)


def _number(rod: Yardstick, value: float) -> str:
    if not isfinite(value):
        return "diverged"
    if rod.key == "decades":
        return number(value)
    return f"{value:.2f}" if rod.key == "loss" else f"{value:.0%}"


def _remedy(changes: Changes, config: RunConfig) -> Remedy:
    if "lr" in changes:
        lr = float(f"{config.lr * changes['lr']:.3g}") or OPTIMIZERS[config.optimizer].usual_lr
        return Remedy(f"Learning rate {lr:.3g}", {"lr": lr})
    if changes == RELU_HE and config.activation != "relu":
        return Remedy("ReLU + He", changes)
    if changes == CLIP:
        return Remedy("Clip by norm 1", changes)
    field, value = list(changes.items())[-1]
    return Remedy(_label(field, value, config), {field: value})


def _label(field: str, value: Any, config: RunConfig) -> str:
    """What it changes, and from what: Batch size 32 instead of 2."""
    choices, title = choices_of(field), FIELDS[field].title or field
    if choices is not None:
        labels = {"norm": f"{choices[value].label} norm", "clip": "No clipping"}
        return labels.get(field, choices[value].label)
    if value is True:
        return title
    before = getattr(config, field)
    return f"{title} {value:g} instead of {before:g}" if before else f"{title} {value:g}"
