"""The feeds of all watched runs, and the frames made of them, once for all who watch the same."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

from diagnostics.dashboard import charts, compared, frames
from diagnostics.dashboard.advice import Advice, Unanswered
from diagnostics.dashboard.complaints import Complaints
from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.frames import Sketch, Whole
from diagnostics.dashboard.learned import compose
from diagnostics.dashboard.portraits import Portraits, taken
from diagnostics.dashboard.session import MOST_PINS
from diagnostics.dashboard.wire import Frame, Learned, State, Unshown, Watch, encode
from diagnostics.runs.runner import Runner
from diagnostics.store.catalogue import Catalogue
from diagnostics.store.records import DeadUnits, Diagnosis
from diagnostics.store.store import NoSuchRun, Store, StoreError
from diagnostics.subject.config import InvalidConfig, RunConfig
from diagnostics.subject.watched import Subject

POLL_SECONDS = 0.015
RECHECK_SECONDS = 0.5
"""A lost run commits nothing: its state is read again so often."""

AT_ONCE_SECONDS = 0.25
"""How long a page waits for its first picture; later ones follow when they are there."""

IDLE_SECONDS = 30.0

DAMAGED = "The store is damaged: {} entries of this run can't be read and are left out."


class Made(NamedTuple):
    """A frame in JSON; ``failed`` where it says that none could be made."""

    body: bytes
    failed: bool = False


class Hub:
    """The feeds of all watched runs, kept fresh while somebody looks."""

    def __init__(self, store: Store, runner: Runner) -> None:
        self._store, self._runner = store, runner
        self.advice = Advice(runner, self._announce)
        self._portraits = Portraits(runner, self._announce)
        self._catalogue = Catalogue(store)
        self._feeds: dict[str, Feed] = {}
        self._used: dict[str, float] = {}
        self.listeners: set[asyncio.Event] = set()
        self._tail: asyncio.Task[None] | None = None
        self._cache: dict[tuple[Any, ...], Made | None] = {}
        self._said: dict[str, str] = {}
        self._complaints = Complaints()
        self.version = 0

    async def frame(self, watch: Watch, with_history: bool) -> Made | None:
        """A frame, made once for all who watch the same; None where there is nothing to show yet.

        What goes wrong becomes a frame that says so, and is tried again when it is asked for again.
        """
        key = (self.version, watch, with_history)
        if key in self._cache:
            return self._cache[key]
        try:
            frame = await self._frame(watch, with_history)
            self._cache[key] = made = Made(encode(frame)) if frame else None
        except Unanswered as told:
            made = Made(encode(frames.undrawn(watch, str(told))), failed=True)
        except Exception as trouble:
            self._complaints.note("a frame could not be made", watch.run, trouble)
            made = Made(encode(frames.undrawn(watch, _sentence(trouble))), failed=True)
        return made

    async def first(self, watch: Watch) -> Frame | None:
        """The whole frame that can be had at once; None where that takes longer."""
        try:
            async with asyncio.timeout(AT_ONCE_SECONDS):
                while True:
                    frame = await self._frame(watch, with_history=True)
                    if frame is not None:
                        return frame if isinstance(frame, Frame) else None
                    await asyncio.sleep(POLL_SECONDS)
        except Exception:  # the frames that follow say what is wrong
            return None

    async def keep(self, run_id: str | None) -> Feed | None:
        """The feed of a run that somebody looks at; None where it can't be read, too."""
        try:
            return await self._feed(run_id)
        except Exception as trouble:
            self._complaints.note("a run could not be read", run_id, trouble)
            return None

    async def _feed(self, run_id: str | None) -> Feed | None:
        """The feed of a run; None where there is no such run."""
        if not run_id:
            return None
        self._used[run_id] = time.monotonic()
        self._runner.look(run_id)
        if run_id not in self._feeds:
            try:
                self._feeds[run_id] = await asyncio.to_thread(Feed, self._store, run_id)
            except NoSuchRun:
                return None
        if self._tail is None or self._tail.done():
            self._tail = asyncio.create_task(self._follow())
        return self._feeds[run_id]

    async def _frame(self, watch: Watch, with_history: bool) -> Frame | Unshown | None:
        """What compose needs is asked for here: it reads nothing by itself."""
        feed = await self._feed(watch.run)
        if feed is None and watch.run:
            return Unshown(watch.run, watch.query, "unknown")
        sketch = self._sketch(feed, watch)
        if sketch is None and feed is None:
            return None
        others = await self._beside(feed, sketch, watch)
        whole = await self._whole(feed, others, sketch, watch) if with_history else None
        frame = frames.compose(feed, others, sketch, watch, whole)
        state = cast(State, feed.run.state) if feed and _waits(feed) else frame.state
        return replace(frame, said=self._say(feed), state=state)

    def _say(self, feed: Feed | None) -> str:
        """What is to be said of a run beside its diagnosis: where it waits, what can't be read."""
        if feed is None:
            return ""
        damaged = DAMAGED.format(feed.damaged) if feed.damaged else ""
        return " ".join(filter(None, (self._runner.said(feed.run.id), damaged)))

    async def _beside(
        self, feed: Feed | None, sketch: Sketch | None, watch: Watch
    ) -> tuple[Feed, ...]:
        """The runs drawn beside what is in sight: first the one before, then those chosen."""
        moved = sketch is not None and feed is not None and not _waits(feed)
        before = watch.run if moved else watch.before
        asked = dict.fromkeys([before, *watch.pins[:MOST_PINS]])
        if sketch is None:
            asked.pop(watch.run, None)
        found = [await self.keep(run_id) for run_id in asked]
        return tuple(one for one in found if one is not None)

    async def learned(self, watch: Watch) -> Learned | None:
        """What the network in sight has learned; None where that is not known yet."""
        try:
            feed = await self._feed(watch.run)
            sketch = self._sketch(feed, watch)
            if sketch:
                shot = self._portraits.of(sketch.config)
            else:
                shot = await asyncio.to_thread(taken, self._store, feed, watch.at)
        except Unanswered:
            return None
        except Exception as trouble:
            self._complaints.note("a picture could not be read", watch.run, trouble)
            return None
        inside = "histogram" in charts.kinds(charts.in_sight(watch.panel))
        return shot and compose(watch, shot, preview=sketch is not None, inside=inside)

    def _sketch(self, feed: Feed | None, watch: Watch) -> Sketch | None:
        """The controls' network at initialization, where they have moved on from the run shown."""
        config = feed.run.config.lab if feed and _waits(feed) else _config(watch.query)
        if config is None or (feed and not _waits(feed) and _keeps(feed, config)):
            return None
        batch = self.advice.profile(config)
        return None if batch is None else Sketch(config, batch)

    async def _whole(
        self, feed: Feed | None, others: Sequence[Feed], sketch: Sketch | None, watch: Watch
    ) -> Whole:
        kinds = charts.kinds(charts.in_sight(watch.panel))
        said = frames.diagnoses(feed, sketch, watch.at)
        subject = sketch.config if sketch else feed.subject(watch.at) if feed else None
        found = [self._advised(one, subject) for one in reversed(said)][::-1]
        dead: Sequence[DeadUnits] = ()
        if "units" in kinds and feed is not None:
            dead = await asyncio.to_thread(self._store.dead_units, feed.run.id)
        shown = [*dict.fromkeys([*([feed] if feed else []), *others])]
        table = (
            await asyncio.to_thread(compared.table, shown, self._catalogue) if watch.pins else None
        )
        return Whole(found, kinds, dead, table)

    def _advised(self, diagnosis: Diagnosis, subject: Subject | None) -> Diagnosis:
        """With what is known of its remedies, where they can be tried.

        What is asked for last is tried first: the gravest.
        """
        config = subject.lab if subject else None
        if config is None:
            return diagnosis
        return replace(diagnosis, remedies=self.advice.remedies(diagnosis.rule, config))

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
            except Exception as trouble:  # one that is locked or gone must not end the page
                self._complaints.note("the store could not be read", None, trouble)
                await asyncio.sleep(1.0)

    async def _refresh(self) -> None:
        live = [feed for feed in self._feeds.values() if feed.run.live or feed.run.state == "lost"]
        news = [await self._refreshed(feed) for feed in live]
        said = {feed.run.id: self._say(feed) for feed in self._feeds.values()}
        before, self._said = self._said, said
        if any(news) or said != before:
            self._announce()

    async def _refreshed(self, feed: Feed) -> bool:
        """Whether there is news of a run; one that can't be read is opened anew, or says so."""
        try:
            return await asyncio.to_thread(feed.refresh)
        except NoSuchRun:  # it was deleted
            self._feeds.pop(feed.run.id, None)
            return True
        except Exception as trouble:
            self._complaints.note("a run could not be read", feed.run.id, trouble)
            self._feeds.pop(feed.run.id, None)
            return True

    def _forget_unused(self) -> bool:
        now = time.monotonic()
        for run_id, used in list(self._used.items()):
            if now - used > IDLE_SECONDS:
                self._used.pop(run_id)
                self._feeds.pop(run_id, None)
        return bool(self._used)


def _config(query: str) -> RunConfig | None:
    """The controls' configuration; None where they are at odds."""
    try:
        return RunConfig.from_query(query)
    except InvalidConfig:
        return None


def _waits(feed: Feed) -> bool:
    """Whether a run of the laboratory has not made a step yet: its network is shown as it is."""
    return feed.run.live and not feed.run.watched and not len(feed.newest)


def _keeps(feed: Feed, config: RunConfig) -> bool:
    """Whether a run stays in sight: while it goes on, and until somebody chooses other controls.

    What was changed while it was going is not another choice.
    """
    return feed.run.live or feed.run.watched or feed.subject() == config


def _sentence(trouble: Exception) -> str:
    """A failure for whoever looks at the page."""
    if isinstance(trouble, StoreError):
        return str(trouble)
    return f"{type(trouble).__name__}: {trouble}. The server's log says where; the page goes on."
