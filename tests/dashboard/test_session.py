"""Links: every state has one, and a bad one is told in sentences."""

import pytest

from diagnostics.dashboard.deeds import Deeds
from diagnostics.dashboard.session import Session, read_link
from diagnostics.runs.runner import Runner
from diagnostics.store.records import Command
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from diagnostics.subject.lessons import LESSONS
from diagnostics.subject.watched import WatchedLayer, WatchedModel
from tests.conftest import NoWorkers


def test_a_link_brings_the_state_back(store: Store) -> None:
    run, before, *pins = (store.create_run(RunConfig()) for _ in range(4))
    query = RunConfig(depth=7).query()
    session = Session(query, run=run, before=before, pins=tuple(pins), view="weight", at=12)
    assert f"pins={pins[0]},{pins[1]}" in session.link()
    assert read_link("?" + session.link(), store) == (session, [])
    assert Session.of(vars(session.linked())) == session


def test_a_bare_address_shows_the_run_that_is_going(store: Store) -> None:
    assert read_link("", store) == (Session(), [])
    run = store.create_run(RunConfig(depth=7))
    assert read_link("", store)[0] == Session("depth=7", run=run)
    assert read_link("?seed=0", store)[0] == Session()
    store.set_state(run, "finished")
    assert read_link("", store)[0] == Session()


def test_a_lesson_is_a_link(store: Store) -> None:
    session, notes = read_link("?lesson=dying", store)
    scene = LESSONS["dying"].scenes[0]
    assert (session.config, session.lesson, session.panel) == (scene.config, "dying", "units")
    assert notes == [] and read_link("?" + session.link(), store) == (session, [])
    assert read_link("?lesson=dying&width=32", store)[0].config.width == 32
    assert "lesson=nope" in read_link("?lesson=nope", store)[1][0]


def test_pins_are_a_list_or_several_and_a_bad_one_is_told(store: Store) -> None:
    one, two, *more = (store.create_run(RunConfig()) for _ in range(5))
    spelt = (f"pin={one}&pin={two}", f"pins={one},{two}", f"pins={one}&pin={two},{one}")
    for link in spelt:
        assert read_link(f"?{link}", store) == (Session(pins=(one, two)), [])
    session, notes = read_link(f"?pins={one},nope", store)
    assert session.pins == (one,) and "'nope'" in notes[0]
    session, notes = read_link(f"?pins={','.join([one, two, *more])}", store)
    assert len(session.pins) == 4 and "4 runs at most" in notes[0]


@pytest.mark.parametrize(
    ("link", "parts"),
    [
        ("?depth=0&width=32", ["depth=0", "1 to 100"]),
        ("?colour=red&width=32", ["'colour'"]),
        ("?width=32&run=nope", ["'nope'"]),
        ("?width=32&view=sideways", ["view=sideways", "signal, weight"]),
        ("?width=32&at=-3", ["at=-3"]),
        ("?width=32&seed=", ["seed="]),
    ],
)
def test_what_is_wrong_is_said_and_what_is_right_is_kept(
    store: Store, link: str, parts: list[str]
) -> None:
    session, notes = read_link(link, store)
    assert session == Session("width=32")
    assert len(notes) == 1 and all(part in notes[0] for part in parts)


def test_a_part_of_a_watched_model_is_a_link(store: Store) -> None:
    layers = tuple(WatchedLayer(name=name) for name in ("stem", "body.0.a", "body.0.b"))
    run = store.create_run(WatchedModel(model="Net", layers=layers))
    session = Session(run=run, part="body.0")
    assert read_link("?" + session.link(), store) == (session, [])
    opened, notes = read_link(f"?run={run}&part=tail", store)
    assert opened.part == "" and notes == ["part=tail can't be used: Net has no such part."]


def test_a_run_opens_with_what_was_changed_of_it(store: Store) -> None:
    """It would be hidden behind a network that nobody chose."""
    run = store.create_run(RunConfig(depth=3))
    before = Session(RunConfig(depth=3).query(), run=run).link()
    for changes in ({"lr": 5.0}, {"clip": "norm"}, {"lr": -1.0}):
        store.send(run, Command("set", changes))
    store.set_state(run, "running")
    now = RunConfig(depth=3, lr=5.0, clip="norm").query()
    bare, _ = read_link("", store)
    linked, _ = read_link(before, store)
    assert bare.query == linked.query == now
    chosen, _ = read_link(Session(RunConfig(depth=4).query(), run=run).link(), store)
    assert chosen.config == RunConfig(depth=4)
    deeds = Deeds(store, Runner(store, NoWorkers()))
    assert deeds.run(Session(), 0, run).query == now


def test_a_link_that_names_a_run_alone_has_its_controls_as_they_were_changed(store: Store) -> None:
    run = store.create_run(RunConfig(depth=3, activation="relu"))
    assert read_link(f"?run={run}", store)[0].query == "activation=relu&depth=3"
    store.send(run, Command("set", {"lr": 30.0}))
    assert read_link(f"?run={run}", store)[0].query == "activation=relu&depth=3&lr=30"
    assert read_link(f"?run={run}&view=weight", store)[0].query == "activation=relu&depth=3&lr=30"
    assert read_link(f"?run={run}&depth=5", store)[0].query == "depth=5"
    chosen = Session("", run=run)  # somebody went back to the defaults
    assert read_link("?" + chosen.link(), store) == (chosen, [])
