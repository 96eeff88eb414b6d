"""The push: one frame at a time, complete in itself, to whoever watches."""

import gzip
import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from diagnostics.dashboard import frames
from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.hub import Hub
from diagnostics.dashboard.live import add_live_route
from diagnostics.dashboard.wire import Frame, Watch
from diagnostics.runs.runner import Runner
from diagnostics.store.records import DeadUnits, StepBatch
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from tests.conftest import NoWorkers, steps


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    server = FastAPI()
    with ThreadPoolExecutor(1) as assistant:
        add_live_route(server, Hub(store, Runner(store, NoWorkers(), assistant)))
        with TestClient(server) as client:
            yield client


class Browser:
    """Watches and acknowledges, as the page's script does."""

    def __init__(self, socket: WebSocketTestSession) -> None:
        self._socket = socket

    def watch(self, **what: Any) -> None:
        self._socket.send_text(json.dumps(what))

    def frame(self) -> dict[str, Any]:
        """The next; pictures of what is learned are passed over."""
        found: dict[str, Any] | None = None
        while found is None:
            found = self.message()["frame"]
        return found

    def message(self) -> dict[str, Any]:
        """The next, acknowledged."""
        message: dict[str, Any] = json.loads(self._socket.receive_text())
        self.watch(ack=message["sequence"])
        return message

    def until(self, newest: int) -> dict[str, Any]:
        while True:
            frame = self.frame()
            if frame.get("newest", 0) >= newest:
                return frame


def _run(store: Store) -> str:
    run = store.create_run(RunConfig(depth=3))
    store.set_state(run, "running")
    store.append(run, steps(1, 5))
    return run


def test_a_finished_run_is_shown_at_once_and_whole(store: Store, client: TestClient) -> None:
    run = _run(store)
    store.set_state(run, "finished")
    with client.websocket_connect("/live") as socket:
        browser = Browser(socket)
        browser.watch(run=run, query="depth=3")
        frame = browser.frame()
    assert (frame["state"], frame["newest"], frame["layers"]) == ("finished", 5, 4)
    assert len(frame["now"]["metrics"]["signal_grad_norm"]) == 4 and frame["history"]["steps"] == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert frame["verdict"]


def test_news_is_pushed_to_every_browser(store: Store, client: TestClient) -> None:
    run, writer = _run(store), Store(store.url)
    with client.websocket_connect("/live") as one, client.websocket_connect("/live") as two:
        browsers = Browser(one), Browser(two)
        for browser in browsers:
            browser.watch(run=run)
            assert browser.frame()["newest"] == 5
        writer.append(run, steps(6, 3))
        assert [browser.until(8)["newest"] for browser in browsers] == [8, 8]
    writer.close()


def test_who_asks_for_packed_messages_is_sent_the_same_and_counts_them(
    store: Store, client: TestClient
) -> None:
    run, writer = _run(store), Store(store.url)
    with (
        client.websocket_connect("/live") as plain,
        client.websocket_connect("/live?packed") as one,
    ):
        Browser(plain).watch(run=run)
        Browser(one).watch(run=run)
        message = json.loads(gzip.decompress(one.receive_bytes()))
        assert message == {**json.loads(plain.receive_text()), "sequence": 0}
        writer.append(run, steps(6, 1))
        newest = 5
        for count in range(1, 9):
            if newest == 6:
                break
            Browser(one).watch(ack=count)
            frame = json.loads(gzip.decompress(one.receive_bytes()))["frame"]
            newest = frame["newest"] if frame else newest
        assert newest == 6
    writer.close()


