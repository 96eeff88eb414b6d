"""A stranger's model in the store, before the rules, and on the page."""

import numpy as np
import pytest

from diagnostics.dashboard import frames
from diagnostics.dashboard.deeds import Deeds
from diagnostics.dashboard.frames import Feed
from diagnostics.dashboard.hub import Hub, Watch
from diagnostics.dashboard.session import Session, read_link
from diagnostics.diagnosis.rules import diagnose
from diagnostics.runs.runner import Runner
from diagnostics.store.records import METRIC_INDEX, PatientZero, StepBatch
from diagnostics.store.store import Run, Store
from diagnostics.subject.activations import ACTIVATIONS
from diagnostics.subject.config import RunConfig
from diagnostics.subject.watched import WatchedLayer, WatchedModel
from tests.conftest import NoWorkers, steps

PATHS = ("stem", "blocks.0.conv1", "blocks.0.conv2", "head")
MODEL = WatchedModel(
    model="ResNet", optimizer="sgd", layers=tuple(WatchedLayer(name=path) for path in PATHS)
)


def _sick(slope: float = 2.0) -> StepBatch:
    """A gradient that falls from the last layer to the first."""
    batch = steps(1, 30)
    batch.values[:, :, METRIC_INDEX["signal_grad_norm"]] = 10 ** (slope * np.arange(4))
    for key, calm in (("saturated", 0.0), ("dead", np.nan), ("update_ratio", 1e-3)):
        batch.values[:, :, METRIC_INDEX[key]] = calm
    batch.scalars[:, :4] = 2.3, 0.1, 2.3, 0.1  # loss and accuracy, held-out ones too: at chance
    return batch


@pytest.fixture
def watched(store: Store) -> Run:
    run = store.create_run(MODEL, name="resnet-a")
    store.set_state(run, "running")
    store.append(run, _sick())
    return store.run(run)


def test_the_store_keeps_what_is_known(store: Store, watched: Run) -> None:
    assert watched.watched and watched.config == MODEL
    store.describe(watched.id, MODEL.model_copy(update={"clip": "norm"}))
    assert store.run(watched.id).config.clip == "norm"
    assert not store.run(store.create_run(RunConfig())).watched


def test_sentences_name_layers_and_advice_changes_nothing() -> None:
    found = diagnose(MODEL, _sick())[0]
    assert found.rule == "vanishing" and "layer 3 (blocks.0.conv2)" in found.sentence
    assert found.remedies and all(not r.changes and r.effect for r in found.remedies)
    (diverged,) = diagnose(MODEL, _sick(), PatientZero(7, 2, "signal_grad"))
    assert "step 7" in diverged.sentence and "blocks.0.conv1" in diverged.sentence
    (diverged,) = diagnose(MODEL, _sick(), PatientZero(7, 4, "loss"))
    assert "first in the loss." in diverged.sentence


def test_a_watched_network_gets_the_reason_that_the_same_one_of_the_lab_gets() -> None:
    """Rules ask for keys, whatever torch calls its classes."""
    for key, chosen in ACTIVATIONS.items():
        layers = tuple(WatchedLayer(name=n, activation=chosen.module) for n in PATHS)
        watched = WatchedModel(model="Net", layers=layers)
        assert watched.activation == key
        config = RunConfig(activation=key, depth=3, init="lecun_normal")
        ours, theirs = (diagnose(s, _sick(1.0))[0].sentence for s in (config, watched))
        assert ours.rpartition(". ")[2] == theirs.rpartition(". ")[2]
    assert WatchedLayer(name="a", activation="Hardswish").activation == "hardswish"


@pytest.mark.parametrize("scales", [True, False])
def test_thresholds_hang_on_what_the_optimizer_does(scales: bool) -> None:
    model = MODEL.model_copy(update={"optimizer": "nadam", "scales_steps": scales})
    assert {d.rule for d in diagnose(model, _sick(1.0))} == {"healthy" if scales else "vanishing"}


def test_dead_units_not_counted_yet_are_no_dead_units() -> None:
    well = _sick(0.01)
    well.values[:, :, METRIC_INDEX["sparsity"]] = 0.5
    assert {d.rule for d in diagnose(MODEL, well)} == {"healthy"}
    well.values[:, :, METRIC_INDEX["dead"]] = 0.0
    assert {d.rule for d in diagnose(MODEL, well)} == {"healthy", "sparse"}


def test_a_loss_that_has_fallen_excuses_small_steps() -> None:
    batch = _sick(0.01)
    batch.values[:, :, METRIC_INDEX["update_ratio"]] = 1e-7
    batch.scalars[:] = np.nan
    assert "stalled" in {d.rule for d in diagnose(MODEL, batch)}
    batch.scalars[:, 0] = np.geomspace(2, 0.01, 30)
    assert "stalled" not in {d.rule for d in diagnose(MODEL, batch)}


def test_a_frame_tells_names_and_cost(store: Store, watched: Run) -> None:
    feed = Feed(store, watched.id)
    told = frames.compose(feed, (), None, Watch(run=watched.id))
    assert told.names == PATHS and told.label == "resnet-a" and told.watched
    assert told.steps == 50 and "calls" in told.theory.why_not
    assert "of step time" in told.cost and "MB per 1,000 steps" in told.cost


def test_a_bare_address_shows_it_and_its_end_does_not_hide_it(store: Store, watched: Run) -> None:
    session, notes = read_link("", store)
    assert session.run == watched.id and session.query == "" and not notes
    store.set_state(watched.id, "finished")
    hub = Hub(store, Runner(store, NoWorkers()))
    assert hub._sketch(Feed(store, watched.id), Watch(run=watched.id)) is None


def test_it_is_brought_in_sight_and_controls_leave_it_alone(store: Store, watched: Run) -> None:
    deeds = Deeds(store, Runner(store, NoWorkers()))
    shown = deeds.run(Session("depth=3"), 0, watched.id)
    assert (shown.run, shown.query) == (watched.id, "depth=3")
    assert deeds.change(shown, RunConfig(depth=4), 0) == shown  # one click can't throw it away
    for deed in (deeds.play, deeds.step, deeds.pace):
        assert deed(shown, 0).run == watched.id
    left = deeds.reset(shown, 0)
    assert left.run is None and store.run(watched.id).live
    assert store.commands(watched.id)[0] == []
    trained = deeds.again(shown, 0)
    assert trained.run != watched.id and trained.before is None


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([(), (0,), (1,)], ((0, 1, 2),)),
        ([(), (0,), (), (2,)], ((0, 1), (2, 3))),  # an actor beside its critic
        ([(), (0,), (0,)], ((0, 1), (0, 2))),  # a trunk with two heads
        ([(), (), (0, 1)], ((0, 2), (1, 2))),  # two towers that meet
        ([(), (0,), (0, 1), (2,)], ((0, 1, 2, 3),)),  # something goes around a layer
        ([(0,), (0, 1)], ((0, 1),)),  # time
        ([(1,), (0,)], ((0, 1),)),  # through two cells
        ([(), (2,), (0,)], ((0, 2, 1),)),  # one that was called later stands last
        ([(), ()], ((0,), (1,))),  # none is made of the other, as of experts
        ([None, None], ((0, 1),)),  # nothing is known
    ],
)
def test_ways_are_those_that_gradients_take(
    after: list[tuple[int, ...] | None], expected: object
) -> None:
    layers = tuple(WatchedLayer(name=str(i), after=found) for i, found in enumerate(after))
    assert WatchedModel(model="Net", layers=layers).ways == expected
