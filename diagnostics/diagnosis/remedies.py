"""Changes of a configuration that may help, and how they are ranked once they have been tried."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Literal

from diagnostics.diagnosis.wording import number
from diagnostics.store.records import Remedy
from diagnostics.subject.config import FIELDS, InvalidConfig, RunConfig, choices_of
from diagnostics.subject.watched import Subject, WatchedModel

SHOWN = 3
"""Remedies worth a button."""

TRIAL_STEPS = 150
"""How long a remedy against an illness of training is tried."""

Changes = Mapping[str, Any]
How = Literal["initialization", "training"]

RELU_HE = {"activation": "relu", "init": "he_normal"}
CLIP = {"clip": "norm", "clip_threshold": 1.0}
SLOWER, FASTER = {"lr": 0.1}, {"lr": 10.0}
"""Factors of the learning rate."""

USUAL = {"lr": 0.0}
USUAL_LR = {"sgd": 0.05, "momentum": 0.01, "rmsprop": 1e-3, "adam": 1e-3, "adamw": 1e-3}

NORMS: list[Changes] = [{"norm": "batch"}, {"norm": "layer"}]
INITS: list[Changes] = [{"init": key} for key in ("he_normal", "glorot_normal", "orthogonal")]
RECTIFIERS: list[Changes] = [{"activation": key} for key in ("relu", "leaky_relu", "elu")]
RESIDUAL: list[Changes] = [{"residual": True}]


@dataclass(frozen=True)
class Yardstick:
    """What a remedy is judged by: a number of a trial, where smaller is better."""

    key: Literal["decades", "saturated", "dead", "error", "loss"]
    how: How
    phrase: str


TRAVEL = Yardstick(
    "decades", "initialization", "{first} 1 from {before} to {after} of the last one's gradient"
)
ERROR = Yardstick(
    "error", "training", f"held-out error after {TRIAL_STEPS} steps: {{before}} → {{after}}"
)
BORN_DEAD = Yardstick("dead", "initialization", "dead units at birth: {before} → {after}")
DYING = Yardstick("dead", "training", f"dead after {TRIAL_STEPS} steps: {{before}} → {{after}}")
SATURATED = Yardstick("saturated", "initialization", "saturated activations: {before} → {after}")
LOSS = Yardstick(
    "loss", "training", f"held-out loss after {TRIAL_STEPS} steps: {{before}} → {{after}}"
)

_CANDIDATES: dict[str, tuple[Yardstick, list[Changes]]] = {
    "vanishing": (TRAVEL, [RELU_HE, *INITS, *NORMS, *RESIDUAL, *RECTIFIERS]),
    "exploding": (TRAVEL, [*INITS, *NORMS, *RESIDUAL, {"activation": "tanh"}]),
    "bn_explosion": (TRAVEL, [*RESIDUAL, {"norm": "layer"}, {"activation": "linear"}]),
    "symmetric": (ERROR, [*INITS, RELU_HE]),
    "saturated": (
        SATURATED,
        [*INITS, {"init": "lecun_normal"}, *NORMS, RELU_HE],
    ),
    "born_dead": (BORN_DEAD, [*RECTIFIERS, {"activation": "selu"}, *NORMS, *RESIDUAL]),
    "dead": (DYING, [*RECTIFIERS, SLOWER, *NORMS, CLIP]),
    "dying": (DYING, [*RECTIFIERS, SLOWER, *NORMS, CLIP]),
    "diverged": (ERROR, [CLIP, SLOWER, *NORMS]),
    "too_large": (ERROR, [SLOWER, CLIP, *NORMS]),
    "stalled": (ERROR, [FASTER, USUAL, {"optimizer": "adam"}, *NORMS, *RESIDUAL]),
    "overfitting": (
        LOSS,
        [{"dropout": 0.3}, {"weight_decay": 0.01}, {"max_norm": 1.0}, {"early_stopping": 100}],
    ),
    "clipping_always": (ERROR, [{"clip_threshold": 10.0}, {"clip": "none"}, SLOWER]),
    "clipping_never": (ERROR, [{"clip": "none"}]),
}


def yardstick(rule: str) -> Yardstick | None:
    """What remedies for a rule are judged by; None where nothing needs a remedy."""
    return _CANDIDATES[rule][0] if rule in _CANDIDATES else None


_ADVICE: dict[str, list[tuple[str, str]]] = {
    "vanishing": [
        ("Initialization", "He for ReLU and its kin, Glorot for tanh, LeCun for SELU"),
        ("Normalization", "batch or layer norm between the layers"),
        ("Residual connections", "a road around the layers named"),
    ],
    "exploding": [
        ("Clipping", "clip_grad_norm_ at the norm of healthy steps"),
        ("Initialization", "a smaller variance in the layers named"),
        ("Normalization", "layer norm between the layers"),
    ],
    "saturated": [
        ("Smaller weights", "Glorot initialization before a tanh or sigmoid"),
        ("Activation", "one that does not saturate, such as ReLU"),
    ],
    "dead": [
        ("Activation", "leaky ReLU, ELU or GELU: no unit of theirs can die"),
        ("Learning rate", "a tenth of it, or a warm-up"),
    ],
    "diverged": [
        ("Learning rate", "a tenth of it, or a warm-up"),
        ("Clipping", "clip_grad_norm_ before the optimizer's step"),
        ("Type", "float32 or bfloat16 where float16 overflows"),
    ],
    "stalled": [
        ("Learning rate", "ten times larger, or an adaptive optimizer"),
        ("Frozen?", "see whether these layers are in the optimizer at all"),
    ],
    "too_large": [("Learning rate", "a tenth of it"), ("Clipping", "clip_grad_norm_")],
    "symmetric": [("Initialization", "draw the weights at random")],
    "overfitting": [("Regularization", "weight decay, dropout, or stop early")],
    "clipping_always": [("Threshold", "raise it tenfold, or lower the learning rate")],
}
_ADVICE |= {"born_dead": _ADVICE["dead"], "dying": _ADVICE["dead"]}
"""What to do about a model that is not ours to change."""


def candidates(rule: str, subject: Subject) -> tuple[Remedy, ...]:
    """The changes worth trying, likeliest first; for a watched model, advice without changes."""
    if isinstance(subject, WatchedModel):
        return tuple(Remedy(label, {}, words) for label, words in _ADVICE.get(rule, []))
    return _changes(rule, subject)


def _changes(rule: str, config: RunConfig) -> tuple[Remedy, ...]:
    """Each different from what is there."""
    found: dict[RunConfig, Remedy] = {}
    for changes in _CANDIDATES.get(rule, (None, []))[1]:
        remedy = _remedy(changes, config)
        try:
            changed = config.changed(**remedy.changes)
        except InvalidConfig:  # ten times the largest learning rate
            continue
        if changed != config:
            found.setdefault(changed, remedy)
    return tuple(found.values())


def ranked(
    rule: str, config: RunConfig, before: float, tried: Iterable[tuple[Remedy, float]]
) -> tuple[Remedy, ...]:
    """The remedies that helped, best first, each with its predicted effect.

    Args:
        before: the yardstick of the configuration as it is; NaN counts as the worst.
        tried: remedies with the yardstick of the configuration so changed.
    """
    rod = yardstick(rule)
    assert rod is not None
    helped = [(r, after) for r, after in tried if _distance(rod, after) < _distance(rod, before)]
    helped.sort(key=lambda pair: _distance(rod, pair[1]))
    return tuple(replace(r, effect=_effect(rod, config, before, after)) for r, after in helped)


def _distance(rod: Yardstick, value: float) -> float:
    """How far from well; rounded, so that equals keep the order of the candidates."""
    if not isfinite(value):
        return float("inf")
    return round(abs(value), 1 if rod.key == "decades" else 2)


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
        lr = float(f"{config.lr * changes['lr']:.3g}") or USUAL_LR[config.optimizer]
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
