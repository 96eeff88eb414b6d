"""Changes of a configuration that may help, and how they are ranked once they have been tried."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any, Literal

from diagnostics.diagnosis.wording import number
from diagnostics.store.records import Remedy
from diagnostics.subject.choices import OPTIMIZERS
from diagnostics.subject.config import FIELDS, InvalidConfig, RunConfig, choices_of

SHOWN = 3
"""Remedies worth a button."""

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


@dataclass(frozen=True)
class Yardstick:
    """What a remedy is judged by: a number of a trial, where smaller is better.

    Attributes:
        steps: how long a training of it is.
        digits: after the point; what is equal so far keeps the order of the candidates.
        before: the number of what is to be cured, where that is known without a trial.
    """

    key: Literal["decades", "saturated", "dead", "error", "loss"]
    how: How
    phrase: str
    steps: int = TRIAL_STEPS
    digits: int = 2
    before: float | None = None


TRAVEL = Yardstick(
    "decades",
    "initialization",
    "{first} 1 from {before} to {after} of the last one's gradient",
    digits=1,
)
ERROR = Yardstick(
    "error", "training", f"held-out error after {TRIAL_STEPS} steps: {{before}} → {{after}}"
)
SURVIVAL = Yardstick(
    "error",
    "training",
    f"held-out error after {2 * TRIAL_STEPS} steps: {{before}} → {{after}}",
    steps=2 * TRIAL_STEPS,
    digits=1,
    before=nan,
)
"""That it lives is what counts, and the smallest change first; how well it learns shows later."""

BORN_DEAD = Yardstick("dead", "initialization", "dead units at birth: {before} → {after}")
DYING = Yardstick("dead", "training", f"dead after {TRIAL_STEPS} steps: {{before}} → {{after}}")
SATURATED = Yardstick("saturated", "initialization", "saturated activations: {before} → {after}")
LOSS = Yardstick(
    "loss", "training", f"held-out loss after {TRIAL_STEPS} steps: {{before}} → {{after}}"
)


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


def ranked(
    rod: Yardstick, config: RunConfig, before: float, tried: Iterable[tuple[Remedy, float]]
) -> tuple[Remedy, ...]:
    """The remedies that helped, best first, each with its predicted effect.

    Args:
        rod: what they are judged by.
        before: the yardstick of the configuration as it is; NaN counts as the worst.
        tried: remedies with the yardstick of the configuration so changed.
    """
    helped = [(r, after) for r, after in tried if _distance(rod, after) < _distance(rod, before)]
    helped.sort(key=lambda pair: _distance(rod, pair[1]))
    return tuple(replace(r, effect=_effect(rod, config, before, after)) for r, after in helped)


def _distance(rod: Yardstick, value: float) -> float:
    """How far from well; rounded, so that equals keep the order of the candidates."""
    if not isfinite(value):
        return float("inf")
    return round(abs(value), rod.digits)


def _effect(rod: Yardstick, config: RunConfig, before: float, after: float) -> str:
    words = {"before": _number(rod, before), "after": _number(rod, after)}
    return rod.phrase.format(first=config.layer_word, **words)


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
    return Remedy(_label(field, value), {field: value})


def _label(field: str, value: Any) -> str:
    choices, title = choices_of(field), FIELDS[field].title or field
    if choices is not None:
        labels = {"norm": f"{choices[value].label} norm", "clip": "No clipping"}
        return labels.get(field, choices[value].label)
    return title if value is True else f"{title} {value:g}"
