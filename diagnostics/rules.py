"""Records → diagnoses: pure functions that name what is wrong, where, since when, and why."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from diagnostics import remedies
from diagnostics.config import RunConfig
from diagnostics.evidence import RECENT, Case, Finding, numbers, since
from diagnostics.records import Diagnosis, PatientZero, Severity, StepBatch
from diagnostics.wording import layers, times

SATURATED = 0.5
DEAD = 1 / 3
DYING = 0.1
SPARSE = (0.3, 0.7)
STALLED, TOO_LARGE = 1e-5, 1e-1
LEARNED = 0.95
"""Accuracy at which small updates mean that there is little left to learn."""

CLIPPED_ALWAYS, CLIPPED_NEVER = 0.95, 0.01
JUDGED_STEPS = 20
"""Steps before it is said how often a gradient is clipped."""

OVERFITTED = 0.1
"""Held-out loss above its minimum, absolute and relative."""

JUDGED_LOOKS = 8
"""Looks at the held-out set before anything is said of it."""

NORM_SLOPE = 0.05
"""Decades per layer; ReLU behind batch norm has .083 (Yang et al. 2019)."""

BOUNDED = ("sigmoid", "tanh", "hard_tanh")
UPDATES = ("stalled", "too_large")
LIVELESS = ("vanishing", "dead", "born_dead", "dying", *UPDATES)


@dataclass(frozen=True)
class Rule:
    """A rule: what it is called, how grave it is, the chart that shows it, and its test.

    Diagnoses in ``silences`` say the same in other words, and are left out beside this one.
    """

    key: str
    title: str
    severity: Severity
    chart: str
    help: str
    find: Callable[[Case], Finding | None]
    silences: tuple[str, ...] = ()


def diagnose(
    config: RunConfig, batch: StepBatch, state: str, patient_zero: PatientZero | None = None
) -> tuple[Diagnosis, ...]:
    """What a run says now, the gravest first; empty before the first step."""
    if patient_zero is not None:
        return (_diverged(config, patient_zero),)
    if not len(batch) or np.isnan(batch.metric("signal_grad_norm")).all():
        return ()
    case = Case(config, batch)
    found = [(rule, finding) for rule in RULES if (finding := rule.find(case))]
    silent = {key for rule, _ in found for key in rule.silences}
    said = [_said(case, rule, finding) for rule, finding in found if rule.key not in silent]
    said.sort(key=lambda diagnosis: ("ill", "watch", "fine").index(diagnosis.severity))
    trouble = tuple(diagnosis for diagnosis in said if diagnosis.severity != "fine")
    if trouble or not np.isfinite(batch.metric("signal_grad_norm")[-1]).all():
        return trouble
    return (_healthy(case), *said)


def _said(case: Case, rule: Rule, finding: Finding) -> Diagnosis:
    return Diagnosis(
        rule.key,
        rule.severity,
        rule.title,
        finding.sentence,
        finding.layers,
        since(case.batch, finding.ill),
        finding.evidence,
        remedies.candidates(rule.key, case.config)[: remedies.SHOWN],
        rule.chart,
    )


def _vanishing(case: Case) -> Finding | None:
    if case.travel[-1] > -case.limit:
        return None
    return _travelled(case, -1, _why_vanishing(case.config))


def _exploding(case: Case) -> Finding | None:
    if case.travel[-1] < case.limit:
        return None
    return _travelled(case, 1, f"Each {case.config.layer_word} passes on more than it gets.")


def _travelled(case: Case, sign: int, why: str) -> Finding:
    """A gradient that vanished (−1) or exploded (1) on its way to the input."""
    word, last = case.config.layer_word, case.batch.layers - 1
    return Finding(
        f"{word.capitalize()} 1 receives {times(case.travel[-1])} the gradient that reaches "
        f"{word} {last}. {why}",
        numbers(sign * case.decades[-1] > case.limit / 2),
        sign * case.travel >= case.limit,
        {"decades": float(case.travel[-1]), "slope": case.slope},
    )


def _why_vanishing(config: RunConfig) -> str:
    reasons = {
        "sigmoid": "Each sigmoid multiplies it by at most ¼.",
        "tanh": "Each tanh and its weights shrink it.",
        "relu": "A ReLU stops half of it, and these weights are too small to make up for that.",
    }
    if config.activation == "relu" and config.init.startswith("he_"):
        return "These weights no longer make up for the half that each ReLU stops."
    return reasons.get(config.activation, f"Each {config.layer_word} passes on less than it gets.")


def _norm_explosion(case: Case) -> Finding | None:
    """Yang et al. 2019: batch norm in a deep network multiplies the gradient at every layer."""
    fresh = case.batch.steps[-1] <= RECENT
    if case.config.norm != "batch" or not fresh:
        return None
    if case.slope < NORM_SLOPE or case.travel[-1] < 1:
        return None
    why = "At initialization batch norm multiplies it at every layer; training calms it."
    found = _travelled(case, 1, why)
    return found._replace(ill=case.always)


def _saturated(case: Case) -> Finding | None:
    share = case.share("saturated")
    if case.config.residual or case.config.activation not in BOUNDED:
        return None  # a residual network's gradient goes around its activations
    if not (share[-1] > SATURATED).any():
        return None
    where, worst = numbers(share[-1] > SATURATED), float(share[-1].max())
    return Finding(
        f"In {layers(where, case.config.layer_word)} up to {worst:.0%} of the activations sit at "
        "the ends of their range, where the slope is almost 0 and nothing is learned.",
        where,
        share.max(axis=1) > SATURATED,
        {"share": worst},
    )


def _dead(case: Case) -> Finding | None:
    return _lost_units(case, "are 0 for every sample") if _now(case, "dead") > DEAD else None


def _born_dead(case: Case) -> Finding | None:
    """Lu et al. 2019: narrow and deep ReLU networks are often dead before the first step."""
    if case.mean_share("dead")[0] <= DEAD or _now(case, "dead") <= DEAD:
        return None
    return _lost_units(case, "were 0 for every sample before the first step")


def _dying(case: Case) -> Finding | None:
    mean = case.mean_share("dead")
    if mean[-1] - mean[0] <= DYING:
        return None
    found = _lost_units(case, "have become 0 for every sample")
    return found._replace(ill=mean - mean[0] > DYING)


def _now(case: Case, metric: str) -> float:
    return float(case.mean_share(metric)[-1])


def _lost_units(case: Case, what: str) -> Finding:
    share, mean = case.share("dead"), case.mean_share("dead")
    return Finding(
        f"{mean[-1]:.0%} of the hidden units {what}: no gradient passes them, so they can hardly "
        "come back.",
        numbers(share[-1] > min(DEAD, float(mean[-1]))),
        mean > DEAD,
        {"share": float(mean[-1]), "at_birth": float(mean[0])},
    )


def _sparse(case: Case) -> Finding | None:
    sparsity, dead = _now(case, "sparsity"), _now(case, "dead")
    if not SPARSE[0] <= sparsity <= SPARSE[1] or dead > DYING:
        return None
    return Finding(
        f"{sparsity:.0%} of the activations are 0, yet only {dead:.0%} of the units are 0 for "
        "every sample: that is how a ReLU works, and no illness.",
        (),
        case.always,
        {"sparsity": sparsity, "dead": dead},
    )


def _stalled(case: Case) -> Finding | None:
    slow = case.update_ratio < STALLED
    if not _most(case, slow) or case.accuracy > LEARNED:
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


def _most(case: Case, where: np.ndarray) -> bool:
    known = np.isfinite(case.update_ratio)
    return bool(known.any() and where[known].mean() >= 0.5)


def _clipped_share(case: Case) -> float | None:
    """The share of recent steps clipped; None where it can't be judged."""
    if case.config.clip == "none" or len(case.batch) < JUDGED_STEPS:
        return None
    before = case.batch.scalar("grad_norm")[-100:]
    after = case.batch.scalar("clipped_norm")[-100:]
    return float(np.mean(after < before * (1 - 1e-5)))


