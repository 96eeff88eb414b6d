"""What the losses come to on either side: the samples trained on, and those held out."""

from typing import NamedTuple

import numpy as np

from diagnostics.diagnosis import remedies
from diagnostics.diagnosis.case import RECENT, Case, Finding
from diagnostics.diagnosis.rule import Rule

RISEN = 0.1
"""Held-out loss above its minimum, absolute and relative."""

HALF, TENTH = 0.5, 0.1
"""To half of what it was at the best look the training loss has fallen, or to a tenth of the
held-out loss, where little is left to fall: noise does less."""

TOLD, CLOSE = 0.01, 0.9
"""Held-out accuracy may fall by so much of one, and be so much of training's, and be as good."""

JUDGED_LOOKS = 8
"""Looks at the held-out set before anything is said of it."""


class Losses(NamedTuple):
    """Held-out and training loss now, and at the best look at the held-out set.

    The training loss is a mean over batches as the held-out one is over samples: under steps that
    are too large it comes in spikes, of which a median knows nothing.
    """

    step: int
    heldout_then: float
    heldout: float
    train_then: float
    train: float

    @property
    def risen(self) -> bool:
        """Whether the held-out loss has risen since."""
        return self.heldout - self.heldout_then >= RISEN * max(1.0, self.heldout_then)


def losses(case: Case) -> Losses | None:
    """None before there is enough to judge by, and where a loss is no number."""
    steps, heldout = case.heldout
    if len(heldout) < JUDGED_LOOKS:
        return None
    best = int(heldout.argmin())
    train, row = case.batch.scalar("loss"), int(np.searchsorted(case.batch.steps, steps[best]))
    then, now = train[max(0, row + 1 - RECENT) : row + 1].mean(), train[-RECENT:].mean()
    found = Losses(int(steps[best]), float(heldout[best]), float(heldout[-1]), then, now)
    return found if np.isfinite(found).all() else None


def _overfitting(case: Case) -> Finding | None:
    found = losses(case)
    if found is None or not found.risen:
        return None
    if _understands_more(case, found.step):
        return None
    low = max(HALF * found.train_then, TENTH * found.heldout)
    if found.train > min(low, found.train_then, found.heldout / 2):
        return None
    return Finding(
        f"The held-out loss has risen from {found.heldout_then:.2f} to {found.heldout:.2f} while "
        f"the training loss went from {found.train_then:.2g} to {found.train:.2g}: the network "
        "learns its samples by heart.",
        (),
        case.batch.steps > found.step,
        {
            "gap": found.heldout - found.train,
            "heldout_loss": found.heldout,
            "best_heldout_loss": found.heldout_then,
        },
    )


def _understands_more(case: Case, best: int) -> bool:
    """Whether held-out accuracy is no worse than when the loss was best, nor far from training's.

    A loss also rises where a network is only surer of the same answers.
    """
    heldout = case.batch.scalar("heldout_accuracy")
    if not np.isfinite(heldout).all() or not case.knows_accuracy:
        return False
    then = float(heldout[case.batch.steps <= best][-1])
    now = float(heldout[-RECENT:].mean())
    return now >= then - TOLD and now >= CLOSE * case.accuracy


OVERFITTING = Rule(
    key="overfitting",
    title="Overfitting",
    severity="watch",
    help=f"the held-out loss is {RISEN:g} and {RISEN:.0%} above its minimum, and twice the "
    f"training loss, which has fallen to {HALF:.0%} since, or to {TENTH:.0%} of it",
    find=_overfitting,
    chart="loss",
    yardstick=remedies.LOSS,
    remedies=(
        {"dropout": 0.3},
        {"weight_decay": 0.01},
        {"max_norm": 1.0},
        {"early_stopping": 100},
    ),
    advice=(("Regularization", "weight decay, dropout, or stop early"),),
)
