"""The default network, measured beforehand: a page shows it before any worker has started.

``python -m diagnostics.engine.lab.beforehand`` measures it anew, and a test that it still holds.
"""

from pathlib import Path

import numpy as np

from diagnostics.store.records import METRICS, SCALARS, StepBatch

FILE = Path(__file__).with_name("beforehand.csv")
"""A row a layer, a column a metric; not a number where a metric has no meaning."""


def default() -> StepBatch:
    """Step 0 of ``RunConfig()``. A metric that is newer than the file is NaN."""
    read = np.genfromtxt(FILE, delimiter=",", names=True)
    unknown = np.full(len(read), np.nan)
    columns = [read[key] if key in (read.dtype.names or ()) else unknown for key in METRICS]
    values = np.stack(columns, axis=1).astype(np.float32)[None]
    return StepBatch(np.zeros(1, np.int64), values, np.full((1, len(SCALARS)), np.nan))
