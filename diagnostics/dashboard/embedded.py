"""What page and report carry in themselves: the assets' folder, and data for the scripts."""

from pathlib import Path

from diagnostics.dashboard import charts, figures
from diagnostics.dashboard.wire import encode

ASSETS = Path(__file__).with_name("assets")
"""Styles and scripts."""


def drawing() -> str:
    """The tables of charts and their skeletons."""
    return data("charts", charts.tables()) + data("skeletons", figures.skeletons())


def data(name: str, sent: object) -> str:
    """An element with JSON, in which no word may end the script."""
    text = encode(sent).decode().replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>'
