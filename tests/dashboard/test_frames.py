"""Frames: nothing is lost on the way, and a zero is told from what is below float range."""

import numpy as np
import pytest

from diagnostics.dashboard import charts, history
from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.foreseen import away
from diagnostics.dashboard.layers import BELOW_RANGE, NONFINITE, OK, ZERO, layers, marks
from diagnostics.dashboard.pile import MOST_ROWS
from diagnostics.store.records import METRIC_INDEX, SCALAR_INDEX, Event, StepBatch
from diagnostics.store.store import Store
from diagnostics.subject import theory
from diagnostics.subject.config import RunConfig
from tests.conftest import steps

LEAD = "signal_grad_norm"


def _feed(store: Store, *counts: int) -> Feed:
    run = store.create_run(RunConfig(depth=3))
    first = 1
    for count in counts:
        store.append(run, steps(first, count))
        first += count
    return Feed(store, run)


def test_a_feed_grows_with_its_run(store: Store) -> None:
    feed = _feed(store, 3)
    assert not feed.refresh()
    store.append(feed.run.id, steps(4, 2), [Event(4, "set", {"lr": 1})])
    assert feed.refresh()
    assert feed.newest.steps.tolist() == [5] and len(feed.events) == 1


def test_a_long_run_is_thinned_evenly_and_keeps_its_first_step(store: Store) -> None:
    feed = _feed(store, *[1000] * 9)
    assert len(feed.kept) <= MOST_ROWS and feed.kept.steps[0] == 1
    assert set(np.diff(feed.kept.steps)) == {4}
    assert feed.newest.steps.tolist() == [9000]


def test_any_step_can_be_looked_at(store: Store) -> None:
    feed = _feed(store, 50)
    found = layers(feed.at(20), LEAD)
    assert found is not None and found.step == 20
    assert np.array_equal(found.metrics[LEAD], steps(1, 50).metric(LEAD)[19].astype(float))


@pytest.mark.parametrize("key", sorted(charts.seldom()))
def test_what_few_models_have_is_in_frames_of_those_that_have_it(key: str) -> None:
    batch = steps(1, 1)
    for known in (True, False):
        found = layers(batch, LEAD)
        assert found is not None and (key in found.metrics) == known
        batch.values[:, :, METRIC_INDEX[key]] = np.nan


def test_no_step_is_no_frame(store: Store) -> None:
    assert layers(_feed(store).at(None), LEAD) is None


def test_marks_tell_zero_from_below_range_from_nonfinite() -> None:
    batch = steps(1, 1, layers=5)
    batch.values[0, :, METRIC_INDEX["sparsity"]] = [0, 1, 0, 0, 0]
    batch.values[0, :, METRIC_INDEX[LEAD]] = [0, 0, 0, np.inf, 1]
    assert marks(batch, LEAD).tolist() == [ZERO, ZERO, BELOW_RANGE, NONFINITE, OK]


def test_history_is_small_and_spans_the_run(store: Store) -> None:
    found = history.history(_feed(store, 3000), (), LEAD, ())
    assert found.steps[0] == 1 and found.steps[-1] == 3000
    assert len(found.steps) <= history.POINTS
    assert found.heat.decades.shape == (3, len(found.heat.steps))


def test_a_loops_own_scalars_are_thinned_each_by_itself(store: Store) -> None:
    run, batch = store.create_run(RunConfig(depth=3)), steps(1, 3000)
    seldom = np.where(batch.steps % 1000 == 7, 1.0, np.nan)
    told = {"often": np.ones(3000), "seldom": seldom, "never": np.full(3000, np.nan)}
    store.append(run, StepBatch(batch.steps, batch.values, batch.scalars, told))
    often, few, never = history.own(Feed(store, run).kept)
    assert often.name == "often" and len(often.steps) == len(often.values) == history.POINTS
    assert few.steps.tolist() == [7, 1007, 2007] and few.values.tolist() == [1, 1, 1]
    assert len(never.steps) == 0


def test_label_names_the_remedies() -> None:
    config = RunConfig(activation="relu", init="he_normal", norm="batch", clip="norm")
    assert config.label == "relu · he normal · batch norm · clip norm"


def test_theory_is_silent_once_training_has_left_it() -> None:
    config = RunConfig(activation="relu", init="glorot_normal", depth=3)
    told = theory.predict(config)
    assert told is not None
    near, far = steps(1, 1), steps(1, 1)
    near.values[0, :3, METRIC_INDEX[LEAD]] = 10**told.decades
    far.values[0, :3, METRIC_INDEX[LEAD]] = [1e3, 1, 1]
    assert not away(config, near) and away(config, far)


def test_clipping_in_numbers(store: Store) -> None:
    run = store.create_run(RunConfig(depth=3, clip="norm", clip_threshold=0.5))
    batch = steps(1, 4)
    batch.scalars[:, SCALAR_INDEX["grad_norm"]] = [2, 2, 0.1, 2]
    batch.scalars[:, SCALAR_INDEX["clipped_norm"]] = [0.5, 0.5, 0.1, 0.5]
    batch.scalars[:, SCALAR_INDEX["clip_cosine"]] = np.cos(np.radians(10))
    store.append(run, batch)
    found = history.clipping(Feed(store, run))
    assert (found.share, found.threshold) == (0.75, 0.5)
    assert found.angle == pytest.approx(10)
