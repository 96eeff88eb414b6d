"""What a browser shows, as its link spells it: a configuration, the run, the pins, the view."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from diagnostics.dashboard import groups, wire
from diagnostics.dashboard.charts import PANELS, VIEWS
from diagnostics.dashboard.feed import configurations
from diagnostics.dashboard.visitors import HERE
from diagnostics.store.store import Run, Store, StoreError
from diagnostics.subject.config import InvalidConfig, RunConfig
from diagnostics.subject.lessons import LESSONS

PAGE_KEYS = ("run", "before", "view", "panel", "part", "layer", "lesson", "at")
PINS = ("pins", "pin")
"""Either, once with commas between or several times."""

MOST_PINS = 4


DEFAULTS = f"seed={RunConfig().seed}"
"""Spells the default controls beside a run, whose own are meant where a link names none."""


@dataclass(frozen=True)
class Session(wire.Session):
    """A page's state, with what its link says."""

    @classmethod
    def of(cls, data: dict[str, Any] | None) -> "Session":
        """From what the browser keeps, or asks to see: what else is in that is left out."""
        known = {field.name for field in fields(wire.Session)}
        kept = {key: value for key, value in (data or {}).items() if key in known}
        return cls(**kept | {"pins": tuple(kept.get("pins", ()))})

    @property
    def config(self) -> RunConfig:
        """The controls' configuration."""
        return RunConfig.from_query(self.query)

    def watch(self) -> wire.Watch:
        """What a page in this state asks to see."""
        seen = asdict(self)
        return wire.Watch(
            **{field.name: seen[field.name] for field in fields(wire.Watch) if field.name in seen}
        )

    def linked(self, *, yours: bool = True) -> wire.Linked:
        """For the browser to keep, with its link."""
        return wire.Linked(**asdict(self), link=self.link(), yours=yours)

    def link(self) -> str:
        """The query that brings this state back."""
        usual = asdict(Session())
        rest = {key: value for key, value in asdict(self).items() if value != usual[key]}
        rest.pop("query", None)
        if self.pins:
            rest["pins"] = ",".join(self.pins)
        more = urlencode(rest, safe=",")
        query = self.query or (DEFAULTS if self.run else "")
        return "&".join(part for part in (query, more) if part)


def read_link(search: str, store: Store) -> tuple[Session, list[str]]:
    """A link's state, and a sentence for each thing in it that can't be.

    What is wrong is left at its default, what is right is kept. A bare address shows the visitor's
    newest run that is still going.
    """
    given = parse_qsl(search.lstrip("?"), keep_blank_values=True)
    pairs = {key: value for key, value in given if key not in PINS}
    if not given:
        return _current(store), []
    notes: list[str] = []
    rest = {key: pairs.pop(key, None) for key in PAGE_KEYS}
    lesson = _one_of("lesson", rest["lesson"], LESSONS, notes)
    if lesson is not None:
        scene = LESSONS[lesson].scenes[0]
        pairs = pairs or {key: str(value) for key, value in scene.config.differences().items()}
        rest = {"view": scene.view, "panel": scene.panel, **_given(rest)}
    config = _config(pairs, notes)
    session = Session(
        config.query(),
        view=_one_of("view", rest.get("view"), VIEWS, notes) or Session.view,
        panel=_one_of("panel", rest.get("panel"), PANELS, notes) or Session.panel,
        layer=_counted("layer", "layer", rest.get("layer"), notes) or 1,
        lesson=lesson,
        at=_counted("at", "step", rest.get("at"), notes),
    )
    run, before = (_known(rest.get(key), store, notes) for key in ("run", "before"))
    pins = _pins([value for key, value in given if key in PINS], store, notes)
    part = _part(rest.get("part"), run, store, notes)
    query = _followed(config if pairs else None, run, store)
    return replace(session, query=query, run=run, pins=pins, before=before, part=part), notes


def _current(store: Store) -> Session:
    here = HERE.get()
    for run in reversed(store.live_runs()):
        if run.live and here.drives(run.owner):
            return Session(controls_of(run, store) or "", run=run.id)
    return Session()


def controls_of(run: Run, store: Store) -> str | None:
    """The query of what a run trains, as it was changed; None for a model of somebody's own."""
    course = _course(run, store)
    return course[-1].query() if course else None


def _followed(config: RunConfig | None, run_id: str | None, store: Store) -> str:
    """A link's query; that of its run as it was changed since, or where the link names no controls.

    Somebody else may have changed it: that is no choice of who opens the link.
    """
    course = _course(store.run(run_id), store) if run_id else []
    if course and (config is None or config in course):
        return course[-1].query()
    return (config or RunConfig()).query()


def _course(run: Run, store: Store) -> list[RunConfig]:
    return configurations(run, store.commands(run.id)[0])


def _config(pairs: dict[str, str], notes: list[str]) -> RunConfig:
    good: dict[str, Any] = {}
    for key, value in pairs.items():
        try:
            RunConfig.make({**good, key: value})
            good[key] = value
        except InvalidConfig as refusal:
            notes.append(str(refusal))
    return RunConfig.make(good)


def _given(rest: dict[str, str | None]) -> dict[str, str | None]:
    return {key: value for key, value in rest.items() if value is not None}


def _one_of(key: str, value: str | None, allowed: Iterable[str], notes: list[str]) -> str | None:
    """The value where it is allowed, else None; what is not allowed is noted."""
    known = tuple(allowed)
    if value is None or value in known:
        return value
    notes.append(f"{key}={value:.60} can't be used: {key} must be one of {', '.join(known)}.")
    return None


def _counted(key: str, what: str, value: str | None, notes: list[str]) -> int | None:
    if value is None:
        return None
    if value.isdecimal() and len(value) <= 10 and 0 < int(value) <= 10**9:
        return int(value)
    notes.append(f"{key}={value:.60} can't be used: {key} must be the number of a {what}, from 1.")
    return None


def _known(run_id: str | None, store: Store, notes: list[str]) -> str | None:
    if run_id is None:
        return None
    try:
        return store.run(run_id).id
    except StoreError as refusal:
        notes.append(f"{refusal!s:.160} Press Train to make it anew.")
        return None


def _pins(values: list[str], store: Store, notes: list[str]) -> tuple[str, ...]:
    """The runs to compare with, each once."""
    asked = dict.fromkeys(one for value in values for one in value.split(",") if one)
    if len(asked) > MOST_PINS:
        notes.append(f"pins={','.join(asked):.60} can't be used: {MOST_PINS} runs at most.")
    found = (_known(one, store, notes) for one in [*asked][:MOST_PINS])
    return tuple(one for one in found if one)


def _part(value: str | None, run_id: str | None, store: Store, notes: list[str]) -> str:
    """The beginning of some layers' paths."""
    config = store.run(run_id).config if run_id else None
    if not value or config is None or config.lab:
        return ""
    large = groups.level(config, len(config.names), value)
    known = large.part == value if large else any(n.startswith(f"{value}.") for n in config.names)
    if not config.names or known:
        return value
    notes.append(f"part={value:.60} can't be used: {config.label} has no such part.")
    return ""
