"""The feeds of all watched runs, and the frames made of them, once for all who watch the same."""

import asyncio
import logging
import time
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np
import orjson
from pydantic import BaseModel, ConfigDict

from diagnostics.dashboard import frames
from diagnostics.dashboard.advice import Advice
from diagnostics.dashboard.frames import LEADS, Feed
from diagnostics.diagnosis.rules import diagnose, explained
from diagnostics.runs.runner import Runner
from diagnostics.store.records import Diagnosis, StepBatch
from diagnostics.store.store import Run, Store, StoreError
from diagnostics.subject.config import InvalidConfig, RunConfig
from diagnostics.subject.watched import Subject

POLL_SECONDS = 0.015
RECHECK_SECONDS = 0.5
"""A lost run commits nothing: its state is read again so often."""

IDLE_SECONDS = 30.0

log = logging.getLogger(__name__)


class Watch(BaseModel):
    """What a browser wants to see."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    run: str | None = None
    pin: str | None = None
    view: str = "signal"
    at: int | None = None
    query: str = ""
    panel: str = "run"
    layer: int = 1
    visible: bool = True

    @property
    def lead(self) -> str:
        """The metric of the leading chart."""
        return LEADS.get(self.view, LEADS["signal"])

    @property
    def config(self) -> RunConfig | None:
        """The controls' configuration; None where they are at odds."""
        try:
            return RunConfig.from_query(self.query)
        except InvalidConfig:
            return None


class Sketch(NamedTuple):
    """A configuration measured at initialization."""

    config: RunConfig
    batch: StepBatch


class Hub:
    """The feeds of all watched runs, kept fresh while somebody looks."""

    def __init__(self, store: Store, runner: Runner) -> None:
        self._store = store
        self.advice = Advice(runner, self._announce)
        self._feeds: dict[str, Feed] = {}
        self._used: dict[str, float] = {}
        self.listeners: set[asyncio.Event] = set()
        self._tail: asyncio.Task[None] | None = None
        self._cache: dict[tuple[Any, ...], bytes] = {}
        self.version = 0

    async def feed(self, run_id: str | None) -> Feed | None:
        """The feed of a run; None where there is no such run."""
        if not run_id:
            return None
        self._used[run_id] = time.monotonic()
        if run_id not in self._feeds:
            try:
                self._feeds[run_id] = await asyncio.to_thread(Feed, self._store, run_id)
            except StoreError:
                return None
        if self._tail is None or self._tail.done():
            self._tail = asyncio.create_task(self._follow())
        return self._feeds[run_id]

    async def frame(self, watch: Watch, with_history: bool) -> bytes | None:
        """A frame in JSON, made once for all who watch the same; None for an unknown run."""
        feed = await self.feed(watch.run)
        if feed is None and watch.run:
            return encode({"run": watch.run, "state": "unknown"})
        key = (self.version, watch, with_history)
        if key not in self._cache:
            composed = await self._compose(feed, watch, with_history)
            self._cache[key] = encode(composed) if composed else b""
        return self._cache[key] or None

    async def _compose(
        self, feed: Feed | None, watch: Watch, with_history: bool
    ) -> dict[str, Any] | None:
        sketch = self._sketch(feed, watch)
        if sketch is None and feed is None:
            return None
        pinned = await self.feed(watch.pin)
        frame = preview(sketch, feed or pinned, watch) if sketch else running(feed, pinned, watch)
        if with_history:
            if feed is not None:
                frame["history"] = await self._history(feed, pinned, watch)
            frame["verdict"] = self._verdict(sketch, feed)
        return frame

    def _sketch(self, feed: Feed | None, watch: Watch) -> Sketch | None:
        """The controls' network at initialization, where they have moved on from the run shown."""
        config = watch.config
        if config is None or (feed and _keeps(feed.run, config)):
            return None
        batch = self.advice.profile(config)
        return None if batch is None else Sketch(config, batch)

    def _verdict(self, sketch: Sketch | None, feed: Feed | None) -> list[dict[str, Any]]:
        config: Subject
        if sketch is not None:
            config, found = sketch.config, diagnose(sketch.config, sketch.batch)
        else:
            assert feed is not None
            run, config = feed.run, feed.run.config
            found = diagnose(config, frames.recent(feed), run.patient_zero)
        return [
            {**asdict(self._advised(diagnosis, config)), "help": explained(diagnosis.rule)}
            for diagnosis in found
        ]

    def _advised(self, diagnosis: Diagnosis, config: Subject) -> Diagnosis:
        if config.lab is None:
            return diagnosis
        tried = self.advice.remedies(diagnosis.rule, config.lab)
        return diagnosis if tried is None else replace(diagnosis, remedies=tried)

    async def _history(self, feed: Feed, pinned: Feed | None, watch: Watch) -> dict[str, Any]:
        found = frames.history(feed, watch.lead)
        if pinned is not None:
            found["pinned"] = frames.series(pinned)
        if watch.panel == "clipping":
            found["clipping"] = frames.clipping(feed)
        if watch.panel == "units":
            dead = await asyncio.to_thread(self._store.dead_units, feed.run.id)
            found["lives"] = frames.lives(dead, watch.layer)
        return found

    def _announce(self) -> None:
        """Something new: frames made before are old."""
        self.version += 1
        self._cache.clear()
        for listener in self.listeners:
            listener.set()

    async def _follow(self) -> None:
        """Tail the store while somebody watches."""
        seen, checked = -1, 0.0
        while self._forget_unused():
            live = any(feed.run.live for feed in self._feeds.values())
            await asyncio.sleep(POLL_SECONDS if live else RECHECK_SECONDS / 2)
            try:
                version = await asyncio.to_thread(self._store.version)
                if version != seen or time.monotonic() - checked > RECHECK_SECONDS:
                    seen, checked = version, time.monotonic()
                    await self._refresh()
            except Exception:  # a store that is locked or gone for a while must not end the page
                log.exception("reading the store failed")
                await asyncio.sleep(1.0)

    async def _refresh(self) -> None:
        live = [feed for feed in self._feeds.values() if feed.run.live or feed.run.state == "lost"]
        news = [await asyncio.to_thread(feed.refresh) for feed in live]
        if any(news):
            self._announce()

    def _forget_unused(self) -> bool:
        now = time.monotonic()
        for run_id, used in list(self._used.items()):
            if now - used > IDLE_SECONDS:
                self._used.pop(run_id)
                self._feeds.pop(run_id, None)
        return bool(self._used)


