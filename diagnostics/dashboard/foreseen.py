"""What theory says of a network, for the wire, and whether training has left what it speaks of."""

from functools import lru_cache

import numpy as np

from diagnostics.dashboard import wire
from diagnostics.diagnosis.way import decades
from diagnostics.store.records import StepBatch
from diagnostics.subject import theory
from diagnostics.subject.config import RunConfig
from diagnostics.subject.watched import Subject

FAR = 4.0
"""Standard deviations from the prediction at which training has left the initialization."""


LAYERS = "one point a layer, in the order of calls"
GROUPS = "each point is a group's median, the band most of its layers; a click opens it"
"""What is told where theory says nothing."""


def predicted(config: Subject, points: str = LAYERS) -> wire.Theory:
    """The prediction for a network of the lab's; of others what points are, there is none."""
    if config.lab is None:
        words = (points, *config.unseen)
        return wire.Theory(why_not=" · ".join(words))
    return _of_lab(config.lab)


@lru_cache(maxsize=256)
def _of_lab(config: RunConfig) -> wire.Theory:
    """The predicted profiles and the band in decades, or a sentence where there is none."""
    found = theory.predict(config)
    if found is None:
        return wire.Theory(why_not=theory.unfounded(config) or "")
    return wire.Theory(
        decades=found.decades,
        spread=found.spread,
        activation_std=found.activation_std,
        slope=float(found.decades[0] / max(1, len(found.decades) - 1)),
    )


def away(config: Subject, batch: StepBatch) -> bool:
    """Whether training has led so far from the initialization that theory no longer speaks of it.

    Theory's band is for the mean over networks; a tenth of a decade a layer is allowed beside it.
    """
    told = predicted(config)
    if told.decades is None or told.spread is None:
        return False
    if not len(batch) or batch.steps[0] == 0 or batch.layers < 3:
        return False
    measured = np.nan_to_num(decades(batch.metric("signal_grad_norm"))[0], posinf=0, neginf=0)
    off = np.abs(measured - told.decades)
    return bool(off[0] > FAR * told.spread[0] + 0.02 * len(off))
