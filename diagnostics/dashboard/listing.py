"""The list of runs: ``GET /runs``."""

import asyncio
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated, NamedTuple

from fastapi import FastAPI, Query, Response

from diagnostics.dashboard.posted import in_json
from diagnostics.dashboard.titles import title
from diagnostics.dashboard.visitors import HERE
from diagnostics.dashboard.wire import Listed, Runs
from diagnostics.store.catalogue import Catalogue
from diagnostics.store.store import Run, StoreError

MOST = 200
"""Runs in one answer."""

SHORTEST = 4
"""Characters of an id that find a run: fewer stand at the beginning of many by chance."""

RECENT = 20
"""Runs among which one to watch is looked for."""

DOES = {"running": "is training", "paused": "is paused", "queued": "waits for its turn"}
"""What a run that goes on does."""


class Offer(NamedTuple):
    """Somebody else's run that can be watched, and what it does."""

    run: str
    title: str
    does: str


def add_runs_route(server: FastAPI, catalogue: Catalogue) -> None:
    """Mount ``GET /runs``: the newest, those before a number, those that words are found in."""

    async def runs(
        search: Annotated[str, Query(max_length=200)] = "",
        before: Annotated[int | None, Query(ge=0, le=2**53)] = None,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 30,
    ) -> Response:
        found = await asyncio.to_thread(listed, catalogue, search, before, limit)
        return in_json(found)

    server.add_api_route("/runs", runs)


def listed(catalogue: Catalogue, search: str, before: int | None, limit: int) -> Runs:
    """Some of the runs, newest first."""
    with suppress(StoreError):  # a store that can't be written can be read
        catalogue.purge()
    words = search.casefold().split()
    found = catalogue.page(limit + 1, before, (lambda run: _says(run, words)) if words else None)
    return Runs(tuple(_one(run, catalogue) for run in found[:limit]), len(found) > limit)


def offer(catalogue: Catalogue) -> Offer | None:
    """The newest run that goes on, for who has none of his own in sight."""
    for run in catalogue.page(RECENT):
        if run.state in DOES:
            return Offer(run.id, title(run), DOES[run.state])
    return None


def _says(run: Run, words: list[str]) -> bool:
    """Whether all words are found in what is known of a run: title, note, settings, state."""
    told = (f"#{run.number}", title(run), run.note, run.state, *run.config.words())
    text = " ".join((*told, run.config.label)).casefold()
    return all(word in text or _begins(run.id, word) for word in words)


def _begins(run_id: str, word: str) -> bool:
    return len(word) >= SHORTEST and run_id.startswith(word)


def _one(run: Run, catalogue: Catalogue) -> Listed:
    return Listed(
        id=run.id,
        number=run.number,
        title=title(run),
        name=run.name,
        note=run.note,
        state=run.state,
        steps=run.steps,
        created=run.created.timestamp(),
        live=run.live,
        watched=run.watched,
        yours=HERE.get().decides(run.owner),
        **asdict(catalogue.outline(run)),
    )
