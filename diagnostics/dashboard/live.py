"""The push to browsers: one WebSocket route, one tailer, and frames that wait for an answer.

A browser says what it watches; it is sent the newest frame when it has painted the one before, so a
slow one skips frames instead of falling behind. Each frame is complete in itself: after a reload, a
hidden tab or a restarted server the next one catches up without a gap.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

import anyio
import orjson
from fastapi import FastAPI
from pydantic import Discriminator, Tag, TypeAdapter, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from diagnostics.dashboard import learned
from diagnostics.dashboard.hub import Hub, Made
from diagnostics.dashboard.wire import Ack, Learned, Message, Watch, encode

HISTORY_SECONDS = 1.0
LONGEST = 65_536
"""Characters of a message: a browser's have some hundred."""

log = logging.getLogger(__name__)


def _kind(message: Any) -> str:
    return "ack" if isinstance(message, dict) and "ack" in message else "watch"


HEARD: TypeAdapter[Ack | Watch] = TypeAdapter(
    Annotated[
        Annotated[Ack, Tag("ack")] | Annotated[Watch, Tag("watch")],
        Discriminator(_kind),
    ]
)
"""What a browser may say."""


class Viewer:
    """One browser's connection."""

    def __init__(self, socket: WebSocket, hub: Hub) -> None:
        self._socket, self._hub = socket, hub
        self._watch = Watch(visible=False)
        self._wake = asyncio.Event()
        self._painted = True
        self._sent: tuple[Any, ...] = ()
        self._history_sent: tuple[float, int, Watch | None] = (0.0, -1, None)
        self._learned: Learned | None = None
        self._sequence = 0

    async def run(self) -> None:
        """Serve until the browser leaves."""
        await self._socket.accept()
        self._hub.listeners.add(self._wake)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._send)
                async for text in _texts(self._socket):
                    self._receive(text)
                tasks.cancel_scope.cancel()
        finally:
            self._hub.listeners.discard(self._wake)

    def _receive(self, text: str) -> None:
        try:
            heard = HEARD.validate_json(text)
        except ValidationError:
            log.warning("a browser sent what can't be read: %.80r", text)
            return
        if isinstance(heard, Ack):
            self._painted = heard.ack == self._sequence
        else:
            self._watch, self._painted = heard, True
        self._wake.set()

    async def _send(self) -> None:
        while True:
            self._wake.clear()
            if self._painted and self._watch.visible:
                await self._hub.keep(self._watch.run)
                await self._catch_up()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), HISTORY_SECONDS)

    async def _catch_up(self) -> None:
        """Send a frame if there is something newer than the last, or the history fell due."""
        version, watch = self._hub.version, self._watch
        due = self._history_due(version, watch)
        if (version, watch) == self._sent and not due:
            return
        made = await self._hub.frame(watch, due)
        self._sent = (version, watch)
        if made is not None:
            await self._push(made, await self._hub.learned(watch) if due else None)
        if due and made is not None:  # what failed falls due again, though nothing be new
            self._history_sent = (time.monotonic(), -1 if made.failed else version, watch)

    def _history_due(self, version: int, watch: Watch) -> bool:
        sent, of_version, of_watch = self._history_sent
        if of_watch != watch:
            return True
        return of_version != version and time.monotonic() - sent > HISTORY_SECONDS

    async def _push(self, made: Made, now: Learned | None) -> None:
        self._sequence += 1
        self._painted = False
        news, self._learned = learned.news(self._learned, now), now or self._learned
        message = encode(Message(self._sequence, orjson.Fragment(made.body), news))
        with suppress(WebSocketDisconnect):  # whoever listens hears of it too
            await self._socket.send_text(message.decode())


async def _texts(socket: WebSocket) -> AsyncIterator[str]:
    """What a browser says until it leaves. No page sends bytes, or a text as long as a book."""
    while (message := await socket.receive())["type"] != "websocket.disconnect":
        text = message.get("text")
        if text is None or len(text) > LONGEST:
            log.warning("a browser sent what no page sends: %.80r", text or message.get("bytes"))
        else:
            yield text


def add_live_route(server: FastAPI, hub: Hub) -> None:
    """Mount ``/live``."""

    async def live(socket: WebSocket) -> None:
        await Viewer(socket, hub).run()

    server.add_api_websocket_route("/live", live)
