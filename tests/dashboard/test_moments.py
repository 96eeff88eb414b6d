"""What can be jumped to in a run."""

import numpy as np

from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.moments import moments
from diagnostics.store.records import METRIC_INDEX, Event, PatientZero, Summary
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from tests.conftest import steps


def test_changes_deaths_and_the_end_are_told_in_order(store: Store) -> None:
    run = store.create_run(RunConfig(depth=3))
    batch = steps(1, 12)
    batch.values[:, :, METRIC_INDEX["dead"]] = 0.5
    batch.values[5:, 1, METRIC_INDEX["dead"]] = 1
    batch.values[11, 0, METRIC_INDEX["signal_grad_norm"]] = np.nan
    happened = [Event(9, "set", {"lr": 5.0, "clip": "layer_norm"}), Event(3, "paused")]
    store.append(run, batch, happened)
    store.finish(run, Summary("diverged", 12, None, None, PatientZero(12, 1, "signal_grad")))
    assert [(one.step, one.words) for one in moments(Feed(store, run))] == [
        (6, "layer 2 died"),
        (9, "lr 5, clip layer norm"),
        (11, "the last step of numbers"),
    ]


def test_a_run_without_steps_has_none(store: Store) -> None:
    assert moments(Feed(store, store.create_run(RunConfig()))) == ()
