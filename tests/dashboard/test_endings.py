"""How a run ended stays in sight until somebody chooses something else."""

import numpy as np
import pytest

from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.frames import compose, diagnoses
from diagnostics.dashboard.hub import Hub
from diagnostics.dashboard.layers import layers
from diagnostics.dashboard.wire import Watch
from diagnostics.runs.runner import Runner
from diagnostics.store.records import METRIC_INDEX, Command, Event, PatientZero, Summary
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from tests.conftest import NoWorkers, steps

CONFIG = RunConfig(depth=3, activation="relu")
LIVE = [
    {"lr": 5.0},
    {"clip": "norm", "clip_threshold": 0.5},
    {"clip": "value"},
    {"lr": 0.1, "clip": "agc"},
]
ENDS = {
    "finished": Summary("finished", 5, 0.5, 0.9),
    "stopped": Summary("stopped", 5, 0.5, 0.9),
    "diverged": Summary("diverged", 5, None, None, PatientZero(5, 1, "weight")),
}


def _ended(store: Store, state: str, *changes: dict[str, object], obeyed: bool = True) -> str:
    """A run that was changed while it went on, and is over."""
    run = store.create_run(CONFIG)
    store.append(run, steps(1, 4))
    for one in changes:
        store.send(run, Command("set", one))
        if obeyed:
            store.append(run, steps(5, 0), [Event(5, "set", one)])
    last = steps(5, 1)
    if state == "diverged":
        last.values[:, :, METRIC_INDEX["signal_grad_norm"]] = np.nan
    store.append(run, last)
    if state in ENDS:
        store.finish(run, ENDS[state])
    else:
        store.set_state(run, state, error="out of memory")
    return run


def _in_sight(store: Store, run: str, config: RunConfig) -> bool:
    """Whether controls like these leave a run in sight."""
    hub = Hub(store, Runner(store, NoWorkers()))
    feed = Feed(store, run)
    hub.advice.profile = lambda config: steps(0, 1)  # type: ignore[method-assign,assignment]
    return hub._sketch(feed, Watch(run=run, query=config.query())) is None


@pytest.mark.parametrize("state", [*ENDS, "failed"])
@pytest.mark.parametrize("change", LIVE)
@pytest.mark.parametrize("obeyed", [True, False], ids=["obeyed", "too late"])
def test_what_was_changed_while_it_went_on_hides_no_ending(
    store: Store, state: str, change: dict[str, object], obeyed: bool
) -> None:
    run = _ended(store, state, change, obeyed=obeyed)
    assert _in_sight(store, run, CONFIG.changed(**change))
    assert not _in_sight(store, run, CONFIG.changed(**change, init="he_normal"))
    assert not _in_sight(store, run, CONFIG.changed(**{**change, "lr": 0.007}))


def test_of_several_changes_the_last_ones_count(store: Store) -> None:
    run = _ended(store, "finished", {"lr": 5.0}, {"clip": "norm"}, {"lr": 0.2}, {"lr": -1.0})
    assert _in_sight(store, run, CONFIG.changed(lr=0.2, clip="norm"))
    assert not _in_sight(store, run, CONFIG.changed(lr=5.0, clip="norm"))


def test_what_is_said_is_of_the_network_as_it_was_changed(store: Store) -> None:
    """Rules and remedies' trials would speak of the learning rate it was submitted with."""
    run = store.create_run(CONFIG)
    store.append(run, steps(1, 4), [Event(3, "set", {"lr": 5.0}), Event(4, "set", {"lr": 0.0})])
    feed = Feed(store, run)
    rates = [subject.lab.lr for at in (2, 3, None) if (subject := feed.subject(at)).lab]
    assert rates == [CONFIG.lr, 5.0, 5.0]
    store.send(run, Command("set", {"clip": "agc"}))
    assert feed.subject().clip == "none"
    store.finish(run, ENDS["diverged"])
    feed.refresh()
    (found,) = diagnoses(feed, None)
    assert {"lr": 0.5} in [dict(remedy.changes) for remedy in found.remedies]
    assert feed.subject().clip == "agc"


def test_a_run_that_diverged_shows_its_last_step_of_numbers_and_says_what_came(
    store: Store,
) -> None:
    run = store.create_run(CONFIG)
    batch = steps(1, 5)
    signal = batch.values[:, :, METRIC_INDEX["signal_grad_norm"]]
    signal[3] = [3e26, 1e9, 1.0, 1.0]
    signal[4] = np.nan
    store.append(run, batch)
    store.finish(run, ENDS["diverged"])
    feed = Feed(store, run)
    frame = compose(feed, (), None, Watch(run=run))
    assert frame.now is not None and (frame.now.step, frame.newest) == (4, 5)
    assert frame.now.metrics["signal_grad_norm"][0] == pytest.approx(3e26)
    assert frame.last
    assert not compose(feed, (), None, Watch(run=run, at=3)).last
    (found,) = diagnoses(feed, None)
    assert found.rule == "diverged" and found.chart == "lead" and found.layers == (1,)
    assert "At step 5" in found.sentence
    assert "At step 4 the largest gradient was 3 × 10²⁶, then no number." in found.sentence


def test_the_verdict_is_that_of_the_step_in_sight(store: Store) -> None:
    """Healthy first, vanishing later, diverged at its end."""
    run = store.create_run(CONFIG)
    batch = steps(1, 60)
    for key, calm in (("saturated", 0), ("dead", 0), ("update_ratio", 1e-3), ("sparsity", 0)):
        batch.values[:, :, METRIC_INDEX[key]] = calm
    signal = batch.values[:, :, METRIC_INDEX["signal_grad_norm"]]
    signal[:] = 1.0
    signal[20:, 0] = 1e-9
    signal[-1] = np.nan
    store.append(run, batch)
    store.finish(run, Summary("diverged", 60, None, None, PatientZero(60, 1, "weight")))
    feed = Feed(store, run)
    said = {at: diagnoses(feed, None, at)[0].rule for at in (10, 40, 60, None)}
    assert said == {10: "healthy", 40: "vanishing", 60: "diverged", None: "diverged"}
    assert diagnoses(feed, None, 40)[0].since_step == 23  # a median of five steps later


def test_what_is_no_number_is_not_0() -> None:
    batch = steps(1, 1)
    batch.values[0, 0, METRIC_INDEX["signal_grad_norm"]] = np.nan
    found = layers(batch, "signal_grad_norm")
    assert found is not None and np.isnan(found.decades[0]) and np.isfinite(found.decades[1:]).all()
