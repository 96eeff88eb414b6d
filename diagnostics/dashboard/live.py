"""The push to browsers: one WebSocket route, and frames that wait for an answer.

A browser says what it watches; it is sent the newest frame when it has drawn the one before, so a
slow one skips frames instead of falling behind. Each frame is complete in itself: after a reload, a
hidden tab or a restarted server the next one catches up without a gap.
"""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any

import anyio
from fastapi import FastAPI
from pydantic import Discriminator, Tag, TypeAdapter, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from diagnostics.dashboard import groups, learned
from diagnostics.dashboard.classroom import place
from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.hub import Due, Hub, Parcel, Version
from diagnostics.dashboard.session import Session
from diagnostics.dashboard.visitors import HERE
from diagnostics.dashboard.wire import Ack, Learned, Message, Watch, encode
from diagnostics.dashboard.wishes import answer

HISTORY_SECONDS = 1.0
SHORTEST_SECONDS = 0.01
"""From one message to the next, however fast a browser asks."""

LONGEST = 65_536
"""Characters of a message: a browser's have some hundred."""

BINARY = (1003, "Only text is heard here.")
TOO_LONG = (1009, f"A message has at most {LONGEST} characters.")
"""Why a connection is closed."""

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


class Last:
    """What a browser was sent last of a kind."""

    def __init__(self) -> None:
        self.watch: Watch | None = None
        self._version: Version | None = None
        self._time = 0.0

    def note(self, version: Version | None, watch: Watch) -> None:
        """It is sent now."""
        self._version, self.watch, self._time = version, watch, time.monotonic()

    def shows(self, version: Version, watch: Watch) -> bool:
        """Whether there is nothing newer."""
        return (self._version, self.watch) == (version, watch)

    def due(self, version: Version, watch: Watch) -> bool:
        """Whether it shall be sent anew: at once for another watch, else once a second."""
        if self.watch != watch:
            return True
        return self._version != version and time.monotonic() - self._time > HISTORY_SECONDS


@lru_cache(maxsize=64)
def _led(watch: Watch, *, yours: bool) -> Parcel:
    """Where a presenter went, made once for all who follow."""
    return Parcel(Message(led=answer(Session.of(vars(watch)), [], yours=yours)))


def _shared(watch: Watch, feed: Feed | None) -> Watch:
    """What is watched as all spell it who see the same: only a large model has parts."""
    known = feed and groups.level(feed.run.config, feed.newest.layers, watch.part)
    return replace(watch, part=known.part if known else "")


class Viewer:
    """One browser's connection."""

    def __init__(self, socket: WebSocket, hub: Hub) -> None:
        self._socket, self._hub = socket, hub
        self._packs = "packed" in socket.query_params
        self._heard = Watch(visible=False)
        self._wake = asyncio.Event()
        self._painted = True
        self._framed, self._whole, self._pictured = Last(), Last(), Last()
        self._learned: Learned | None = None
        self._led: tuple[object, ...] = ()
        self._sequence = 0
        self._warned = False

    async def run(self) -> None:
        """Serve until the browser leaves."""
        await self._socket.accept()
        self._hub.listeners.add(self._wake)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._send)
                unheard = await self._listen()
                tasks.cancel_scope.cancel()
            if unheard is not None:  # nothing is sent any more
                await self._socket.close(*unheard)
        finally:
            self._hub.listeners.discard(self._wake)
            self._say(Watch())

    async def _listen(self) -> tuple[int, str] | None:
        """Until the browser leaves, or says what no page says: with what it is left then."""
        while (message := await self._socket.receive())["type"] != "websocket.disconnect":
            text = message.get("text")
            if text is None or len(text) > LONGEST:
                log.warning("a browser sent what no page sends: %.80r", text or message["bytes"])
                return BINARY if text is None else TOO_LONG
            self._receive(text)
        return None

    def _receive(self, text: str) -> None:
        try:
            heard = HEARD.validate_json(text)
        except ValidationError:
            if not self._warned:
                log.warning("a browser sent what can't be read: %.80r", text)
            self._warned = True  # once: who sends nonsense fills no log
            return
        if isinstance(heard, Ack):
            self._painted = heard.ack == self._sequence
        else:
            self._heard, self._painted = heard, True
            self._say(heard)
        self._wake.set()

    def _say(self, watch: Watch) -> None:
        """In a class room others may follow to what is watched here."""
        room = self._hub.classroom
        if room is not None and room.hear(watch, self):
            self._hub.tell()

    def _look(self) -> Watch:
        """What is in sight; whatever part the page takes, the same as for all who see it."""
        room = self._hub.classroom
        return replace(room.seen(self._heard) if room else self._heard, role="alone")

    async def _send(self) -> None:
        while True:
            self._wake.clear()
            if self._painted and self._heard.visible:
                watch = self._look()
                feed = await self._hub.feeds.keep(watch.run)
                await self._catch_up(_shared(watch, feed))
                if not self._painted:
                    await asyncio.sleep(SHORTEST_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), HISTORY_SECONDS)

    async def _catch_up(self, watch: Watch) -> None:
        """Send a frame if there is something newer than the last, else its picture."""
        version = self._hub.version(watch)
        if self._framed.watch == watch and self._pictured.due(version, watch):
            await self._send_picture(version, watch)
        if self._painted:
            await self._send_frame(version, watch)

    async def _send_picture(self, version: Version, watch: Watch) -> None:
        now = await self._hub.learned(watch)
        self._pictured.note(version, watch)
        news, self._learned = learned.news(self._learned, now), now or self._learned
        if news is not None:
            await self._push(Parcel(Message(learned=news)))

    async def _send_frame(self, version: Version, watch: Watch) -> None:
        anywhere = replace(watch, at=None)  # a history is the same at whatever step one looks
        whole = self._whole.due(version, anywhere)
        if not whole and self._framed.shows(version, watch):
            return
        made = await self._hub.frame(watch, Due(whole or self._framed.watch != watch, whole))
        if made is None:
            return
        self._framed.note(version, watch)
        if whole:  # what failed falls due again, though nothing be new
            self._whole.note(None if made.failed else version, anywhere)
        if led := await self._news(watch):
            await self._push(led)
        await self._push(made)
        self._hub.sent += 1

    async def _news(self, watch: Watch) -> Parcel | None:
        """Where a presenter went, for who follows and was not told yet."""
        before, self._led = self._led, place(watch) if self._heard.role == "follows" else ()
        if self._led in (before, ()):
            return None
        feed = await self._hub.feeds.keep(watch.run)
        return _led(watch, yours=feed is None or HERE.get().drives(feed.run.owner))

    async def _push(self, parcel: Parcel) -> None:
        self._sequence += 1
        self._painted = False
        with suppress(WebSocketDisconnect):  # whoever listens hears of it too
            if self._packs:
                await self._socket.send_bytes(parcel.packed)
            else:
                numbered = replace(parcel.message, sequence=self._sequence)
                await self._socket.send_text(encode(numbered).decode())


def add_live_route(server: FastAPI, hub: Hub) -> None:
    """Mount ``/live``."""

    async def live(socket: WebSocket) -> None:
        await Viewer(socket, hub).run()

    server.add_api_websocket_route("/live", live)
