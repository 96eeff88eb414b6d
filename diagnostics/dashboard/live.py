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
import orjson
from fastapi import FastAPI
from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from diagnostics.dashboard.hub import Hub, Watch
from diagnostics.runs.runner import Runner
from diagnostics.store.store import Store

HISTORY_SECONDS = 1.0

log = logging.getLogger(__name__)


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
            if self._painted and self._watch.visible:
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
        pushed = await self._push(watch, due)
        self._sent = (version, watch)
        if due and pushed:
            self._history_sent = (time.monotonic(), version, watch)

    def _history_due(self, version: int, watch: Watch) -> bool:
        sent, of_version, of_watch = self._history_sent
        if of_watch != watch:
            return True
        return of_version != version and time.monotonic() - sent > HISTORY_SECONDS

    async def _push(self, watch: Watch, with_history: bool) -> bool:
        """Send a frame; False where there is nothing to show yet."""
        body = await self._hub.frame(watch, with_history)
        if body is None:
            return False
        self._sequence += 1
        self._painted = False
        with suppress(WebSocketDisconnect):  # whoever listens hears of it too
            await self._socket.send_text(f'{{"sequence":{self._sequence},"frame":{body.decode()}}}')
        return True


def add_live_route(server: FastAPI, store: Store, runner: Runner) -> None:
    """Mount ``/live``."""
    hub = Hub(store, runner)

    async def live(socket: WebSocket) -> None:
        await Viewer(socket, hub).run()

    server.add_api_websocket_route("/live", live)
