"""What each rule looks for: a case → what was found, or None. Pure functions."""

import numpy as np

from diagnostics.diagnosis.case import RECENT, Case, Finding, Mask, numbers
from diagnostics.diagnosis.wording import called, capital, layers, times
from diagnostics.subject.watched import Subject

SATURATED = 0.5
DEAD = 1 / 3
DYING = 0.1
SPARSE = (0.3, 0.7)
STALLED, TOO_LARGE = 1e-5, 1e-1
CLIPPED_ALWAYS, CLIPPED_NEVER = 0.95, 0.01
JUDGED_STEPS = 20
"""Steps before it is said how often a gradient is clipped."""

OVERFITTED = 0.1
"""Held-out loss above its minimum, absolute and relative."""

JUDGED_LOOKS = 8
"""Looks at the held-out set before anything is said of it."""

NORM_SLOPE = 0.05
"""Decades per layer; ReLU behind batch norm has .083 (Yang et al. 2019)."""


def vanishing(case: Case) -> Finding | None:
    if case.travel[-1] > -case.limit:
        return None
    return _travelled(case, -1, _why_vanishing(case.config))


def exploding(case: Case) -> Finding | None:
    if case.travel[-1] < case.limit:
        return None
    return _travelled(case, 1, f"Each {case.config.layer_word} passes on more than it gets.")


def _travelled(case: Case, sign: int, why: str) -> Finding:
    """A gradient that vanished (−1) or exploded (1) on its way to the input."""
    first, last = called(1, case.config), called(case.batch.layers - 1, case.config)
    return Finding(
        f"{capital(first)} receives {times(case.travel[-1])} the gradient that "
        f"reaches {last}. {why}",
        numbers(sign * case.decades[-1] > case.limit / 2),
        sign * case.travel >= case.limit,
        {"decades": float(case.travel[-1]), "slope": case.slope},
    )


def _why_vanishing(config: Subject) -> str:
    reasons = {
        "sigmoid": "Each sigmoid multiplies it by at most ¼.",
        "tanh": "Each tanh and its weights shrink it.",
        "relu": "A ReLU stops half of it, and these weights are too small to make up for that.",
    }
    if config.activation == "relu" and config.init.startswith("he_"):
        return "These weights no longer make up for the half that each ReLU stops."
    return reasons.get(config.activation, f"Each {config.layer_word} passes on less than it gets.")


def norm_explosion(case: Case) -> Finding | None:
    """Yang et al. 2019: batch norm in a deep network multiplies the gradient at every layer."""
    fresh = case.batch.steps[-1] <= RECENT
    if case.config.norm != "batch" or not fresh:
        return None
    if case.slope < NORM_SLOPE or case.travel[-1] < 1:
        return None
    why = "At initialization batch norm multiplies it at every layer; training calms it."
    found = _travelled(case, 1, why)
    return found._replace(ill=case.always)


def saturated(case: Case) -> Finding | None:
    share = case.share("saturated")
    if case.config.residual:
        return None  # a residual network's gradient goes around its activations
    if not (share[-1] > SATURATED).any():
        return None
    where, worst = numbers(share[-1] > SATURATED), float(share[-1].max())
    return Finding(
        f"In {layers(where, case.config)} up to {worst:.0%} of the activations sit at "
        "the ends of their range, where the slope is almost 0 and nothing is learned.",
        where,
        share.max(axis=1) > SATURATED,
        {"share": worst},
    )


def dead(case: Case) -> Finding | None:
    if blocked := _blocked(case):
        return blocked
    return _lost_units(case, "are 0 for every sample") if _now(case, "dead") > DEAD else None


def _blocked(case: Case) -> Finding | None:
    """A layer that is dead as a whole lets nothing through, unless something goes around it."""
    share = case.share("dead")
    where = numbers(share[-1] == 1)
    if not where or case.config.residual:
        return None
    return Finding(
        f"Every unit of {layers(where, case.config)} is 0 for every sample: no gradient "
        "gets past, and nothing before it learns.",
        where,
        (share == 1).any(axis=1),
        {"share": _now(case, "dead"), "at_birth": float(case.mean_share("dead")[0])},
    )


def born_dead(case: Case) -> Finding | None:
    """Lu et al. 2019: narrow and deep ReLU networks are often dead before the first step."""
    if case.mean_share("dead")[0] <= DEAD or _now(case, "dead") <= DEAD:
        return None
    return _lost_units(case, "were 0 for every sample before the first step")


def dying(case: Case) -> Finding | None:
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


def sparse(case: Case) -> Finding | None:
    sparsity, dead = _now(case, "sparsity"), _now(case, "dead")
    if not case.known("dead").any():
        return None
    if not SPARSE[0] <= sparsity <= SPARSE[1] or dead > DYING:
        return None
    return Finding(
        f"{sparsity:.0%} of the activations are 0, yet only {dead:.0%} of the units are 0 for "
        "every sample: that is how a ReLU works, and no illness.",
        (),
        case.always,
        {"sparsity": sparsity, "dead": dead},
    )


def stalled(case: Case) -> Finding | None:
    slow = case.update_ratio < STALLED
    if not _most(case, slow) or case.learned:
        return None
    largest = float(np.nanmax(case.update_ratio))
    return Finding(
        "A step changes most weights by less than a hundred-thousandth of their spread: nothing "
        "is learned in a lifetime.",
        numbers(slow),
        case.always,
        {"largest_ratio": largest, "layers": float(slow.sum())},
    )


def too_large(case: Case) -> Finding | None:
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


def _most(case: Case, where: Mask) -> bool:
    known = np.isfinite(case.update_ratio)
    return bool(known.any() and where[known].mean() >= 0.5)


def _clipped_share(case: Case) -> float | None:
    """The share of recent steps clipped; None where it can't be judged."""
    if case.config.clip == "none" or len(case.batch) < JUDGED_STEPS:
        return None
    before = case.batch.scalar("grad_norm")[-100:]
    after = case.batch.scalar("clipped_norm")[-100:]
    return float(np.mean(after < before * (1 - 1e-5)))


def clipping_always(case: Case) -> Finding | None:
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


def clipping_never(case: Case) -> Finding | None:
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


def overfitting(case: Case) -> Finding | None:
    steps, heldout = case.heldout
    train = case.batch.scalar("loss")[-RECENT:]
    if len(heldout) < JUDGED_LOOKS or not np.isfinite([*heldout[-1:], *train]).all():
        return None
    best, now, loss = int(heldout.argmin()), float(heldout[-1]), float(np.median(train))
    if now - heldout[best] < OVERFITTED * max(1.0, heldout[best]) or loss > now / 2:
        return None
    return Finding(
        f"The held-out loss has risen from {heldout[best]:.2f} to {now:.2f} while the training "
        f"loss fell to {loss:.2g}: the network learns its samples by heart.",
        (),
        case.batch.steps > steps[best],
        {"gap": now - loss, "heldout_loss": now, "best_heldout_loss": float(heldout[best])},
    )


def symmetric(case: Case) -> Finding | None:
    empty = case.batch.metric("weight_norm")[0, :-1] == 0
    if not empty.any():
        return None
    return Finding(
        f"All weights of {layers(numbers(empty), case.config)} began at 0: the units "
        "of a layer are twins that get the same gradient and stay twins.",
        numbers(empty),
        case.always,
        {"layers": float(empty.sum())},
    )
