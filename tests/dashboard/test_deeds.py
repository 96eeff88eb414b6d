"""What the controls do, without a browser and without workers."""

import pytest

from diagnostics.dashboard.deeds import Deeds
from diagnostics.dashboard.session import MOST_PINS, Session
from diagnostics.dashboard.visitors import Refused
from diagnostics.dashboard.wire import Described, Look
from diagnostics.runs.runner import Runner
from diagnostics.store.store import Store, StoreError
from diagnostics.subject.config import RunConfig
from diagnostics.subject.lessons import LESSONS
from diagnostics.subject.watched import WatchedModel
from tests.conftest import NoWorkers, steps


@pytest.fixture
def deeds(store: Store) -> Deeds:
    return Deeds(store, Runner(store, NoWorkers()))


def _kinds(store: Store, run: str | None) -> list[str]:
    assert run
    return [command.kind for command in store.commands(run)[0]]


def _going(store: Store, session: Session) -> Session:
    assert session.run
    store.set_state(session.run, "running")
    store.append(session.run, steps(1, 3))
    return session


def test_play_starts_a_run_of_what_the_controls_show(store: Store, deeds: Deeds) -> None:
    session = deeds.play(Session("depth=3"), 100)
    assert store.run(session.run or "").config == RunConfig(depth=3)
    assert session.before is None and _kinds(store, session.run) == ["pace"]


def test_a_remedy_during_a_run_starts_anew_with_the_old_one_behind(
    store: Store, deeds: Deeds
) -> None:
    old = _going(store, deeds.again(Session(), 0))
    new = deeds.change(old, RunConfig(activation="relu"), 0)
    assert new.run != old.run and new.before == old.run
    assert _kinds(store, old.run)[-1] == "stop"
    assert store.run(new.run or "").config.activation == "relu"


def test_clipping_and_learning_rate_change_the_run_that_is_going(
    store: Store, deeds: Deeds
) -> None:
    old = _going(store, deeds.again(Session(), 0))
    new = deeds.change(old, RunConfig(clip="norm", lr=0.1), 0)
    assert new.run == old.run and new.config == RunConfig(clip="norm", lr=0.1)
    command = store.commands(old.run or "")[0][-1]
    assert command.kind == "set" and command.data == {"clip": "norm", "lr": 0.1}


def test_changing_controls_without_a_run_starts_none(store: Store, deeds: Deeds) -> None:
    assert deeds.change(Session(), RunConfig(depth=3), 0) == Session("depth=3")
    assert store.runs() == []


def test_pause_goes_back_and_forth(store: Store, deeds: Deeds) -> None:
    session = _going(store, deeds.again(Session(), 0))
    deeds.play(session, 0)
    store.set_state(session.run or "", "paused")
    deeds.play(session, 0)
    assert _kinds(store, session.run)[-2:] == ["pause", "resume"]


def test_train_after_steps_goes_on_however_soon_it_is_pressed(store: Store, deeds: Deeds) -> None:
    """The worker may not have heard of the steps yet, nor have said that it waits."""
    session = deeds.step(deeds.step(Session(), 0), 0)
    assert deeds.play(session, 0).run == session.run
    assert _kinds(store, session.run) == ["pace", "step", "step", "resume"]
    deeds.play(session, 0)
    deeds.play(session, 0)
    assert _kinds(store, session.run)[-2:] == ["pause", "resume"]


def test_step_makes_a_run_that_waits_after_its_first(store: Store, deeds: Deeds) -> None:
    session = deeds.step(Session(), 100)
    assert _kinds(store, session.run) == ["pace", "step"]
    assert deeds.step(_going(store, session), 100).run == session.run


def test_pin_toggles_and_reset_forgets(store: Store, deeds: Deeds) -> None:
    session = _going(store, deeds.again(Session("depth=3"), 0))
    pinned = deeds.pin(session, 0)
    assert pinned.pins == (session.run,) and deeds.pin(pinned, 0).pins == ()
    assert deeds.reset(pinned, 0) == Session("depth=3")
    assert _kinds(store, session.run)[-1] == "stop"


