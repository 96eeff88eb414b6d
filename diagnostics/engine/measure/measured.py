"""What is seen of one step."""

import math
from dataclasses import dataclass

import numpy as np

from diagnostics.engine.measure.kernels import Floats
from diagnostics.store.records import METRIC_INDEX, METRICS

ROW = np.dtype([(key, np.float64) for key in METRICS])
"""A layer's numbers by their names."""

SCALED = [i for key, i in METRIC_INDEX.items() if "grad" in key]
"""Metrics that grow with the loss."""


@dataclass(slots=True)
class Measured:
    """What is seen of a step: complete once ``Probe.after_step`` returned it.

    Attributes:
        values: float64 [layers, metrics]; NaN where there is no number.
        passes: backward passes so far.
        norm: the global gradient norm after the last of them.
        clipped: the same as the step applies it.
        spoilt: (layer's index, tensor) where an entry was first found that is not finite; a weight
            where the layer had such a weight before the step.
        heard: outputs of activation modules.
        seconds: spent reading.
    """

    values: Floats
    passes: int = 0
    norm: float = math.nan
    clipped: float = math.nan
    spoilt: tuple[int, str] | None = None
    heard: int = 0
    seconds: float = 0.0
