"""The folder that is written: the page, its script and style, and a script for each run."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import orjson

from diagnostics.dashboard import embedded
from diagnostics.subject.printable import Refusal

MARK = "site.json"
"""Tells a folder that is ours, and which files of it are."""

PAGE = "index.html"
UNFINISHED = "This site was not written to its end. Run gradient-diagnostics site again."


class InvalidSite(Refusal, ValueError):
    """A site that can't be written: one sentence that says why."""


class Folder:
    """A folder for a site; until it is finished, whoever opens it is told that it is not.

    Raises ``InvalidSite`` for one that holds something else, or can't be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            for name in _former(path):
                (path / name).unlink(missing_ok=True)
            (path / "data").mkdir(parents=True, exist_ok=True)
            self._written: list[str] = []
            self.write(PAGE, f"<!doctype html><title>Unfinished</title><p>{UNFINISHED}</p>")
        except OSError as error:
            raise InvalidSite(f"{path} can't be written: {error.strerror or error}.") from None

    def write(self, name: str, text: str | bytes) -> int:
        """A file, whole or not at all; its size in bytes."""
        data = text.encode() if isinstance(text, str) else text
        part, target = self.path / f"{name}.part", self.path / name
        part.write_bytes(data)
        os.replace(part, target)
        if name not in self._written:
            self._written.append(name)
            mark = self.path / MARK
            mark.write_text(json.dumps({"files": self._written}), encoding="utf-8")
        return len(data)

    def size(self) -> int:
        """Of all that was written, in bytes."""
        return sum((self.path / name).stat().st_size for name in self._written)


def _former(path: Path) -> Iterator[str]:
    """The files of a site that was written there before."""
    if not path.exists():
        return
    if not path.is_dir():
        raise InvalidSite(f"{path} can't take a site: it is a file, not a folder.")
    files = _marked(path)
    if files is None and any(path.iterdir()):
        raise InvalidSite(f"{path} can't take a site: choose an empty folder, or a former site's.")
    yield from files or ()


def _marked(path: Path) -> list[str] | None:
    """The files that a folder says are ours; None where it says no such thing."""
    try:
        named = json.loads((path / MARK).read_text(encoding="utf-8"))["files"]
        ours = [*map(str, named)]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return None if any(".." in Path(name).parts for name in ours) else ours


def scripts() -> str:
    """The page's scripts, and those that answer in a server's place."""
    return embedded.bundle("js", embedded.RECORDED)


def data(into: str, name: str, of: dict[str, object]) -> bytes:
    """What is kept of a run, as a script: a page that was opened from a folder may not fetch."""
    return b"shelf.%b(%b, %b);\n" % (into.encode(), orjson.dumps(name), orjson.dumps(of))
