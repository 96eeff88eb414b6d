"""The feeds of all runs that somebody looks at, kept fresh meanwhile."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from diagnostics.dashboard.complaints import Complaints
from diagnostics.dashboard.feed import Feed
from diagnostics.runs.runner import Runner
from diagnostics.store.store import NoSuchRun, Store

POLL_SECONDS = 0.015
RECHECK_SECONDS = 0.5
"""A lost run commits nothing: its state is read again so often."""

IDLE_SECONDS = 30.0

LATE_SECONDS = 10.0
"""Without a look at the store, while somebody watches."""

DAMAGED = "The store is damaged: {} entries of this run can't be read and are left out."


class Feeds:
    """What was read of runs.

    Args:
        arrived: told when there is news of any.
    """

    def __init__(
        self,
        store: Store,
        runner: Runner,
        complaints: Complaints,
        arrived: Callable[[], None],
    ) -> None:
        self._store, self._runner = store, runner
        self._complaints, self._arrived = complaints, arrived
        self._feeds: dict[str, Feed] = {}
        self._used: dict[str, float] = {}
        self._said: dict[str, str] = {}
        self._tail: asyncio.Task[None] | None = None
        self._followed = 0.0
        self.versions: Counter[str] = Counter()
        """How often there was news of each run."""

    async def keep(self, run_id: str | None) -> Feed | None:
        """The feed of a run that somebody looks at; None where it can't be read, too."""
        try:
            return await self.get(run_id)
        except Exception as trouble:
            self._complaints.note("a run could not be read", run_id, trouble)
            return None

    async def get(self, run_id: str | None) -> Feed | None:
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
            self._followed = time.monotonic()
            self._tail = asyncio.create_task(self._follow())
        return self._feeds[run_id]

    def ill(self) -> str:
        """Why runs that are watched stand still; empty where they don't, or nobody watches."""
        late = time.monotonic() - self._followed
        if self._tail is None or self._tail.done() or late < LATE_SECONDS:
            return ""
        return f"What browsers are shown has stood still for {late:.0f} s."

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
                self._followed = time.monotonic()
            except Exception as trouble:  # one that is locked or gone must not end the page
                self._complaints.note("the store could not be read", None, trouble)
                await asyncio.sleep(1.0)

    async def _refresh(self) -> None:
        live = [feed for feed in self._feeds.values() if feed.run.live or feed.run.state == "lost"]
        news = {feed.run.id for feed in live if await self._refreshed(feed)}
        said = {feed.run.id: self.said(feed) for feed in self._feeds.values()}
        news |= {run for run, words in said.items() if words != self._said.get(run, "")}
        self._said = said
        if news:
            self.versions.update(news)
            self._arrived()

    def said(self, feed: Feed) -> str:
        """What is to be said of a run beside its diagnosis: where it waits, what can't be read."""
        damaged = DAMAGED.format(feed.damaged) if feed.damaged else ""
        return " ".join(filter(None, (self._runner.said(feed.run.id), damaged)))

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
