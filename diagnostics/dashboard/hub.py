"""The frames of all that is watched, made once for all who watch the same."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import orjson

from diagnostics.dashboard import charts, compared, frames
from diagnostics.dashboard.advice import Advice, Unanswered
from diagnostics.dashboard.classroom import Classroom
from diagnostics.dashboard.complaints import Complaints
from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.feeds import POLL_SECONDS, Feeds
from diagnostics.dashboard.frames import Sketch, Whole
from diagnostics.dashboard.kept import keep
from diagnostics.dashboard.learned import compose
from diagnostics.dashboard.portraits import Portraits, taken
from diagnostics.dashboard.session import MOST_PINS
from diagnostics.dashboard.wire import (
    Frame,
    Learned,
    Message,
    Unshown,
    Watch,
    encode,
    packed,
)
from diagnostics.runs.runner import Runner
from diagnostics.store.catalogue import Catalogue
from diagnostics.store.records import DeadUnits, Diagnosis
from diagnostics.store.store import Store, StoreError
from diagnostics.subject.config import InvalidConfig, RunConfig
from diagnostics.subject.watched import Subject

AT_ONCE_SECONDS = 0.25
"""How long a page waits for its first picture; later ones follow when they are there."""

MOST_KEPT = 64
"""Messages, of some ten thousand bytes each."""

T = TypeVar("T")

Version = tuple[int, ...]
"""It differs where there may be news of what is watched."""


class Due(NamedTuple):
    """What of a frame is sent anew beside its step; a history comes with a verdict."""

    verdict: bool = True
    history: bool = True


class Parcel:
    """A message for many; ``failed`` where its frame says that none could be made."""

    def __init__(self, message: Message, failed: bool = False) -> None:
        self.message, self.failed = message, failed

    @cached_property
    def packed(self) -> bytes:
        """The message, compressed once for all who are sent it."""
        return packed(self.message)


def _framed(frame: Frame | Unshown, failed: bool = False) -> Parcel:
    return Parcel(Message(frame=orjson.Fragment(encode(frame))), failed)


class Hub:
    """Frames of what is watched; whoever listens is told when there may be newer ones."""

    def __init__(self, store: Store, runner: Runner, classroom: Classroom | None = None) -> None:
        self._store = store
        self.classroom = classroom
        self.advice = Advice(runner, self._announce)
        self._portraits = Portraits(runner, self._announce)
        self._catalogue = Catalogue(store)
        self._complaints = Complaints()
        self.feeds = Feeds(store, runner, self._complaints, self.tell)
        self.listeners: set[asyncio.Event] = set()
        self.sent = 0
        """Frames, to all browsers."""
        self._answers = 0
        self._making: dict[tuple[Any, ...], asyncio.Task[Any]] = {}

    def version(self, watch: Watch) -> Version:
        """Another one once there may be news of what is watched: others' runs are none."""
        runs = (watch.run, watch.before, *watch.pins[:MOST_PINS])
        return (self._answers, *(self.feeds.versions[run] for run in runs if run))

    async def frame(self, watch: Watch, due: Due) -> Parcel | None:
        """A frame, made once for all who watch the same; None where there is nothing to show yet.

        What goes wrong becomes a frame that says so, and is tried again when it is asked for again.
        """
        return await self._once(self._made, watch, due)

    async def learned(self, watch: Watch) -> Learned | None:
        """What the network in sight has learned, once for all; None where that is not known yet."""
        return await self._once(self._learned, watch)

    async def _once(self, make: Callable[..., Awaitable[T]], watch: Watch, *told: Any) -> T:
        """What is made already, or just now, for somebody else; failures are made anew."""
        key = (make, self.version(watch), watch, *told)
        if key not in self._making:
            keep(self._making, key, asyncio.ensure_future(make(watch, *told)), MOST_KEPT)
        made: T = await asyncio.shield(self._making[key])  # whoever leaves ends it for nobody else
        if isinstance(made, Parcel) and made.failed:
            self._making.pop(key, None)
        return made

    async def _made(self, watch: Watch, due: Due) -> Parcel | None:
        try:
            frame = await self._frame(watch, due)
            return _framed(frame) if frame else None
        except Unanswered as told:
            return _framed(frames.undrawn(watch, str(told)), failed=True)
        except Exception as trouble:
            self._complaints.note("a frame could not be made", watch.run, trouble)
            return _framed(frames.undrawn(watch, _sentence(trouble)), failed=True)

    async def first(self, watch: Watch) -> Frame | None:
        """The whole frame that can be had at once; None where that takes longer."""
        try:
            async with asyncio.timeout(AT_ONCE_SECONDS):
                while True:
                    frame = await self._frame(watch, Due())
                    if frame is not None:
                        return frame if isinstance(frame, Frame) else None
                    await asyncio.sleep(POLL_SECONDS)
        except Exception:  # the frames that follow say what is wrong
            return None

    async def _frame(self, watch: Watch, due: Due) -> Frame | Unshown | None:
        """What compose needs is asked for here: it reads nothing by itself."""
        feed = await self.feeds.get(watch.run)
        if feed is None and watch.run:
            return Unshown(watch.run, watch.query, "unknown")
        sketch = self._sketch(feed, watch)
        if sketch is None and feed is None:
            return None
        others = await self._beside(feed, sketch, watch)
        told = self._told(feed, sketch, watch) if due.verdict or due.history else None
        whole = await self._whole(feed, others, watch) if due.history else None
        frame = frames.compose(feed, others, sketch, watch, told, whole)
        state = feed.run.state if feed and _waits(feed) else frame.state
        return replace(frame, said=self.feeds.said(feed) if feed else "", state=state)

    async def _beside(
        self, feed: Feed | None, sketch: Sketch | None, watch: Watch
    ) -> tuple[Feed, ...]:
        """The runs drawn beside what is in sight: first the one before, then those chosen."""
        moved = sketch is not None and feed is not None and not _waits(feed)
        before = watch.run if moved else watch.before
        asked = dict.fromkeys([before, *watch.pins[:MOST_PINS]])
        if sketch is None:
            asked.pop(watch.run, None)
        found = [await self.feeds.keep(run_id) for run_id in asked]
        return tuple(one for one in found if one is not None)

    async def _learned(self, watch: Watch) -> Learned | None:
        try:
            feed = await self.feeds.get(watch.run)
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

    def _told(self, feed: Feed | None, sketch: Sketch | None, watch: Watch) -> Sequence[Diagnosis]:
        said = frames.diagnoses(feed, sketch, watch.at)
        subject = sketch.config if sketch else feed.subject(watch.at) if feed else None
        return [self._advised(one, subject) for one in reversed(said)][::-1]

    async def _whole(self, feed: Feed | None, others: Sequence[Feed], watch: Watch) -> Whole:
        kinds = charts.kinds(charts.in_sight(watch.panel))
        dead: Sequence[DeadUnits] = ()
        if "units" in kinds and feed is not None:
            dead = await asyncio.to_thread(self._store.dead_units, feed.run.id)
        shown = [*dict.fromkeys([*([feed] if feed else []), *others])]
        table = (
            await asyncio.to_thread(compared.table, shown, self._catalogue) if watch.pins else None
        )
        return Whole(kinds, dead, table)

    def _advised(self, diagnosis: Diagnosis, subject: Subject | None) -> Diagnosis:
        """With what is known of its remedies, where they can be tried.

        What is asked for last is tried first: the gravest.
        """
        config = subject.lab if subject else None
        if config is None:
            return diagnosis
        return replace(diagnosis, remedies=self.advice.remedies(diagnosis.rule, config))

    def _announce(self) -> None:
        """An answer has come that any frame may have waited for."""
        self._answers += 1
        self.tell()

    def tell(self) -> None:
        """Whoever listens looks whether there is news for it."""
        for listener in self.listeners:
            listener.set()


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
