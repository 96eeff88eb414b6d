"""Pictures of networks: of runs, and before training, once one was looked at for a moment."""

import asyncio
import logging
from collections.abc import Callable

from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.kept import keep
from diagnostics.dashboard.learned import Shot
from diagnostics.runs.logs import log_failure
from diagnostics.runs.runner import Runner
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig

SETTLED_SECONDS = 0.3
"""While controls are moved, profiles are waited for: no picture stands in their way."""

MOST_KEPT = 32

log = logging.getLogger(__name__)


class Portraits:
    """Asked for once, kept, and told of when they arrive.

    Args:
        arrived: told when there is a new one.
    """

    def __init__(self, runner: Runner, arrived: Callable[[], None]) -> None:
        self._runner, self._arrived = runner, arrived
        self._kept: dict[RunConfig, Shot] = {}
        self._wanted: RunConfig | None = None
        self._task: asyncio.Task[None] | None = None

    def of(self, config: RunConfig) -> Shot | None:
        """A network's at initialization; None until it was taken."""
        if config not in self._kept:
            self._wanted = config
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._take_wanted())
        return self._kept.get(config)

    async def _take_wanted(self) -> None:
        """Take the one that was asked for last, until nobody asks for another."""
        while (config := self._wanted) is not None:
            await asyncio.sleep(SETTLED_SECONDS)
            if config != self._wanted:
                continue
            self._wanted = None
            await self._take(config)

    async def _take(self, config: RunConfig) -> None:
        """One that can't be taken is as good as none, and is not tried again."""
        shot = Shot()
        try:
            ground, picture = await asyncio.wrap_future(self._runner.portrait(config))
            shot = Shot(config, ground, picture)
        except Exception as error:
            log_failure(log, "a network could not be pictured", error)
        keep(self._kept, config, shot, MOST_KEPT)
        self._arrived()


def taken(store: Store, feed: Feed | None, at: int | None) -> Shot | None:
    """What a run had learned at a step; None where that is not known yet."""
    if feed is None:
        return None
    run, seen = feed.run, feed.at(at)
    if run.watched or not len(seen):
        return None if run.live and not run.watched else Shot()
    picture = store.snapshot(run.id, int(seen.steps[0]))
    if picture is None:
        return None if run.live and run.probe else Shot()
    accuracy = float(seen.scalar("heldout_accuracy")[0])
    return Shot(run.config.lab, store.ground(run.id), picture, accuracy)
