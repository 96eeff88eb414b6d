"""What is said of the gradient through time."""

import numpy as np
import pytest

from diagnostics.diagnosis.rules import diagnose
from diagnostics.store.records import METRIC_INDEX
from diagnostics.subject.watched import WatchedLayer, WatchedModel
from tests.conftest import steps

READER = WatchedModel(
    model="Reader", layers=(WatchedLayer(name="core", kind="RNN"), WatchedLayer(name="head"))
)


@pytest.mark.parametrize(
    ("ratio", "rule"), [(1e-9, "forgetting"), (1e9, "echoing"), (0.1, ""), (0.0, ""), (np.nan, "")]
)
def test_what_comes_back_through_time_is_told_where_nothing_is_learnt(
    ratio: float, rule: str
) -> None:
    batch = steps(1, 30)
    batch.values[:, :, METRIC_INDEX["time_ratio"]] = np.nan
    batch.values[:, 0, METRIC_INDEX["time_ratio"]] = ratio
    batch.scalars[:, :4] = 1.0, 0.1, 1.0, 0.1  # loss and accuracy, held-out ones too: at chance
    found = {d.rule: d for d in diagnose(READER, batch)}
    assert set(found) & {"forgetting", "echoing"} == ({rule} if rule else set())
    if rule:
        assert "core" in found[rule].sentence and found[rule].layers == (1,)
        batch.scalars[:, [0, 2]] = np.geomspace(1.0, 0.01, 30)[:, None]
        batch.scalars[:, [1, 3]] = 0.9
        assert rule not in {d.rule for d in diagnose(READER, batch)}
