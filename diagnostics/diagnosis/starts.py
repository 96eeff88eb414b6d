"""Rules on what a network begins with: weights that are all alike, inputs that are too large."""

from collections.abc import Callable, Mapping

import numpy as np

from diagnostics.diagnosis import remedies
from diagnostics.diagnosis.case import Case, Finding, numbers
from diagnostics.diagnosis.evidence import BEGINNING
from diagnostics.diagnosis.rule import Rule
from diagnostics.diagnosis.way import Floats, Mask
from diagnostics.diagnosis.wording import layers
from diagnostics.subject.activations import ACTIVATIONS
from diagnostics.subject.choices import NORMS
from diagnostics.subject.watched import WatchedModel

ALIKE = 1e-3
"""Standard deviation of weights over their size: what is less is rounding."""

FEW = 1.75
"""Of n samples none lies further than √(n − 1) standard deviations from their mean."""

INVERSE: Mapping[str, Callable[[Floats], Floats]] = {
    "tanh": np.arctanh,
    "sigmoid": lambda h: np.log(h / (1 - h)),
}
"""From the largest activation to the largest value before it, where a bounded one tells."""

HUGE = 30.0
"""Root mean square of the first layer's activations; about 1 for inputs of variance 1."""

GROWN = 3.0
"""Times as large as those before: activations that layers blow up, not inputs."""

FULL, FREE = 0.8, 0.5
"""Saturated share of the first layer, and of the others, where inputs are to blame."""


def _symmetric(case: Case) -> Finding | None:
    if not case.evidence.fresh or case.evidence.learns:
        return None
    empty, alike = _empty(case), _alike(case)
    if alike.sum() > len(alike) / 2:
        return _twins(case, alike, "were alike from the start")
    return _twins(case, empty, "began at 0") if empty.any() else None


def _twins(case: Case, where: Mask, what: str) -> Finding:
    return Finding(
        f"All weights of {layers(numbers(where), case.subject)} {what}: the units "
        "of a layer are twins that get the same gradient and stay twins.",
        numbers(where),
        case.always,
        {"layers": float(where.sum())},
    )


def _empty(case: Case) -> Mask:
    """Hidden layers whose weights are 0 and to which no gradient comes, [layers − 1].

    What begins at 0 with a gradient of its own, as LoRA's B or the end of a residual block, is a
    way that opens.
    """
    weights = case.batch.metric("weight_norm")[0, :-1] == 0
    signal = case.batch.metric("signal_grad_norm")[0, :-1] == 0
    return np.asarray(weights & (signal if case.subject.lab is None else True))


def _alike(case: Case) -> Mask:
    """Hidden layers whose weights have next to no spread that an update could be set against."""
    size, update, ratio = (
        case.batch.metric(key)[0, :-1].astype(np.float64)
        for key in ("weight_norm", "update_norm", "update_ratio")
    )
    spread = update / np.where(ratio > 0, ratio, np.inf)
    known = np.isfinite(update) & (size > 0)
    return np.asarray(known & (~np.isfinite(ratio) | ((ratio > 1) & (spread < ALIKE * size))))


def _input_scale(case: Case) -> Finding | None:
    """Told from weights that are too large by the other layers, which do not add to it."""
    if not case.evidence.fresh or case.batch.layers < 3:
        return None
    saturated = case.share("saturated")[0]
    shut = saturated[0] > FULL and saturated[1:].max() < FREE
    size = _sizes(case)
    huge = size[0] > HUGE and not (size[1:] > GROWN * size[:-1]).any()
    if not shut and not huge:
        return None
    told = f"are of size {size[0]:.0f}" if huge else f"are saturated for {saturated[0]:.0%}"
    return Finding(
        f"The activations of {layers((1,), case.subject)} {told}, those of the others are not: "
        "its inputs are some hundred times too large.",
        (1,),
        case.always,
        {"size": float(size[0]), "saturated": float(saturated[0])},
        severity="watch" if case.evidence.learns else "ill",
    )


