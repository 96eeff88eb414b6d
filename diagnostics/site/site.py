"""A class's take-away: lessons and the default lab as recorded runs, without a server."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from diagnostics.dashboard import page, wishes
from diagnostics.dashboard.delivery import Delivered
from diagnostics.dashboard.embedded import ASSETS, bundle
from diagnostics.dashboard.frames import Sketch, compose, diagnoses
from diagnostics.dashboard.page import Dashes
from diagnostics.dashboard.session import Session
from diagnostics.dashboard.wire import Frame, Watch
from diagnostics.dashboard.wishes import Opened
from diagnostics.engine.lab.profiler import profile_batch
from diagnostics.site.film import film
from diagnostics.site.folder import PAGE, Folder, InvalidSite, data, scripts
from diagnostics.site.volumes import Volume, lab, taught
from diagnostics.store.settings import url_of
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from diagnostics.subject.lessons import LESSONS, Lesson

DELIVERED = Delivered("page.js", "page.css", "icon.svg", PAGE)

Told = Callable[[str, int, int], None]
"""Told of each run that was recorded: its name, how many are, and how many there will be."""


class Written(NamedTuple):
    """Bytes of a site: of all of it, and of what is loaded to see its first lesson."""

    all: int
    first: int


def write(
    path: Path,
    told: Told,
    *,
    lessons: Mapping[str, Lesson] = LESSONS,
    default: RunConfig | None = None,
) -> Written:
    """Write the page with its recorded runs into a folder.

    Args:
        told: about each run, before it is trained.
        default: the network outside of lessons; the lab's where not given.

    Raises:
        InvalidSite: the folder holds something else, or can't be written.
    """
    folder = Folder(path)
    sizes = {name: folder.write(name, text) for name, text in _assets().items()}
    volumes = [lab(default or RunConfig()), *taught(lessons)]
    sizes |= _record(folder, volumes, told)
    sizes[PAGE] = folder.write(PAGE, _index(volumes, lessons))
    return Written(folder.size(), sum(sizes[name] for name in _needed(volumes)))


def chosen(keys: str) -> Mapping[str, Lesson]:
    """The lessons that a list of keys names, all of them for none. Raises ``InvalidSite``."""
    named = [key.strip() for key in keys.split(",") if key.strip()]
    for key in named:
        if key not in LESSONS:
            known = ", ".join(LESSONS)
            raise InvalidSite(f"lessons={key:.60} can't be used: a lesson must be one of {known}.")
    return {key: lesson for key, lesson in LESSONS.items() if not named or key in named}


def _assets() -> dict[str, str]:
    icon = (ASSETS / "icon.svg").read_text(encoding="utf-8")
    return {DELIVERED.script: scripts(), DELIVERED.style: bundle("css"), DELIVERED.icon: icon}


def _record(folder: Folder, volumes: Sequence[Volume], told: Told) -> dict[str, int]:
    """Train and write every run; the size of each file."""
    runs = [(volume, *run) for volume in volumes for run in volume.runs()]
    sizes = {}
    with tempfile.TemporaryDirectory() as scratch:
        store = Store(url_of(Path(scratch) / "runs.sqlite"))
        for n, (volume, name, config) in enumerate(runs):
            told(name, n, len(runs))
            run = film(store, config, volume.advised)
            sizes[_file(name)] = folder.write(_file(name), data("add", name, run.told))
            folder.write(_file(f"{name}-inside"), data("addInside", name, run.inside))
        store.close()
    return sizes


def _index(volumes: Sequence[Volume], lessons: Mapping[str, Lesson]) -> str:
    """The page, with the default network in it before training."""
    config, titles = volumes[0].configs[0], [title for one in volumes for title in one.titles()]
    answer = wishes.answer(Session(config.query()), [])
    return page.page(
        DELIVERED,
        Dashes(),
        page.tables(lessons),
        Opened(answer),
        _first(volumes[0], config),
        lessons=lessons,
        recorded=titles,
    )


def _first(volume: Volume, config: RunConfig) -> Frame:
    sketch = Sketch(config, profile_batch(config))
    told = volume.advised(config, diagnoses(None, sketch))
    return compose(None, (), sketch, Watch(query=config.query()), told)


def _needed(volumes: Sequence[Volume]) -> set[str]:
    """The files of a first visit: the page, the default network, and the first lesson."""
    seen = {_file(name) for volume in volumes[:2] for name, _ in [next(volume.runs())]}
    return {DELIVERED.script, DELIVERED.style, DELIVERED.icon, PAGE, *seen}


def _file(run: str) -> str:
    return f"data/{run}.js"
