"""Whether a network learns, as far as its losses and its accuracy tell."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diagnostics.store.records import StepBatch

Floats = NDArray[np.floating]

BEGINNING = 10
"""Steps that are a run's beginning: what is said of a start is said of a window that has them."""

PATIENCE = 100
"""Steps after which it counts that nothing was learned; before, it may be about to begin."""

JUDGED = 12
"""Losses before anything is told by them."""

MUCH, LITTLE = 0.3, 0.03
"""Of its first value: a loss that has fallen by so much has learned something, and one that falls
by so little from one third of the time to the next is learning."""

RIGHT = 0.15
"""By so much accuracy has risen where something was learned."""

GUESSED = 0.3
"""Accuracy above which a window that is not a run's beginning may be of one that has learned."""

OFTEN = 0.6
"""Accuracy above which a loss that has fallen tells the truth, however accuracy began."""

KNOWN = 0.9
"""Accuracy of what has learned, however soon it did, where no class is much more frequent."""

RISEN = 1.2
"""Times its first value: a loss that is so much worse."""

NEWEST = 10
"""Losses that speak for the present."""


class Evidence(NamedTuple):
    """What is known of how training goes.

    Attributes:
        learns: whether something was learned or is being learned; None where that can't be told.
        worse: whether the loss is far above what it was at the beginning.
        fresh: whether the run's first steps are among those looked at.
    """

    learns: bool | None
    worse: bool
    fresh: bool


def evidence(batch: StepBatch, balanced: bool = False) -> Evidence:
    """Of the steps that were measured.

    Args:
        balanced: whether classes are about as frequent, so that accuracy can't be good by chance.
    """
    fresh = bool(len(batch) and batch.steps[0] <= BEGINNING)
    loss = batch.scalar("loss")
    known = np.isfinite(loss)
    steps, loss = batch.steps[known], loss[known]
    if len(loss) < JUDGED or not loss.any():
        return Evidence(None, False, fresh)
    if balanced and _accuracy(batch.scalar("accuracy"))[1] >= KNOWN:
        return Evidence(True, False, fresh)
    first, now = float(loss[:3].min()), float(np.median(loss[-NEWEST:]))
    worse = fresh and now > first + (RISEN - 1) * abs(first) and now > 0
    return Evidence(_learns(batch, steps, loss, fresh), worse, fresh)


def _learns(batch: StepBatch, steps: NDArray[np.int64], loss: Floats, fresh: bool) -> bool | None:
    """By accuracy where it is known, since a loss falls as well where only its scale is mended."""
    gained, right = _accuracy(batch.scalar("accuracy"))
    if gained >= RIGHT:
        return True
    unknown = np.isnan(gained) or (not fresh and right > GUESSED)
    fallen = float(loss[:3].min()) - float(np.median(loss[-NEWEST:]))
    if (unknown or right > OFTEN) and fallen > MUCH * abs(float(loss[:3].min())):
        return True
    if _falling(loss):
        return True if unknown else None
    if steps[-1] - steps[0] < PATIENCE:
        return None
    return False if fresh or not unknown else None


def _accuracy(accuracy: Floats) -> tuple[float, float]:
    """What it has risen by, and what it is now; NaN where it isn't known."""
    known = accuracy[np.isfinite(accuracy)]
    if len(known) < JUDGED or not known.any():
        return np.nan, np.nan
    now = float(known[-NEWEST:].mean())
    return now - float(known[:3].mean()), now


def _falling(loss: Floats) -> bool:
    """Whether the last third of the losses lies clearly below the one before, and below the first.

    What has leapt up with the first steps falls as well, and learns nothing by that.
    """
    parts = np.array_split(loss, 3)
    middle = [float(np.median(part)) for part in parts]
    error = [1.25 * float(np.std(part)) / np.sqrt(len(part)) for part in parts]
    least = max(2 * float(np.hypot(error[1], error[2])), LITTLE * abs(middle[0]))
    return middle[1] - middle[2] > least and middle[2] < loss[0]