def test_nonsense_is_warned_of_once(
    store: Store, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with client.websocket_connect("/live") as socket:
        for _ in range(5):
            socket.send_text("[" * 100)
        Browser(socket).watch(run=_run(store), query="depth=3")
        assert Browser(socket).frame()["newest"] == 5
    assert len([one for one in caplog.records if "can't be read" in one.message]) == 1


def test_a_browser_that_is_slow_skips_frames(store: Store, client: TestClient) -> None:
    run, writer = _run(store), Store(store.url)
    with client.websocket_connect("/live") as socket:
        browser = Browser(socket)
        browser.watch(run=run)
        message = json.loads(socket.receive_text())
        for step in range(6, 16):
            writer.append(run, steps(step, 1))
            time.sleep(0.03)
        while message["frame"]["newest"] < 15:  # a busy machine may not have read all of them yet
            browser.watch(ack=message["sequence"])
            message = json.loads(socket.receive_text())
        assert message["sequence"] < 10
    writer.close()


def test_pinned_runs_and_views_and_steps_can_be_asked_for(store: Store, client: TestClient) -> None:
    run, pin, before = (_run(store) for _ in range(3))
    with client.websocket_connect("/live") as socket:
        browser = Browser(socket)
        browser.watch(run=run, pins=[pin, run, "nope"], before=before, view="weight", at=2)
        frame = browser.frame()
    expected = steps(1, 5).metric("weight_grad_norm")[1]
    beside = frame["beside"]
    assert [(one["run"], one["ghost"]) for one in beside] == [(before, True), (pin, False)]
    assert frame["now"]["step"] == beside[0]["now"]["step"] == beside[1]["now"]["step"] == 2
    assert len({frame["name"], *(one["name"] for one in beside)}) == 3
    assert [len(one["loss"]) for one in frame["history"]["beside"]] == [5, 5]
    assert [row["run"] for row in frame["compared"]["rows"]] == [run, before, pin]
    assert frame["now"]["metrics"]["weight_grad_norm"] == pytest.approx(expected.tolist())


@pytest.mark.parametrize("at", [2, 5, 1])
def test_a_step_scrubbed_to_comes_with_its_verdict_and_without_the_history_again(
    store: Store, client: TestClient, at: int
) -> None:
    run = _run(store)
    store.set_state(run, "finished")
    with client.websocket_connect("/live") as socket:
        browser = Browser(socket)
        browser.watch(run=run, query="depth=3")
        assert browser.frame()["history"]
        browser.watch(run=run, query="depth=3", at=at)
        frame = browser.frame()
        assert frame["now"]["step"] == at and frame["history"] is None
        said = frames.diagnoses(Feed(store, run), None, at)
        assert [one["sentence"] for one in frame["verdict"]] == [one.sentence for one in said]
        browser.watch(run=run, query="depth=3", at=at, view="weight")
        assert browser.frame()["history"]


def test_news_of_another_run_is_no_news(store: Store) -> None:
    hub = Hub(store, Runner(store, NoWorkers()))
    before = hub.version(Watch(run="mine", pins=("pinned",)))
    hub.feeds.versions["other"] += 1
    assert hub.version(Watch(run="mine", pins=("pinned",))) == before
    hub.feeds.versions["pinned"] += 1
    assert hub.version(Watch(run="mine", pins=("pinned",))) != before


def test_a_hidden_browser_gets_nothing_and_catches_up(store: Store, client: TestClient) -> None:
    run, writer = _run(store), Store(store.url)
    with client.websocket_connect("/live") as socket:
        browser = Browser(socket)
        browser.watch(run=run, visible=False)
        writer.append(run, steps(6, 1))
        time.sleep(0.2)
        browser.watch(run=run, visible=True)
        frame = browser.frame()
        assert frame["newest"] == 6 and len(frame["history"]["steps"]) == 6
    writer.close()


def test_a_network_is_shown_before_it_is_trained(client: TestClient) -> None:
    with client.websocket_connect("/live") as socket:
        browser = Browser(socket)
        browser.watch(query="depth=5&activation=relu&init=he_normal")
        frame = browser.frame()
    assert (frame["state"], frame["layers"], frame["now"]["step"]) == ("preview", 6, 0)
    assert len(frame["theory"]["decades"]) == 5
    assert frame["verdict"][0]["rule"] == "healthy"


def test_remedies_are_told_where_they_stand_as_they_are_tried(client: TestClient) -> None:
    with client.websocket_connect("/live") as socket:
        browser = Browser(socket)
        browser.watch(query="depth=30&activation=relu&width=32")
        seen: list[dict[str, Any]] = []
        while not seen or any(remedy["trial"] != "helped" for remedy in seen[-1]["remedies"]):
            seen += browser.frame()["verdict"] or []
    assert {found["rule"] for found in seen} == {"vanishing"}
    first = seen[0]["remedies"]
    assert [(one["place"], one["trial"]) for one in first] == [(n, "untried") for n in range(3)]
    assert first[0]["changes"] == {"init": "he_normal"} and not first[0]["effect"]
    last = seen[-1]["remedies"]
    assert last[0]["changes"] == first[0]["changes"] and "→" in last[0]["effect"]


def test_changed_controls_are_previewed_before_the_run_they_would_replace(
    store: Store, client: TestClient
) -> None:
    run = _run(store)
    store.set_state(run, "finished")
    with client.websocket_connect("/live") as socket:
        browser = Browser(socket)
        browser.watch(run=run, query="depth=3")
        assert browser.frame()["state"] == "finished"
        browser.watch(run=run, query="depth=4")
        while (frame := browser.frame())["state"] != "preview":
            pass
    assert (
        frame["layers"] == 5 and len(frame["beside"][0]["now"]["metrics"]["signal_grad_norm"]) == 4
    )


def test_the_panels_have_what_they_draw(store: Store, client: TestClient) -> None:
    run = _run(store)
    store.append(run, steps(6, 1), dead=[DeadUnits(5, np.eye(3, 64, dtype=bool))])
    store.set_state(run, "finished")
    with client.websocket_connect("/live") as socket:
        browser = Browser(socket)
        browser.watch(run=run, panel="clipping")
        assert len(browser.frame()["history"]["clipping"]["before"]) == 6
        browser.watch(run=run, panel="units", layer=2)
        lives = browser.frame()["history"]["lives"]
    assert lives["died"] == 1 and len(lives["dead"]) == 64


def _words(frame: dict[str, Any]) -> str:
    return str(frame["verdict"][0]["sentence"])


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Views whose frames can't be composed, as long as they are in it."""
    views: set[str] = set()

    def compose(*given: Any) -> Frame:
        if given[3].view in views:
            raise KeyError("mish")
        return compose_well(*given)

    compose_well = frames.compose
    monkeypatch.setattr(frames, "compose", compose)
    return views


def test_a_frame_that_fails_is_told_and_the_connection_lives_on(
    store: Store, client: TestClient, broken: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    run, writer = _run(store), Store(store.url)
    broken.add("weight")
    with client.websocket_connect("/live") as one, client.websocket_connect("/live") as two:
        ill, well = Browser(one), Browser(two)
        ill.watch(run=run, view="weight")
        well.watch(run=run)
        assert well.frame()["newest"] == 5
        for step in (6, 7):
            told = ill.frame()
            assert told["state"] == "undrawn" and "mish" in _words(told)
            writer.append(run, steps(step, 1))
            assert well.until(step)["newest"] == step
        broken.clear()
        writer.append(run, steps(8, 1))
        assert ill.until(8)["newest"] == 8
    writer.close()
    logged = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(logged) == 1 and logged[0].exc_info


def test_a_frame_that_failed_is_tried_again_though_nothing_be_new(
    store: Store, client: TestClient, broken: set[str]
) -> None:
    run = _run(store)
    store.set_state(run, "finished")
    broken.add("signal")
    with client.websocket_connect("/live") as socket:
        browser = Browser(socket)
        browser.watch(run=run, query="depth=3")
        assert browser.frame()["state"] == "undrawn"
        broken.clear()
        while browser.frame()["state"] != "finished":  # what was on its way comes first
            pass


def test_a_run_that_cant_be_read_harms_no_other(
    store: Store,
    client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bad, good, writer = _run(store), _run(store), Store(store.url)
    refresh = Feed.refresh

    def refreshed(feed: Feed) -> bool:
        if feed.run.id == bad and len(feed.kept):
            raise ValueError("a chunk of another shape")
        return refresh(feed)

    monkeypatch.setattr(Feed, "refresh", refreshed)
    with client.websocket_connect("/live") as one, client.websocket_connect("/live") as two:
        ill, well = Browser(one), Browser(two)
        ill.watch(run=bad)
        well.watch(run=good, pin=bad)
        assert ill.frame()["newest"] == well.frame()["newest"] == 5
        writer.append(good, steps(6, 1))
        writer.append(bad, steps(6, 1))
        assert well.until(6)["newest"] == ill.until(6)["newest"] == 6
    writer.close()
    assert [record.args for record in caplog.records] == [("a run could not be read", bad)]


def test_a_profile_that_fails_is_told(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """An initialization that the engine does not know, for one."""
    profile = Runner.profile

    def profiled(runner: Runner, config: RunConfig) -> Future[StepBatch]:
        if config.depth != 5:
            return profile(runner, config)
        failed: Future[StepBatch] = Future()
        failed.set_exception(KeyError("kaiming"))
        return failed

    monkeypatch.setattr(Runner, "profile", profiled)
    with client.websocket_connect("/live") as socket:
        browser = Browser(socket)
        browser.watch(query="depth=5")
        told = browser.frame()
        assert told["state"] == "undrawn" and told["query"] == "depth=5"
        assert "could not be measured" in _words(told) and "kaiming" in _words(told)
        browser.watch(query="depth=4")
        while browser.frame()["state"] != "preview":
            pass


def test_why_a_run_failed_is_its_verdict(store: Store, client: TestClient) -> None:
    run = _run(store)
    store.set_state(run, "failed", error="no space left on device")
    with client.websocket_connect("/live") as socket:
        browser = Browser(socket)
        browser.watch(run=run, query="depth=3")
        frame = browser.frame()
    assert frame["state"] == "failed" and _words(frame) == "no space left on device"


NONSENSE = (
    "", "[]", "1", "null", '"ack"', '{"run": 3}', '{"at": "x"}', '{"ack": "x"}', "{",
    "[" * 60_000,
)  # fmt: skip


@pytest.mark.parametrize("nonsense", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_survived(
    store: Store, client: TestClient, nonsense: str, caplog: pytest.LogCaptureFixture
) -> None:
    run = _run(store)
    with client.websocket_connect("/live") as socket:
        browser = Browser(socket)
        browser.watch(run=run)
        assert browser.frame()["newest"] == 5
        socket.send_text(nonsense)
        browser.watch(run=run, view="weight")
        while browser.frame()["view"] != "weight":  # what was on its way comes first
            pass
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize(
    ("sent", "code"), [(b"\x00\xff", 1003), (b"{}", 1003), (f'{{"run": "{"x" * 10**6}"}}', 1009)]
)
def test_who_sends_what_no_page_sends_is_left_with_a_sentence(
    client: TestClient, sent: str | bytes, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    with client.websocket_connect("/live") as socket:
        send = socket.send_bytes if isinstance(sent, bytes) else socket.send_text
        send(sent)  # type: ignore[arg-type]
        with pytest.raises(WebSocketDisconnect) as left:
            socket.receive_text()
    assert left.value.code == code and left.value.reason.endswith(".")
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_run_that_there_is_not_is_told(store: Store, client: TestClient) -> None:
    run = _run(store)
    with client.websocket_connect("/live") as socket:
        browser = Browser(socket)
        browser.watch(run="nope")
        assert browser.frame()["state"] == "unknown"
        browser.watch(run=run)
        assert browser.frame()["newest"] == 5


def test_a_run_that_waits_shows_its_network_and_its_place(store: Store) -> None:
    server = FastAPI()
    with ThreadPoolExecutor(1) as assistant:
        runner = Runner(store, NoWorkers(), assistant)
        add_live_route(server, Hub(store, runner))
        runner.submit(RunConfig(depth=4))
        run = runner.submit(RunConfig(depth=3))
        with TestClient(server) as client, client.websocket_connect("/live") as socket:
            browser = Browser(socket)
            browser.watch(run=run)
            while (frame := browser.frame())["now"] is None:  # it has to be measured first
                pass
    assert (frame["state"], frame["layers"], frame["now"]["step"]) == ("queued", 4, 0)
    assert frame["said"].startswith("It is next, 1 run trains now; it begins in 60 s at most.")
