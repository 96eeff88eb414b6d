"""Settings → store, runner, page → one uvicorn worker."""

import socket
import sys
import time
from collections.abc import Callable

import uvicorn
from dash import Dash
from fastapi import FastAPI

from diagnostics.dashboard import actions, live, page
from diagnostics.dashboard.embedded import ASSETS
from diagnostics.runs.runner import Runner
from diagnostics.runs.workers import Workers
from diagnostics.store.settings import InvalidSetting, Settings
from diagnostics.store.store import Store, open_store


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until interrupted; ``announce`` is told the address once it can be opened.

    Raises:
        InvalidSetting: the address can't be had.
        StoreError: no store can be had.
    """
    listener = _listen(settings)
    store = open_store(settings.store_url)
    assistant = Workers(1)  # first, since whoever opens the page waits for it
    runner = Runner(store, Workers(settings.workers), assistant)
    app = make_app(store, runner, reload=bool(settings.reload))
    announce(f"http://{settings.host}:{settings.port}")
    config = uvicorn.Config(app.server, log_level="warning", ws_ping_interval=20)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        print(file=sys.stderr)
    finally:
        runner.close()
        store.close()


def make_app(store: Store, runner: Runner, *, reload: bool = False) -> Dash:
    """The Dash app with its routes; with ``reload`` pages load themselves anew after a restart."""
    app = Dash(
        "diagnostics",
        backend="fastapi",
        title=page.TITLE,
        update_title="",
        assets_folder=str(ASSETS),
        assets_path_ignore=["report"],
        suppress_callback_exceptions=False,
    )
    app.index_string = page.index_string(reload)
    app.layout = page.layout()
    actions.connect(app, actions.Actions(store, runner))
    server = app.server
    assert isinstance(server, FastAPI)
    live.add_live_route(server, store, runner)
    _add_routes(server)
    return app


def _add_routes(server: FastAPI) -> None:
    began = time.time_ns()

    async def health() -> dict[str, str]:
        return {"status": "ok", "began": str(began)}

    server.add_api_route("/healthz", health)


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
