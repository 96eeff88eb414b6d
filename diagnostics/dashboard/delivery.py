"""What goes out over the wire once and is kept: scripts and styles, squeezed, named by content."""

import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import FastAPI, Response
from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from diagnostics.dashboard.embedded import SCRIPTS, bundle
from diagnostics.dashboard.refusals import missing

YEAR = "public, max-age=31536000, immutable"
FRESH = {"Cache-Control": "no-store"}
SMALL = 500
"""Bytes that are not worth squeezing."""

SUITES = "/_dash-component-suites/"
"""Dash's scripts, whose names carry their versions."""

SQUEEZED = (b"accept-encoding", b"gzip")


@dataclass(frozen=True)
class Delivered:
    """Addresses: of the page's own script and style, of its icon, and of the page itself."""

    script: str
    style: str
    icon: str = "/assets/icon.svg"
    home: str = "/"


def add_bundles(server: FastAPI) -> Delivered:
    """Serve script and style under names that change with them."""
    return Delivered(
        add_bundle(server, "js", "text/javascript"), add_bundle(server, "css", "text/css")
    )


def add_bundle(server: FastAPI, kind: str, media: str, folders: Sequence[str] = SCRIPTS) -> str:
    """Serve what is in some folders as one file; its path."""
    text = bundle(kind, folders).encode()
    path = f"/page-{hashlib.sha256(text).hexdigest()[:12]}.{kind}"
    squeezed = gzip.compress(text)

    async def send() -> Response:
        headers = {"Content-Encoding": "gzip", "Cache-Control": YEAR}
        return Response(squeezed, media_type=media, headers=headers)

    server.add_api_route(path, send)
    return path


class Kept:
    """Middleware: Dash's scripts are squeezed once, not for each who opens the page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[str, list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _of_dash(scope):
            await self._app(scope, receive, send)
        elif not _squeezed(scope):
            await self._play(await self._told(scope, receive), scope, receive, send)
        else:
            told = self._kept.get(scope["path"]) or await self._answer(scope, receive)
            await self._play(told, scope, receive, send)

    async def _play(self, told: list[Message], scope: Scope, receive: Receive, send: Send) -> None:
        """Say what was told; what Dash fails at is a script that there is not."""
        if told[0]["status"] >= 500:
            await missing(scope["path"])(scope, receive, send)
            return
        for message in told:
            await send(message)

    async def _answer(self, scope: Scope, receive: Receive) -> list[Message]:
        """What is asked for, whole; kept where there is such a script."""
        said = await self._told({**scope, "headers": [SQUEEZED]}, receive)
        if said[0]["status"] == 200:
            self._kept[scope["path"]] = said
        return said

    async def _told(self, scope: Scope, receive: Receive) -> list[Message]:
        said: list[Message] = []

        async def hear(message: Message) -> None:
            said.append(message)

        await self._app(scope, receive, hear)
        return said


def _of_dash(scope: Scope) -> bool:
    return scope["type"] == "http" and str(scope["path"]).startswith(SUITES)


def _squeezed(scope: Scope) -> bool:
    return "gzip" in Headers(scope=scope).get("accept-encoding", "")


def squeeze(server: FastAPI) -> None:
    """All text answers go out compressed; the last that is added is asked first."""
    server.add_middleware(GZipMiddleware, minimum_size=SMALL, compresslevel=6)
    server.add_middleware(Kept)
