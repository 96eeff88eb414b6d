"""The presenter's wall: students' runs in small, ``GET /wall``."""

import asyncio
from datetime import UTC, datetime, timedelta

import numpy as np
from fastapi import FastAPI, Response

from diagnostics.dashboard import frames
from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.hub import Hub
from diagnostics.dashboard.posted import in_json, refusal
from diagnostics.dashboard.titles import title
from diagnostics.dashboard.visitors import HERE
from diagnostics.dashboard.wire import Tile, Wall
from diagnostics.diagnosis.way import decades
from diagnostics.store.catalogue import Catalogue
from diagnostics.store.store import Run

MOST = 60
"""Runs that have room."""

LOOKED_AT = 400
"""The newest of the store, among which a class' are."""

LESSON = timedelta(hours=3)
"""Runs that are over stay so long."""


async def wall(hub: Hub, catalogue: Catalogue) -> Wall:
    """Others' runs that go on, and each student's newest."""
    found = await asyncio.to_thread(_chosen, catalogue)
    shown = found[-MOST:]
    feeds = [await hub.feeds.keep(run.id) for run in shown]
    tiles = await asyncio.to_thread(_tiles, [feed for feed in feeds if feed], catalogue)
    following = len(hub.classroom.followers) if hub.classroom else 0
    return Wall(tiles, following, len(found) - len(shown))


def _chosen(catalogue: Catalogue) -> list[Run]:
    """Oldest first, so that a run keeps its place."""
    since, presenter = datetime.now(UTC) - LESSON, HERE.get().mark
    newest: dict[str, str] = {}
    chosen = []
    for run in catalogue.page(LOOKED_AT):
        if run.watched or run.owner in ("", presenter) or run.created < since:
            continue
        if newest.setdefault(run.owner, run.id) == run.id or run.live:
            chosen.append(run)
    return chosen[::-1]


def _tiles(feeds: list[Feed], catalogue: Catalogue) -> tuple[Tile, ...]:
    return tuple(_tile(feed, catalogue) for feed in feeds)


def _tile(feed: Feed, catalogue: Catalogue) -> Tile:
    run, now = feed.run, feed.at(None)
    told = frames.diagnoses(feed, None) if len(now) else ()
    apart = decades(now.metric("signal_grad_norm"))
    return Tile(
        run=run.id,
        number=run.number,
        title=title(run),
        state=run.state,
        step=int(feed.newest.steps[-1]) if len(feed.newest) else 0,
        tone=told[0].tone if told else None,
        verdict=told[0].title if told else "",
        decades=apart[0] if len(apart) else np.empty(0),
        loss=catalogue.outline(run).loss,
    )


def add_wall_route(server: FastAPI, hub: Hub, catalogue: Catalogue) -> None:
    """Mount ``GET /wall``, which is the presenter's."""

    async def shown() -> Response:
        if not HERE.get().host:
            return refusal("The wall is the presenter's.", 403)
        found = await wall(hub, catalogue)
        return in_json(found)

    server.add_api_route("/wall", shown)
