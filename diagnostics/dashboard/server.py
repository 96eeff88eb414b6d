"""Settings → store, runner, page → one uvicorn worker."""

import gzip
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import plotly
import uvicorn
from dash import Dash
from fastapi import FastAPI, Response

from diagnostics.dashboard import actions, live, page
from diagnostics.dashboard.embedded import ASSETS
from diagnostics.runs.runner import Runner
from diagnostics.runs.workers import Workers
from diagnostics.store.settings import InvalidSetting, Settings
from diagnostics.store.store import Store, open_store

YEAR = "public, max-age=31536000, immutable"


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
    app = make_app(store, runner)
    announce(f"http://{settings.host}:{settings.port}")
    config = uvicorn.Config(app.server, log_level="warning", ws_ping_interval=20)
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        print(file=sys.stderr)
    finally:
        runner.close()
        store.close()


def make_app(store: Store, runner: Runner) -> Dash:
    """The Dash app with its routes."""
    version = plotly.__version__
    app = Dash(
        "diagnostics",
        backend="fastapi",
        title=page.TITLE,
        update_title="",
        assets_folder=str(ASSETS),
        external_scripts=[f"/plotly.min.js?v={version}"],
        suppress_callback_exceptions=False,
    )
    app.index_string = page.index_string()
    app.layout = page.layout()
    actions.connect(app, actions.Actions(store, runner))
    server = app.server
    assert isinstance(server, FastAPI)
    live.add_live_route(server, store, runner)
    _add_routes(server)
    return app


def _add_routes(server: FastAPI) -> None:
    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    squeezed = gzip.compress(script.read_bytes(), 6)

    async def plotly_script() -> Response:
        headers = {"Content-Encoding": "gzip", "Cache-Control": YEAR}
        return Response(squeezed, media_type="text/javascript", headers=headers)

    async def health() -> dict[str, str]:
        return {"status": "ok"}

    server.add_api_route("/plotly.min.js", plotly_script)
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
