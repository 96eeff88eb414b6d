"""What page and report carry in themselves: templates, the assets' folder, data for the scripts."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from diagnostics.dashboard import charts, figures
from diagnostics.dashboard.wire import encode

ASSETS = Path(__file__).with_name("assets")
"""Styles and scripts."""

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)

SCRIPTS = ("painter", "charts", "page")
"""Folders of the page's scripts, in order."""

SWEEP = ("charts/dom.js", "sweep")
"""Those of the page of sweeps."""

RECORDED = (*SCRIPTS, "site")
"""Those of a page that lives without a server."""


def drawing() -> str:
    """The tables of charts and their skeletons."""
    return data("charts", charts.tables()) + data("skeletons", figures.skeletons())


def data(name: str, sent: object) -> str:
    """An element with JSON, in which no word may end the script."""
    text = encode(sent).decode().replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>'


def sources(kind: str, folders: Sequence[str] = SCRIPTS) -> list[Path]:
    """The page's own scripts (``js``) or styles (``css``), in the order in which they are read.

    Among folders of scripts there may be a single one.
    """
    if kind == "css":
        return sorted(ASSETS.rglob("*.css"), key=lambda file: (len(file.parts), file.name))
    patterns = (name if name.endswith(".js") else f"{name}/*.js" for name in folders)
    return [file for pattern in patterns for file in sorted(ASSETS.glob(pattern))]


def bundle(kind: str, folders: Sequence[str] = SCRIPTS) -> str:
    """All of them as one text."""
    return "\n".join(file.read_text(encoding="utf-8") for file in sources(kind, folders))
