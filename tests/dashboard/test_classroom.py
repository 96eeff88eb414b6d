"""A class room: whoever follows sees the presenter's run and step, in a view of one's own."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient, WebSocketTestSession

from diagnostics.dashboard import classroom
from diagnostics.dashboard.classroom import ALONE, NEAR, Classroom
from diagnostics.dashboard.place import Place
from diagnostics.dashboard.server import make_app
from diagnostics.dashboard.visitors import Guests
from diagnostics.runs.runner import Runner
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from tests.conftest import NoWorkers, steps

LINK = "http://192.168.1.5:8050/"
LIVE = "ws://192.168.1.5:8050/live"


class Class:
    """Browsers in a class room."""

    def __init__(self, store: Store) -> None:
        self.guests, self.room = Guests(), Classroom(LINK)
        self.runner, place = Runner(store, NoWorkers()), Place("0.0.0.0")
        app = make_app(store, self.runner, place=place, guests=self.guests, classroom=self.room)
        self.door = TestClient(app, base_url=LINK)

    def student(self) -> TestClient:
        client = TestClient(self.door.app, base_url=LINK)
        client.portal = self.door.portal  # one server, one loop
        client.get("/")
        return client

    def presenter(self) -> TestClient:
        client = self.student()
        client.get(f"/?host={self.guests.token}")
        return client


@pytest.fixture
def lesson(store: Store) -> Iterator[Class]:
    lesson = Class(store)
    with lesson.door:
        yield lesson
    lesson.runner.close()


def _run(store: Store, owner: str = "", depth: int = 3, count: int = 5) -> str:
    run = store.create_run(RunConfig(depth=depth), owner=owner)
    store.set_state(run, "running")
    store.append(run, steps(1, count, depth + 1))
    return run


def _watch(socket: WebSocketTestSession, **watch: Any) -> None:
    socket.send_text(orjson.dumps(watch).decode())


def _next(socket: WebSocketTestSession) -> Any:
    """The next message with a frame, and where the page was led before it."""
    led = None
    while True:
        message = orjson.loads(socket.receive_text())
        socket.send_text(orjson.dumps({"ack": message["sequence"]}).decode())
        led = message["led"] or led
        if message["frame"]:
            return message | {"led": led}


def test_who_follows_is_led_to_the_presenters_run_and_step(store: Store, lesson: Class) -> None:
    run = _run(store)
    presenter, student = lesson.presenter(), lesson.student()
    with presenter.websocket_connect(LIVE) as there, student.websocket_connect(LIVE) as here:
        _watch(here, role="follows", view="weight", query="depth=4")
        _watch(there, role="presents", run=run, at=2, query="depth=3")
        while (message := _next(here))["frame"]["run"] != run:
            pass
        assert message["led"]["session"]["run"] == run and message["led"]["session"]["at"] == 2
        assert message["frame"]["now"]["step"] == 2 and message["frame"]["view"] == "weight"
        assert not message["led"]["session"]["yours"]
        _watch(there, role="presents", run=run, at=4, query="depth=3")
        while (message := _next(here))["frame"]["now"]["step"] != 4:
            pass
        assert message["led"]["session"]["at"] == 4
        _watch(here, role="alone", view="weight", run=run, at=1)
        while (message := _next(here))["frame"]["now"]["step"] != 1:
            pass
        assert message["led"] is None


def test_nobody_else_leads(store: Store, lesson: Class) -> None:
    run = _run(store)
    with lesson.student().websocket_connect(LIVE) as socket:
        _watch(socket, role="presents", run=run)
        assert _next(socket)["frame"]["run"] == run
    assert lesson.room.shown is None


def test_followers_are_counted_while_they_follow(store: Store, lesson: Class) -> None:
    presenter, student = lesson.presenter(), lesson.student()
    run = _run(store)
    with student.websocket_connect(LIVE) as socket:
        _watch(socket, role="follows", run=run)
        _next(socket)
        assert presenter.get("/wall").json()["following"] == 1
    assert presenter.get("/wall").json()["following"] == 0


def test_a_page_opens_in_its_part(store: Store, lesson: Class) -> None:
    run = _run(store)
    presenter, student = lesson.presenter(), lesson.student()
    assert f'"link":"{LINK}","role":"presents"' in presenter.get("/").text
    assert 'id="class"' in presenter.get("/").text and 'id="class"' not in student.get("/").text
    with presenter.websocket_connect(LIVE) as socket:
        _watch(socket, role="presents", run=run, at=3, query="depth=3")
        _next(socket)
    page = student.get("/").text
    assert '"role":"follows"' in page and f'"run":"{run}"' in page and '"at":3' in page
    assert '"role":"alone"' in student.get("/?depth=5").text


def test_the_wall_shows_each_students_newest_run_and_those_that_go_on(
    store: Store, lesson: Class
) -> None:
    presenter = lesson.presenter()
    old = _run(store, "ann")
    store.set_state(old, "finished")
    shown = [_run(store, "bob"), _run(store, "ann", depth=7), _run(store, "bob", count=0)]
    _run(store)
    tiles = presenter.get("/wall").json()["tiles"]
    assert [tile["run"] for tile in tiles] == shown
    assert [tile["tone"] is None for tile in tiles] == [False, False, True]
    assert [len(tile["decades"]) for tile in tiles] == [3, 7, 0]
    assert lesson.student().get("/wall").status_code == 403


@pytest.mark.parametrize(
    ("link", "hint"),
    [
        (LINK, NEAR),
        ("http://lab.example:8050/", NEAR),
        ("http://127.0.0.1:8050/", ALONE),
        ("http://[::1]:8050/", ALONE),
    ],
)
def test_a_teacher_is_told_where_nobody_can_come_in(link: str, hint: str) -> None:
    assert classroom.hint(link) == hint


@pytest.mark.parametrize(
    ("place", "address"),
    [
        (Place("192.168.1.5"), "http://192.168.1.5:8050"),
        (Place("0.0.0.0", ["lab.example"]), "http://lab.example:8050"),
        (Place("fe80::5"), "http://[fe80::5]:8050"),
    ],
)
def test_students_are_given_an_address_that_reaches(place: Place, address: str) -> None:
    assert place.address(8050) == address


def test_an_address_to_bind_to_is_none_to_come_to() -> None:
    assert Place("0.0.0.0").address(8050) not in ("http://0.0.0.0:8050", "http://:8050")


def test_without_a_class_there_is_no_room(store: Store) -> None:
    app = make_app(store, Runner(store, NoWorkers()))
    page = TestClient(app, base_url="http://127.0.0.1").get("/").text
    assert '<script type="application/json" id="room">null<' in page and 'id="class"' not in page
