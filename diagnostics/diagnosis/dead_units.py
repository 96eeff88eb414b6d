"""Dead units as individuals: which died at which step, and came back at which."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from diagnostics.store.records import DeadUnits


def deaths(seen: Sequence[DeadUnits]) -> pd.DataFrame:
    """One row for each death: ``layer``, ``unit`` (from 1), ``died``, ``revived`` (NA if not).

    A unit that never lived died at the first look. Steps are those of the looks at the probe set.
    """
    rows = []
    for layer, unit in np.argwhere(_ever(seen)):
        before = False
        for look in seen:
            now = bool(look.dead[layer, unit])
            if now and not before:
                rows.append([layer + 1, unit + 1, look.step, None])
            elif before and not now:
                rows[-1][3] = look.step
            before = now
    frame = pd.DataFrame(rows, columns=["layer", "unit", "died", "revived"])
    return frame.astype("Int64")


def strip(seen: Sequence[DeadUnits], layer: int) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """A layer's lives for drawing: the steps looked at, and 1 where dead, [units, steps]."""
    steps = np.array([look.step for look in seen], np.int64)
    if not len(seen) or layer > len(seen[0].dead):
        return steps[:0], np.empty((0, 0), np.int8)
    return steps, np.array([look.dead[layer - 1] for look in seen], np.int8).T


def _ever(seen: Sequence[DeadUnits]) -> NDArray[np.bool_]:
    if not seen:
        return np.empty((0, 0), dtype=bool)
    return np.asarray(np.any([look.dead for look in seen], axis=0))
