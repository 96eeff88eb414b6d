"""Records → diagnoses: pure functions that name what is wrong, where, since when, and why.

Vanishing and exploding have no standard threshold. Ours: the signal gradient changes by more than
0.1 decades per layer, or by more than 3 decades in all.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from diagnostics.config import RunConfig
from diagnostics.records import Diagnosis, PatientZero, Remedy, StepBatch

Floats = NDArray[np.floating]

SLOPE = 0.1
DECADES = 3.0
SATURATED = 0.5
DEAD = 1 / 3

BOUNDED = ("sigmoid", "tanh", "hard_tanh")
RECTIFIED = ("relu",)

TRY_RELU_HE = Remedy("Try ReLU + He", {"activation": "relu", "init": "he_normal"})
TRY_HE = Remedy("Try He initialization", {"init": "he_normal"})
TRY_GLOROT = Remedy("Try Glorot initialization", {"init": "glorot_normal"})
TRY_BATCH_NORM = Remedy("Try batch norm", {"norm": "batch"})
TRY_RESIDUAL = Remedy("Try residual connections", {"residual": True})
TRY_CLIPPING = Remedy("Try clipping by norm", {"clip": "norm", "clip_threshold": 1.0})
TRY_LEAKY = Remedy("Try leaky ReLU", {"activation": "leaky_relu"})


def diagnose(
    config: RunConfig, batch: StepBatch, state: str, patient_zero: PatientZero | None = None
) -> tuple[Diagnosis, ...]:
    """What the newest step of a run says, the gravest first; empty before the first step."""
    if patient_zero is not None:
        return (_diverged(config, patient_zero),)
    if not len(batch) or np.isnan(batch.metric("signal_grad_norm")).all():
        return ()
    found = [rule(config, batch) for rule in RULES]
    ill = tuple(diagnosis for diagnosis in found if diagnosis is not None)
    if ill or not np.isfinite(batch.metric("signal_grad_norm")[-1]).all():
        return ill
    return (_healthy(config, batch),)


def decades(signal: Floats) -> Floats:
    """log10 of each hidden layer's signal over the last hidden layer's, [steps, layers − 1].

    The output layer is left out. Where a value is 0 it counts as the smallest float32.
    """
    smallest = np.finfo(np.float32).smallest_subnormal
    with np.errstate(all="ignore"):
        logs = np.log10(np.maximum(signal[:, :-1].astype(np.float64), smallest))
        return np.asarray(logs - logs[:, -1:])


def _travel(config: RunConfig, batch: StepBatch) -> Floats:
    """Decades from the last hidden layer down to the first, [steps]; 0 where nothing is left."""
    signal = batch.metric("signal_grad_norm")
    if signal.shape[1] < 3:
        return np.zeros(len(batch))
    travelled = decades(signal)[:, 0]
    return np.where(np.isfinite(travelled), travelled, 0.0)


def _threshold(config: RunConfig) -> float:
    return min(DECADES, max(1.0, SLOPE * (config.depth - 1)))


def _vanishing(config: RunConfig, batch: StepBatch) -> Diagnosis | None:
    travelled = _travel(config, batch)
    limit = _threshold(config)
    if travelled[-1] > -limit:
        return None
    ratios = decades(batch.metric("signal_grad_norm"))[-1]
    layers = _numbers(ratios < -limit / 2)
    return Diagnosis(
        "vanishing",
        "ill",
        "Vanishing gradients",
        f"Layer 1 receives only {_times(travelled[-1])} the gradient that reaches layer "
        f"{config.depth}. {_why_vanishing(config)}",
        layers,
        _since(batch, travelled <= -limit),
        {"decades": float(travelled[-1]), "slope": float(travelled[-1] / (config.depth - 1))},
        _vanishing_remedies(config),
    )


def _why_vanishing(config: RunConfig) -> str:
    reasons = {
        "sigmoid": "Each sigmoid multiplies it by at most ¼.",
        "tanh": "Each tanh and its weights shrink it.",
        "relu": "A ReLU stops half of it, and these weights are too small to make up for that.",
    }
    return reasons.get(config.activation, "Each layer passes on less than it gets.")


def _vanishing_remedies(config: RunConfig) -> tuple[Remedy, ...]:
    first = TRY_HE if config.activation == "relu" else TRY_RELU_HE
    if config.activation == "relu" and config.init.startswith("he_"):
        first = TRY_RESIDUAL
    second = TRY_BATCH_NORM if config.norm == "none" else TRY_RESIDUAL
    return _distinct(first, second)


def _distinct(*remedies: Remedy) -> tuple[Remedy, ...]:
    return tuple({remedy.label: remedy for remedy in remedies}.values())


def _exploding(config: RunConfig, batch: StepBatch) -> Diagnosis | None:
    travelled = _travel(config, batch)
    limit = _threshold(config)
    if travelled[-1] < limit:
        return None
    ratios = decades(batch.metric("signal_grad_norm"))[-1]
    rectified = config.activation in RECTIFIED
    return Diagnosis(
        "exploding",
        "ill",
        "Exploding gradients",
        f"Layer 1 receives {_times(travelled[-1])} the gradient that reaches layer "
        f"{config.depth}. Each layer passes on more than it gets.",
        _numbers(ratios > limit / 2),
        _since(batch, travelled >= limit),
        {"decades": float(travelled[-1]), "slope": float(travelled[-1] / (config.depth - 1))},
        (TRY_HE if rectified else TRY_GLOROT, TRY_CLIPPING),
    )


def _saturated(config: RunConfig, batch: StepBatch) -> Diagnosis | None:
    share = _shares(batch, "saturated")
    if config.activation not in BOUNDED or not (share[-1] > SATURATED).any():
        return None
    layers = _numbers(share[-1] > SATURATED)
    worst = float(share[-1].max())
    return Diagnosis(
        "saturated",
        "ill",
        "Saturated activations",
        f"In {_layer_words(layers)} up to {worst:.0%} of the activations sit at the ends of their "
        "range, where the slope is almost 0 and nothing is learned.",
        layers,
        _since(batch, share.max(axis=1) > SATURATED),
        {"share": worst},
        _distinct(TRY_GLOROT if config.init != "glorot_normal" else TRY_RELU_HE, TRY_BATCH_NORM),
    )


def _dead(config: RunConfig, batch: StepBatch) -> Diagnosis | None:
    share = _shares(batch, "dead")
    mean = share.sum(axis=1) / max(1, share.shape[1])
    if mean[-1] <= DEAD:
        return None
    born = " from birth" if mean[0] > DEAD else ""
    return Diagnosis(
        "dead",
        "ill",
        "Dead units",
        f"{mean[-1]:.0%} of the hidden units are 0 for every sample{born}: no gradient passes "
        "them, so they can hardly come back.",
        _numbers(share[-1] > DEAD),
        _since(batch, mean > DEAD),
        {"share": float(mean[-1]), "at_birth": float(mean[0])},
        (TRY_LEAKY, TRY_BATCH_NORM),
    )


def _diverged(config: RunConfig, patient: PatientZero) -> Diagnosis:
    names = {
        "weight": "weights",
        "activation": "activations",
        "signal_grad": "signal gradient",
        "weight_grad": "weight gradient",
        "bias_grad": "bias gradient",
        "loss": "loss",
    }
    where = f"the {names[patient.tensor]} of layer {patient.layer}"
    if patient.layer == config.depth + 1:
        where = f"the {names[patient.tensor]} of the output layer"
    smaller = Remedy("Try a tenth of the learning rate", {"lr": config.lr / 10})
    return Diagnosis(
        "diverged",
        "ill",
        "Diverged",
        f"At step {patient.step} numbers left the range of floats, first in {where}. "
        "Training on would be pointless, so the run ended.",
        (patient.layer,),
        patient.step,
        {"step": patient.step},
        (TRY_CLIPPING, smaller) if config.clip == "none" else (smaller,),
    )


def _healthy(config: RunConfig, batch: StepBatch) -> Diagnosis:
    travelled = float(_travel(config, batch)[-1])
    sentence = (
        f"Layer 1 receives {_times(travelled)} the gradient that reaches layer {config.depth}: "
        "all layers can learn."
    )
    return Diagnosis(
        "healthy",
        "fine",
        "Healthy gradients",
        sentence if config.depth > 1 else "A single hidden layer learns from the output at once.",
        evidence={"decades": travelled},
    )


Rule = Callable[[RunConfig, StepBatch], Diagnosis | None]

RULES: Sequence[Rule] = (_vanishing, _exploding, _saturated, _dead)


def _since(batch: StepBatch, ill: NDArray[np.bool_]) -> int:
    """The first step of the unbroken ill stretch that reaches the newest step."""
    well = np.flatnonzero(~ill)
    start = int(well[-1]) + 1 if len(well) else 0
    return int(batch.steps[min(start, len(batch) - 1)])


def _shares(batch: StepBatch, metric: str) -> Floats:
    """A share of the hidden layers, [steps, layers − 1], 0 where it was not measured."""
    return np.clip(np.nan_to_num(batch.metric(metric)[:, :-1]), 0, 1)


def _numbers(mask: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) + 1 for i in np.flatnonzero(mask))


def _layer_words(layers: Sequence[int]) -> str:
    if len(layers) == 1:
        return f"layer {layers[0]}"
    if layers[-1] - layers[0] + 1 == len(layers):
        return f"layers {layers[0]}–{layers[-1]}"
    return f"{len(layers)} layers"


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _times(power: float) -> str:
    """10^power as it stands before "the gradient": 0.6 ×, 4 × 10⁻⁸ of, 2 × 10⁷ times."""
    if -2 <= power < 3:
        return f"{10**power:.2g} ×" if power < 2 else f"{10**power:.0f} ×"
    exponent = int(np.floor(power))
    mantissa = 10 ** (power - exponent)
    number = f"{mantissa:.0f} × 10{str(exponent).translate(_SUPERSCRIPTS)}"
    return f"{number} of" if power < 0 else f"{number} times"
