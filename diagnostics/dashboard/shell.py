"""Dash within our page: the app whose form is mounted there."""

from dash import Dash
from fastapi import FastAPI

from diagnostics.dashboard import form, page
from diagnostics.dashboard.embedded import ASSETS


class _Parts(Dash):
    """Keeps what Dash would make a page of."""

    parts: dict[str, str]

    def _setup_routes(self) -> None:
        """Without the socket for callbacks, which this form doesn't use: it would hear anything."""
        self.backend.websocket_capability = False
        super()._setup_routes()  # type: ignore[no-untyped-call]

    def interpolate_index(self, **parts: str) -> str:  # type: ignore[override]
        self.parts = {name: parts[name] for name in page.Dashes.__annotations__}
        return "".join(parts.values())


class Shell:
    """Dash's part of the page: its form, and what it needs around it."""

    def __init__(self, server: FastAPI) -> None:
        self._found: page.Dashes | None = None
        self.dash = _Parts(
            "diagnostics",
            server=server,  # type: ignore[arg-type]  # Dash takes its backends' servers, too
            title=page.TITLE,
            update_title="",
            assets_folder=str(ASSETS),
            assets_ignore=".*",  # the page's own scripts and styles go out as one each
            suppress_callback_exceptions=False,
        )
        self.dash.layout = form.layout()

    def parts(self) -> page.Dashes:
        """Tags, which are the same for all."""
        if self._found is None:
            self.dash.index()  # type: ignore[no-untyped-call]
            self._found = page.Dashes(**self.dash.parts)
        return self._found