def _sizes(case: Case) -> Floats:
    """Root mean square of each hidden layer's activations at the first step, [layers − 1]."""
    mean, std = (
        case.batch.metric(key)[0, :-1].astype(np.float64)
        for key in ("activation_mean", "activation_std")
    )
    return np.nan_to_num(np.hypot(mean, std))


def _small_batches(case: Case) -> Finding | None:
    """Normalized by n samples, a value lies within √(n − 1): so far as it ever gets, n is told."""
    if not NORMS[case.subject.norm].over_batch or not case.evidence.fresh:
        return None
    config = case.subject.lab
    samples = config.batch_size if config else _samples(case)
    if samples > FEW**2 + 1:
        return None
    return Finding(
        f"Batch norm normalizes by batches of {samples:.0f}: of so few samples mean and variance "
        "are noise, and hardly a gradient gets through.",
        (),
        case.always,
        {"samples": float(samples)},
        severity="watch" if case.evidence.learns else "ill",
    )


def _samples(case: Case) -> float:
    """The least that a batch has, by the largest value after batch norm in the first steps.

    Where branches add up some may begin with gains of 0: then the layer that tells most counts.
    """
    first = case.batch.steps <= BEGINNING
    largest = case.batch.metric("activation_max")[first, :-1].astype(np.float64)
    known = np.isfinite(largest).all(axis=0) & _activated(case)[:-1]
    activation = ACTIVATIONS.get(case.subject.activation)
    bounded = activation is not None and activation.range is not None
    if not known.any() or (bounded and case.subject.activation not in INVERSE):
        return np.inf
    back = INVERSE.get(case.subject.activation, np.abs)
    usual = np.max if case.subject.residual else np.median
    return float(np.round(usual(back(largest[:, known].max(axis=0))) ** 2) + 1)


def _activated(case: Case) -> Mask:
    """Layers with an activation: of others what comes before batch norm was measured."""
    layers = case.subject.layers if isinstance(case.subject, WatchedModel) else ()
    found = np.zeros(case.batch.layers, np.bool_)
    found[[i for i, layer in enumerate(layers[: len(found)]) if layer.activation]] = True
    return found


SYMMETRIC = Rule(
    key="symmetric",
    title="Symmetric start",
    severity="ill",
    help="hidden layers whose weights are all 0, or all the same, at the first step",
    find=_symmetric,
    silences=(
        "vanishing",
        "dead",
        "born_dead",
        "dying",
        "stalled",
        "too_large",
        "unmoved",
        "sparse",
    ),
    yardstick=remedies.ERROR,
    remedies=(*remedies.INITS, remedies.RELU_HE),
    advice=(("Initialization", "draw the weights at random"),),
)

INPUT_SCALE = Rule(
    key="input_scale",
    title="Inputs too large",
    severity="ill",
    help=f"activations of the first layer of size {HUGE:g}, or saturated for {FULL:.0%}, at the "
    "first step, and those of the others not",
    find=_input_scale,
    chart="activation_max",
    tone="exploding",
    silences=("saturated", "exploding", "too_large", "vanishing", "dead", "dying", "stalled"),
    yardstick=remedies.ERROR,
    remedies=(*remedies.NORMS, remedies.SLOWER, remedies.CLIP),
    advice=(("Inputs", "mean 0 and variance 1: divide by 255, or standardize each column"),),
)

SMALL_BATCHES = Rule(
    key="small_batches",
    title="Batch norm of too few",
    severity="ill",
    help=f"batch norm over batches of at most {FEW**2 + 1:.0f} samples",
    find=_small_batches,
    silences=("vanishing", "exploding", "bn_explosion", "stalled", "dead", "dying", "too_large"),
    yardstick=remedies.ERROR,
    remedies=({"batch_size": 32}, {"norm": "layer"}, {"norm": "none"}),
    advice=(
        ("Batch size", "16 samples or more for each normalization"),
        ("Normalization", "layer or group norm, which need no batch"),
    ),
)
