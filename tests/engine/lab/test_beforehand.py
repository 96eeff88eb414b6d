"""What is shown before any worker has started is what a worker would measure."""

import numpy as np

from diagnostics.engine.lab.profiler import profile_batch
from diagnostics.store import beforehand
from diagnostics.store.records import METRICS
from diagnostics.subject.config import RunConfig


def test_the_default_network_still_measures_as_it_did_beforehand() -> None:
    kept, now = beforehand.default(), profile_batch(RunConfig())
    for key in METRICS:
        told = f"{key}: run python -m diagnostics.engine.lab.beforehand"
        np.testing.assert_allclose(
            kept.metric(key), now.metric(key), rtol=1e-4, atol=1e-30, err_msg=told
        )
