"""What a browser shows, as its link spells it: a configuration, the run, the pin, the view."""

from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from diagnostics.config import InvalidConfig, RunConfig
from diagnostics.store import Store, StoreError

VIEWS = ("signal", "weight")


@dataclass(frozen=True)
class Session:
    """A page's state. ``query`` spells the configuration of the controls."""

    query: str = ""
    run: str | None = None
    pin: str | None = None
    view: str = "signal"
    at: int | None = None

    @classmethod
    def of(cls, data: dict[str, Any] | None) -> "Session":
        """From what the browser keeps."""
        return cls(**{key: value for key, value in (data or {}).items() if key != "link"})

    @property
    def config(self) -> RunConfig:
        """The controls' configuration."""
        return RunConfig.from_query(self.query)

    def data(self) -> dict[str, Any]:
        """For the browser to keep, with its link."""
        return {**asdict(self), "link": self.link()}

    def link(self) -> str:
        """The query that brings this state back."""
        rest = {"run": self.run, "pin": self.pin, "at": self.at}
        if self.view != "signal":
            rest["view"] = self.view
        more = urlencode({key: value for key, value in rest.items() if value is not None})
        return "&".join(part for part in (self.query, more) if part)


def read_link(search: str, store: Store) -> tuple[Session, list[str]]:
    """A link's state, and a sentence for each thing in it that can't be.

    What is wrong is left at its default, what is right is kept. A bare address shows the newest
    run, if it is still going.
    """
    pairs = dict(parse_qsl(search.lstrip("?"), keep_blank_values=True))
    if not pairs:
        return _current(store), []
    notes: list[str] = []
    rest = {key: pairs.pop(key, None) for key in ("run", "pin", "view", "at")}
    config = _config(pairs, notes)
    session = Session(config.query(), view=_view(rest["view"], notes), at=_at(rest["at"], notes))
    run, pin = (_known(rest[key], store, notes) for key in ("run", "pin"))
    return replace(session, run=run, pin=pin), notes


def _current(store: Store) -> Session:
    newest = store.runs(limit=1)
    if newest and newest[0].live:
        return Session(newest[0].config.query(), run=newest[0].id)
    return Session()


def _config(pairs: dict[str, str], notes: list[str]) -> RunConfig:
    good: dict[str, Any] = {}
    for key, value in pairs.items():
        try:
            RunConfig.make({**good, key: value})
            good[key] = value
        except InvalidConfig as refusal:
            notes.append(str(refusal))
    return RunConfig.make(good)


def _view(view: str | None, notes: list[str]) -> str:
    if view in (None, *VIEWS):
        return view or "signal"
    notes.append(f"view={view:.60} can't be used: view must be one of {', '.join(VIEWS)}.")
    return "signal"


def _at(at: str | None, notes: list[str]) -> int | None:
    if at is None:
        return None
    if at.isdecimal() and 0 < int(at) <= 10**9:
        return int(at)
    notes.append(f"at={at:.60} can't be used: at must be the number of a step, from 1.")
    return None


def _known(run_id: str | None, store: Store, notes: list[str]) -> str | None:
    if run_id is None:
        return None
    try:
        return store.run(run_id).id
    except StoreError as refusal:
        notes.append(f"{refusal!s:.160} Press Train to make it anew.")
        return None