def _clipping_always(case: Case) -> Finding | None:
    share = _clipped_share(case)
    if share is None or share < CLIPPED_ALWAYS:
        return None
    return Finding(
        f"{share:.0%} of the steps are clipped: the threshold {case.config.clip_threshold:g} sets "
        "the size of steps, the learning rate only scales it.",
        (),
        case.always,
        {"share": share, "threshold": case.config.clip_threshold},
    )


def _clipping_never(case: Case) -> Finding | None:
    share = _clipped_share(case)
    if share is None or share > CLIPPED_NEVER:
        return None
    return Finding(
        f"No gradient comes near the threshold {case.config.clip_threshold:g}: clipping waits for "
        "an emergency.",
        (),
        case.always,
        {"share": share, "threshold": case.config.clip_threshold},
    )


def _overfitting(case: Case) -> Finding | None:
    steps, heldout = case.heldout
    train = case.batch.scalar("loss")[-RECENT:]
    if len(heldout) < JUDGED_LOOKS or not np.isfinite([*heldout[-1:], *train]).all():
        return None
    best, now, loss = int(heldout.argmin()), float(heldout[-1]), float(train.mean())
    if now - heldout[best] < OVERFITTED * max(1.0, heldout[best]) or loss > now / 2:
        return None
    return Finding(
        f"The held-out loss has risen from {heldout[best]:.2f} to {now:.2f} while the training "
        f"loss fell to {loss:.2g}: the network learns its samples by heart.",
        (),
        case.batch.steps > steps[best],
        {"gap": now - loss, "heldout_loss": now, "best_heldout_loss": float(heldout[best])},
    )