def _keeps(run: Run, config: RunConfig) -> bool:
    """Whether a run stays in sight: while it goes on, and until other controls are chosen."""
    return run.live or run.watched or run.config == config


def running(feed: Feed | None, pinned: Feed | None, watch: Watch) -> dict[str, Any]:
    """A run's layers beside the pinned run's at the same step."""
    assert feed is not None
    batch = feed.at(watch.at)
    now = frames.layers(batch, watch.lead)
    frame: dict[str, Any] = {
        **frames.about(feed.run),
        "view": watch.view,
        "newest": int(feed.newest.steps[-1]) if len(feed.newest) else 0,
        "now": now,
        "away": frames.away(feed.run.config, batch),
    }
    if feed.run.watched and len(feed.newest):
        frame["cost"] = frames.cost(feed)
    if pinned is not None:
        frame |= _behind(pinned, watch, now["step"] if now else None)
    return frame


def preview(sketch: Sketch, behind: Feed | None, watch: Watch) -> dict[str, Any]:
    """A network that is not trained yet, with the run it would replace behind it."""
    frame: dict[str, Any] = {
        **frames.shape(sketch.config),
        "run": watch.run,
        "query": watch.query,
        "state": "preview",
        "error": None,
        "view": watch.view,
        "newest": 0,
        "now": frames.layers(sketch.batch, watch.lead),
        "away": False,
    }
    if behind is not None:
        frame |= _behind(behind, watch, watch.at)
    return frame


def _behind(feed: Feed, watch: Watch, step: int | None) -> dict[str, Any]:
    layers = frames.layers(feed.at(step), watch.lead)
    return {"pinned": layers, "pinned_label": frames.title(feed.run)}


def encode(frame: dict[str, Any]) -> bytes:
    """NaN and infinities become null; ``marks`` tells them apart from what was not measured."""
    return orjson.dumps(frame, option=orjson.OPT_SERIALIZE_NUMPY, default=np.ndarray.tolist)