def test_what_is_pinned_stays_whatever_is_trained(store: Store, deeds: Deeds) -> None:
    """It used to be exchanged for the run before."""
    first = deeds.pin(_going(store, deeds.again(Session("depth=3"), 0)), 0)
    second = _going(store, deeds.again(first, 0))
    third = deeds.again(second, 0)
    assert third.pins == first.pins and third.before == second.run
    assert third.watch().pins == first.pins and third.watch().before == second.run


def test_pinning_nothing_or_too_much_is_refused_in_a_sentence(store: Store, deeds: Deeds) -> None:
    with pytest.raises(Refused, match="press Train"):
        deeds.pin(Session(), 0)
    full = Session()
    for _ in range(MOST_PINS):
        full = deeds.pin(full, 0, store.create_run(RunConfig()))
    with pytest.raises(Refused, match="4 runs"):
        deeds.pin(full, 0, store.create_run(RunConfig()))
    with pytest.raises(StoreError, match="no run 'nope'"):
        deeds.pin(Session(), 0, "nope")
    assert deeds.pin(full, 0, full.pins[1]).pins == (full.pins[0], *full.pins[2:])


def test_a_deleted_run_leaves_what_is_in_sight(store: Store, deeds: Deeds) -> None:
    run, other = (store.create_run(RunConfig()) for _ in range(2))
    for one in (run, other):
        store.set_state(one, "finished")
    seen = Session(run=run, before=run, pins=(run, other))
    assert deeds.delete(seen, 0, run) == Session(pins=(other,))
    assert [one.id for one in store.runs()] == [other]
    deeds.restore(seen, 0, run)
    deeds.describe(seen, 0, Described(run, "mine", "a note"))
    assert (store.run(run).name, store.run(run).note) == ("mine", "a note")


def test_a_run_of_the_list_is_stopped(store: Store, deeds: Deeds) -> None:
    run = _going(store, deeds.again(Session(), 0)).run
    watched = store.create_run(WatchedModel(model="Net"))
    for one in (run, watched):
        deeds.stop(Session(), 0, one or "")
    assert _kinds(store, run)[-1] == "stop" and _kinds(store, watched) == []


def test_a_wish_starts_a_run_where_one_is_shown(store: Store, deeds: Deeds) -> None:
    idle = deeds.changes(Session(), 0, {"norm": "batch"})
    assert idle == Session("norm=batch") and store.runs() == []
    old = _going(store, deeds.again(Session(), 0))
    store.set_state(old.run or "", "finished")
    new = deeds.changes(old, 0, {"norm": "batch"})
    assert new.before == old.run and store.run(new.run or "").config == RunConfig(norm="batch")


def test_lessons_open_at_their_first_scene_and_turn_to_others(deeds: Deeds) -> None:
    lesson = LESSONS["clipping"]
    opened = deeds.lesson(Session(), 0, "clipping")
    assert opened.config == lesson.scenes[0].config
    assert (opened.lesson, opened.panel) == ("clipping", "clipping")
    scene = lesson.scenes[1]
    wish = Look(scene.config.query(), scene.view, scene.panel)
    assert deeds.scene(opened, 0, wish).config == scene.config
    assert deeds.lesson(opened, 0).lesson is None


def test_a_scene_that_looks_elsewhere_lets_the_run_go_on(store: Store, deeds: Deeds) -> None:
    """It used to start the training again from step 0."""
    first, second = LESSONS["lie"].scenes
    assert first.config == second.config and first.view != second.view
    going = _going(store, deeds.again(deeds.lesson(Session(), 0, "lie"), 0))
    scene = Look(second.config.query(), second.view, second.panel)
    looked = deeds.scene(going, 0, scene)
    assert (looked.run, looked.view) == (going.run, second.view)
    assert len(store.runs()) == 1
