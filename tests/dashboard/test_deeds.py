"""What the controls do, without a browser and without workers."""

import pytest

from diagnostics.dashboard.deeds import Deeds
from diagnostics.dashboard.session import Session
from diagnostics.dashboard.wire import Look
from diagnostics.runs.runner import Runner
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from diagnostics.subject.lessons import LESSONS
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
    assert session.pin is None and _kinds(store, session.run) == ["pace"]


def test_a_remedy_during_a_run_starts_anew_with_the_old_one_pinned(
    store: Store, deeds: Deeds
) -> None:
    old = _going(store, deeds.again(Session(), 0))
    new = deeds.change(old, RunConfig(activation="relu"), 0)
    assert new.run != old.run and new.pin == old.run
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


def test_step_makes_a_run_that_waits_after_its_first(store: Store, deeds: Deeds) -> None:
    session = deeds.step(Session(), 100)
    assert _kinds(store, session.run) == ["pace", "step"]
    assert deeds.step(_going(store, session), 100).run == session.run


def test_pin_toggles_and_reset_forgets(store: Store, deeds: Deeds) -> None:
    session = _going(store, deeds.again(Session("depth=3"), 0))
    pinned = deeds.pin(session, 0)
    assert pinned.pin == session.run and deeds.pin(pinned, 0).pin is None
    assert deeds.reset(pinned, 0) == Session("depth=3")
    assert _kinds(store, session.run)[-1] == "stop"


def test_a_wish_starts_a_run_where_one_is_shown(store: Store, deeds: Deeds) -> None:
    idle = deeds.changes(Session(), 0, {"norm": "batch"})
    assert idle == Session("norm=batch") and store.runs() == []
    old = _going(store, deeds.again(Session(), 0))
    store.set_state(old.run or "", "finished")
    new = deeds.changes(old, 0, {"norm": "batch"})
    assert new.pin == old.run and store.run(new.run or "").config == RunConfig(norm="batch")


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
