"""The push to browsers: one WebSocket route, one tailer, and frames that wait for an answer.

A browser says what it watches; it is sent the newest frame when it has painted the one before, so a
slow one skips frames instead of falling behind. Each frame is complete in itself: after a reload, a
hidden tab or a restarted server the next one catches up without a gap.
"""

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any

import anyio
import numpy as np
import orjson
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from diagnostics.dashboard import frames
from diagnostics.dashboard.frames import LEADS, Feed
from diagnostics.store import Store, StoreError

POLL_SECONDS = 0.015
RECHECK_SECONDS = 0.5
"""A lost run commits nothing: its state is read again so often."""

HISTORY_SECONDS = 1.0
IDLE_SECONDS = 30.0

log = logging.getLogger(__name__)


class Watch(BaseModel):
    """What a browser wants to see."""

    model_config = ConfigDict(extra="ignore")

    run: str | None = None
    pin: str | None = None
    view: str = "signal"
    at: int | None = None
    visible: bool = True

    @property
    def lead(self) -> str:
        """The metric of the leading chart."""
        return LEADS[1] if self.view == "weight" else LEADS[0]


class Hub:
    """The feeds of all watched runs, kept fresh while somebody looks."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._feeds: dict[str, Feed] = {}
        self._used: dict[str, float] = {}
        self.listeners: set[asyncio.Event] = set()
        self._tail: asyncio.Task[None] | None = None
        self._cache: dict[tuple[Any, ...], bytes] = {}
        self.version = 0

    async def feed(self, run_id: str | None) -> Feed | None:
        """The feed of a run; None where there is no such run."""
        if not run_id:
            return None
        self._used[run_id] = time.monotonic()
        if run_id not in self._feeds:
            try:
                self._feeds[run_id] = await asyncio.to_thread(Feed, self._store, run_id)
            except StoreError:
                return None
        if self._tail is None or self._tail.done():
            self._tail = asyncio.create_task(self._follow())
        return self._feeds[run_id]

    async def frame(self, watch: Watch, with_history: bool) -> bytes | None:
        """A frame in JSON, made once for all who watch the same; None for an unknown run."""
        feed = await self.feed(watch.run)
        if feed is None:
            return None
        key = (self.version, watch.run, watch.pin, watch.lead, watch.at, with_history)
        if key not in self._cache:
            pinned = await self.feed(watch.pin)
            self._cache[key] = _encode(compose(feed, pinned, watch, with_history))
        return self._cache[key]

    async def _follow(self) -> None:
        """Tail the store while somebody watches."""
        seen, checked = -1, 0.0
        while self._forget_unused():
            live = any(feed.run.live for feed in self._feeds.values())
            await asyncio.sleep(POLL_SECONDS if live else RECHECK_SECONDS / 2)
            try:
                version = await asyncio.to_thread(self._store.version)
                if version != seen or time.monotonic() - checked > RECHECK_SECONDS:
                    seen, checked = version, time.monotonic()
                    await self._refresh()
            except Exception:  # a store that is locked or gone for a while must not end the page
                log.exception("reading the store failed")
                await asyncio.sleep(1.0)

    async def _refresh(self) -> None:
        live = [feed for feed in self._feeds.values() if feed.run.live or feed.run.state == "lost"]
        news = [await asyncio.to_thread(feed.refresh) for feed in live]
        if any(news):
            self.version += 1
            self._cache.clear()
            for listener in self.listeners:
                listener.set()

    def _forget_unused(self) -> bool:
        now = time.monotonic()
        for run_id, used in list(self._used.items()):
            if now - used > IDLE_SECONDS:
                self._used.pop(run_id)
                self._feeds.pop(run_id, None)
        return bool(self._used)


def compose(feed: Feed, pinned: Feed | None, watch: Watch, with_history: bool) -> dict[str, Any]:
    """One frame: the run's newest layers beside the pinned run's at the same step."""
    now = frames.layers(feed, watch.lead, watch.at)
    frame: dict[str, Any] = {
        **frames.about(feed.run),
        "view": watch.view,
        "newest": int(feed.newest.steps[-1]) if len(feed.newest) else 0,
        "now": now,
    }
    if pinned is not None:
        frame["pinned"] = frames.layers(pinned, watch.lead, now["step"] if now else None)
        frame["pinned_label"] = frames.label(pinned.run)
    if with_history:
        frame["history"] = frames.history(feed, watch.lead)
        frame["verdict"] = frames.verdict(feed)
        if pinned is not None:
            frame["history"]["pinned"] = frames.series(pinned)
    return frame


def _encode(frame: dict[str, Any]) -> bytes:
    """NaN and infinities become null; ``marks`` tells them apart from what was not measured."""
    return orjson.dumps(frame, option=orjson.OPT_SERIALIZE_NUMPY, default=np.ndarray.tolist)


class Viewer:
    """One browser's connection."""

    def __init__(self, socket: WebSocket, hub: Hub) -> None:
        self._socket, self._hub = socket, hub
        self._watch = Watch(visible=False)
        self._wake = asyncio.Event()
        self._painted = True
        self._sent: tuple[Any, ...] = ()
        self._history_sent: tuple[float, int, Watch | None] = (0.0, -1, None)
        self._sequence = 0

    async def run(self) -> None:
        """Serve until the browser leaves."""
        await self._socket.accept()
        self._hub.listeners.add(self._wake)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._send)
                await self._listen()
                tasks.cancel_scope.cancel()
        finally:
            self._hub.listeners.discard(self._wake)

    async def _listen(self) -> None:
        with suppress(WebSocketDisconnect):
            while True:
                self._receive(await self._socket.receive_text())

    def _receive(self, message: str) -> None:
        try:
            data = orjson.loads(message)
            if "ack" in data:
                self._painted = data["ack"] == self._sequence
            else:
                self._watch = Watch.model_validate(data)
                self._painted = True
        except (orjson.JSONDecodeError, ValidationError, TypeError):
            log.warning("a browser sent what can't be read: %.80s", message)
        self._wake.set()

    async def _send(self) -> None:
        while True:
            self._wake.clear()
            if self._painted and self._watch.visible and self._watch.run:
                await self._hub.feed(self._watch.run)  # says that somebody still looks
                await self._catch_up()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), HISTORY_SECONDS)

    async def _catch_up(self) -> None:
        """Send a frame if there is something newer than the last, or the history fell due."""
        version, watch = self._hub.version, self._watch
        due = self._history_due(version, watch)
        if (version, watch) == self._sent and not due:
            return
        await self._push(watch, due)
        self._sent = (version, watch)
        if due:
            self._history_sent = (time.monotonic(), version, watch)

    def _history_due(self, version: int, watch: Watch) -> bool:
        sent, of_version, of_watch = self._history_sent
        if of_watch != watch:
            return True
        return of_version != version and time.monotonic() - sent > HISTORY_SECONDS

    async def _push(self, watch: Watch, with_history: bool) -> None:
        body = await self._hub.frame(watch, with_history)
        self._sequence += 1
        if body is None:
            body = _encode({"run": watch.run, "state": "unknown"})
        self._painted = False
        with suppress(WebSocketDisconnect):  # whoever listens hears of it too
            await self._socket.send_text(f'{{"sequence":{self._sequence},"frame":{body.decode()}}}')


def add_live_route(server: FastAPI, store: Store) -> None:
    """Mount ``/live``."""
    hub = Hub(store)

    async def live(socket: WebSocket) -> None:
        await Viewer(socket, hub).run()

    server.add_api_websocket_route("/live", live)
