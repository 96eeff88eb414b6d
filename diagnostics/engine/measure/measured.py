"""What is seen of one step."""

import math
from dataclasses import dataclass

import numpy as np

from diagnostics.engine.measure.kernels import Floats
from diagnostics.store.records import METRICS

ROW = np.dtype([(key, np.float64) for key in METRICS])
"""A layer's numbers by their names."""


@dataclass(slots=True)
class Measured:
    """What is seen of a step: complete once ``Probe.after_step`` returned it.

    Attributes:
        values: float64 [layers, metrics]; NaN where there is no number.
        passes: backward passes that filled gradients.
        norm: the global gradient norm of what was stepped, as backward passes left it.
        clipped: the same as optimizers applied it.
        left: the norm of gradients of steps before that this step's were added to.
        by_hand: whether layers were called, and gradients of theirs come from no backward pass.
        early: whether the step was split: it was made by gradients, or through calls, of before.
        spoilt: (layer's index, tensor) where an entry was first found that is not finite, once
            weights or what they are moved by are not; a weight where the layer had such a weight
            before the step, and no layer's where none is known.
        broken: whether weights are not finite.
        skipped: whether numbers that are not finite were seen, and nothing came of them.
        order: layers in the order of their first call.
        calls: of each call of a layer that was heard, the layer.
        used: places of those among them that belong to passes which were applied.
        heard: outputs of activation modules.
        unread: classes of tensors that can't be read.
        seconds: spent reading.
    """

    values: Floats
    passes: int = 0
    norm: float = math.nan
    clipped: float = math.nan
    left: float = 0.0
    by_hand: bool = False
    early: bool = False
    spoilt: tuple[int, str] | None = None
    broken: bool = False
    skipped: bool = False
    order: tuple[int, ...] = ()
    calls: tuple[int, ...] = ()
    used: frozenset[int] = frozenset()
    heard: int = 0
    unread: frozenset[str] = frozenset()
    seconds: float = 0.0
