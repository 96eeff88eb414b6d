"""Settings → store, runner, page → one uvicorn worker."""

import asyncio
import gc
import multiprocessing
import os
import secrets
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType
from typing import NamedTuple

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute

from diagnostics.dashboard import (
    actions,
    delivery,
    listing,
    live,
    page,
    refusals,
    sweeping,
    vitals,
    wall,
    wishes,
)
from diagnostics.dashboard.callbacks import Callbacks
from diagnostics.dashboard.classroom import Classroom
from diagnostics.dashboard.deeds import Deeds
from diagnostics.dashboard.delivery import Delivered
from diagnostics.dashboard.door import Door, policy
from diagnostics.dashboard.hub import Hub
from diagnostics.dashboard.place import LOCAL, NEARBY, Place
from diagnostics.dashboard.session import Session
from diagnostics.dashboard.shell import Shell
from diagnostics.dashboard.sweeping import Sweeping
from diagnostics.dashboard.visitors import HERE, Guests
from diagnostics.runs import logs
from diagnostics.runs.crew import Crew
from diagnostics.runs.limits import Limits
from diagnostics.runs.retention import Retention
from diagnostics.runs.runner import Runner
from diagnostics.store.settings import InvalidSetting, Settings
from diagnostics.store.store import Store, open_store
from diagnostics.subject.config import RunConfig

ENDING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
"""Signals that end the server in order: Ctrl-C, a supervisor, a closed terminal."""

GRACE_SECONDS = 1
"""For browsers to be answered, before runs are asked to end."""

LONGEST_END_SECONDS = 2.5


def serve(settings: Settings, announce: Callable[[str, str], None]) -> None:
    """Serve until interrupted; ``announce`` is told the address once it can be opened.

    And the presenter's link, whose visitor is the host, where others reach the server, too.

    Raises:
        InvalidSetting: the address can't be had.
        StoreError: no store can be had.
    """
    listener = _listen(settings)
    logs.configure(bool(settings.log_json))
    store, crew = open_store(settings.store_url), Crew.of(settings)
    assistant = crew.assistant()  # first, since whoever opens the page waits for it
    limits = Limits.of(settings)
    runner = Runner(store, crew.executor(), assistant, crew.slots, limits)
    runner.take_over()
    place = Place(settings.host, _words(settings.names), settings.embed or NEARBY)
    guests, sweeps = Guests(), Sweeping(store, crew, limits)
    address = place.address(settings.port)
    server = make_app(
        store,
        runner,
        reload=bool(settings.reload),
        place=place,
        guests=guests,
        classroom=Classroom(f"{address}/") if settings.class_ else None,
        sweeps=sweeps,
    )
    retention = Retention(store, settings.keep_days)
    config = uvicorn.Config(
        server,
        log_level="warning",
        log_config=None,
        ws_ping_interval=20,
        ws_max_size=live.LONGEST,
        ws_per_message_deflate=False,  # frames are compressed once for all, not once for each
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    presenter = "" if place.home else f"{address}/?host={guests.token}"
    try:
        _Lab(config, lambda: announce(address, presenter)).run(sockets=[listener])
    finally:
        retention.close()
        sweeps.close()
        runner.close()
        store.close()
        gc.freeze()  # the interpreter would look through all there is for two seconds


class _Lab(uvicorn.Server):
    """Says so when it answers, and ends in order whatever ends it."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce
        for number in ENDING:
            signal.signal(number, self.handle_exit)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A second Ctrl-C doesn't wait for browsers, and nothing is waited for very long."""
        if not self.should_exit:
            _end_in_time()
        super().handle_exit(sig, frame)


def _end_in_time() -> None:
    deadline = threading.Timer(LONGEST_END_SECONDS, _end_at_once)
    deadline.daemon = True
    deadline.start()


def _end_at_once() -> None:
    """Whatever is still waited for, a browser, a run, a store that is locked."""
    for process in multiprocessing.active_children():
        process.kill()
    os._exit(0)


def make_app(
    store: Store,
    runner: Runner,
    *,
    reload: bool = False,
    place: Place = LOCAL,
    guests: Guests | None = None,
    classroom: Classroom | None = None,
    sweeps: Sweeping | None = None,
) -> FastAPI:
    """The app with its routes; with ``reload`` pages load themselves anew after a restart."""
    guests = guests or Guests()
    hub, deeds = Hub(store, runner, classroom), Deeds(store, runner)

    @asynccontextmanager
    async def life(server: FastAPI) -> AsyncIterator[None]:
        hub.advice.profile(RunConfig())  # whoever opens the page sees it at once
        yield

    server = FastAPI(lifespan=life, docs_url=None, redoc_url=None, openapi_url=None)
    shell, delivered = Shell(server), delivery.add_bundles(server)
    _add_page(server, shell, hub, deeds, Entrance(place, guests, reload, delivered))
    live.add_live_route(server, hub)
    wishes.add_wish_route(server, deeds)
    listing.add_runs_route(server, deeds.catalogue)
    sweeping.add_sweep_routes(server, sweeps or Sweeping(store), delivered)
    wall.add_wall_route(server, hub, deeds.catalogue)
    actions.connect(shell.dash, deeds)
    vitals.add_vitals(server, vitals.Vitals(store, runner, hub))
    refusals.add_refusals(server)
    server.add_middleware(Callbacks, shell.dash.callback_map)
    delivery.squeeze(server)
    server.add_middleware(Door, place, guests)
    return server


class Entrance(NamedTuple):
    """How the page is come to."""

    place: Place
    guests: Guests
    reload: bool
    delivered: Delivered


def _add_page(server: FastAPI, shell: Shell, hub: Hub, deeds: Deeds, way: Entrance) -> None:
    """Mount the page and its own files; any other address is told to be none."""
    tables = page.tables()

    async def index(request: Request) -> Response:
        token = request.query_params.get("host")
        if token is not None and way.guests.welcome(HERE.get(), token):
            return RedirectResponse("/", 303)
        told = await asyncio.to_thread(wishes.opened, deeds, request.url.query, hub.classroom)
        frame = await hub.first(Session.of(vars(told.answer.session)).watch())
        nonce = secrets.token_urlsafe(16)
        parts = shell.parts()
        html = page.page(way.delivered, parts, tables, told, frame, nonce=nonce, reload=way.reload)
        rules = {"Content-Security-Policy": policy(way.place.framed, nonce)}
        return HTMLResponse(html, headers=delivery.FRESH | rules)

    server.router.routes.insert(0, APIRoute("/", index, methods=["GET"]))  # before Dash's own


def _words(listed: str) -> list[str]:
    return [word.strip().lower() for word in listed.split(",") if word.strip()]


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise InvalidSetting(
            f"{settings.host}:{settings.port} can't be served on: {error.strerror or error}. "
            "Choose another with --port."
        ) from None
    return listener