def _symmetric(case: Case) -> Finding | None:
    empty = case.batch.metric("weight_norm")[0, :-1] == 0
    if not empty.any():
        return None
    return Finding(
        f"All weights of {layers(numbers(empty), case.config.layer_word)} began at 0: the units "
        "of a layer are twins that get the same gradient and stay twins.",
        numbers(empty),
        case.always,
        {"layers": float(empty.sum())},
    )


RULES = (
    Rule("symmetric", "Symmetric start", "ill", "lead",
         "hidden layers whose weights are all 0 at the first step", _symmetric,
         (*LIVELESS, "sparse")),
    Rule("vanishing", "Vanishing gradients", "ill", "lead",
         "the signal gradient falls by 3 decades on its way to layer 1, or by 0.1 a layer in "
         "SGD networks of less than 30 layers, and by 1.25 at least", _vanishing, ("stalled",)),
    Rule("exploding", "Exploding gradients", "ill", "lead",
         "it grows by as much", _exploding),
    Rule("bn_explosion", "Batch norm explodes at the start", "watch", "lead",
         "batch norm, in the first 10 steps, with more than 0.05 decades a layer and one in all",
         _norm_explosion, ("exploding",)),
    Rule("saturated", "Saturated activations", "ill", "saturated",
         "more than half of a layer's activations in the outermost 5% of a bounded range",
         _saturated),
    Rule("born_dead", "Born dead", "ill", "dead",
         "more than a third of all hidden units 0 for every probe sample at the first step",
         _born_dead, ("dead", "dying", "stalled")),
    Rule("dead", "Dead units", "ill", "dead",
         "more than a third of all hidden units 0 for every probe sample", _dead, ("dying",)),
    Rule("dying", "Dying units", "watch", "dead",
         "more than a tenth of all hidden units died since the first step", _dying),
    Rule("stalled", "Stalled", "ill", "update_ratio",
         "half of the layers change by less than 1e-5 of their spread a step, and accuracy is "
         "below 95%", _stalled),
    Rule("too_large", "Too large steps", "ill", "update_ratio",
         "half of the layers change by more than 1e-1 of their spread a step", _too_large),
    Rule("clipping_always", "Always clipped", "watch", "clip",
         "95% of the last 100 steps are clipped", _clipping_always),
    Rule("clipping_never", "Never clipped", "fine", "clip",
         "1% of the last 100 steps at most are clipped", _clipping_never),
    Rule("overfitting", "Overfitting", "watch", "loss",
         "the held-out loss is 0.1 and 10% above its minimum, and twice the training loss",
         _overfitting),
    Rule("sparse", "Sparse, and well", "fine", "dead",
         "30% to 70% of activations are 0, but less than a tenth of the units are dead", _sparse),
)  # fmt: skip


def _diverged(config: RunConfig, patient: PatientZero) -> Diagnosis:
    names = {
        "weight": "weights",
        "activation": "activations",
        "signal_grad": "signal gradient",
        "weight_grad": "weight gradient",
        "bias_grad": "bias gradient",
        "loss": "loss",
    }
    where = f"the {names[patient.tensor]} of {config.layer_word} {patient.layer}"
    if patient.layer == config.hidden_layers + 1:
        where = f"the {names[patient.tensor]} of the output layer"
    return Diagnosis(
        "diverged",
        "ill",
        "Diverged",
        f"At step {patient.step} numbers left the range of floats, first in {where}. "
        "Training on would be pointless, so the run ended.",
        (patient.layer,),
        patient.step,
        {"step": patient.step, "layer": patient.layer},
        remedies.candidates("diverged", config)[: remedies.SHOWN],
        "loss",
    )


def _healthy(case: Case) -> Diagnosis:
    word, last = case.config.layer_word, case.batch.layers - 1
    travelled = float(case.travel[-1])
    sentence = (
        f"{word.capitalize()} 1 receives {times(travelled)} the gradient that reaches "
        f"{word} {last}: all {word}s can learn."
    )
    return Diagnosis(
        "healthy",
        "fine",
        "Healthy gradients",
        sentence if last > 1 else "A single hidden layer learns from the output at once.",
        evidence={"decades": travelled},
    )
