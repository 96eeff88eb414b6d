"""What a worker is asked while somebody looks: profiles of new choices, and remedies tried out."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from diagnostics.diagnosis.remedies import SHOWN, Yardstick, ranked
from diagnostics.diagnosis.rules import RULES
from diagnostics.runs.runner import Runner
from diagnostics.store.records import Remedy, StepBatch
from diagnostics.subject.config import RunConfig

MOST_KEPT = 256

log = logging.getLogger(__name__)


class Unanswered(Exception):
    """What was asked for can't be had; the message is for whoever asked."""


class Advice:
    """Answers that come later: asked for once, kept, and told of when they arrive."""

    def __init__(self, runner: Runner, arrived: Callable[[], None]) -> None:
        self._runner, self._arrived = runner, arrived
        self._profiles: dict[RunConfig, StepBatch | Unanswered | None] = {}
        self._remedies: dict[tuple[str, RunConfig], tuple[Remedy, ...] | None] = {}
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def profile(self, config: RunConfig) -> StepBatch | None:
        """A network at initialization; None until it is measured.

        Raises ``Unanswered`` where that failed.
        """
        if config not in self._profiles:
            _make_room(self._profiles)
            self._profiles[config] = None
            self._start(self._measure(config))
        found = self._profiles[config]
        if isinstance(found, Unanswered):
            raise found.with_traceback(None)
        return found

    def remedies(self, rule: str, config: RunConfig) -> tuple[Remedy, ...] | None:
        """The remedies that helped when tried, best first; None until they have been tried."""
        key = (rule, config)
        if rule not in RULES or RULES[rule].yardstick is None:
            return ()
        if key not in self._remedies:
            _make_room(self._remedies)
            self._remedies[key] = None
            self._start(self._try(rule, config))
        return self._remedies[key]

    async def _measure(self, config: RunConfig) -> None:
        try:
            measured = await asyncio.wrap_future(self._runner.profile(config))
            self._profiles[config] = measured
        except Exception as trouble:
            words = f"This network could not be measured: {type(trouble).__name__}: {trouble}"
            self._profiles[config] = Unanswered(words)
            raise
        finally:
            self._arrived()

    async def _try(self, rule: str, config: RunConfig) -> None:
        """One trial after the other, so that a profile asked for meanwhile waits for one only."""
        rod = RULES[rule].yardstick
        assert rod is not None
        async with self._one_at_a_time:
            before = await self._outcome(config, rod) if rod.before is None else rod.before
            tried = [
                (remedy, await self._outcome(config.changed(**remedy.changes), rod))
                for remedy in RULES[rule].candidates(config)
            ]
        self._remedies[rule, config] = ranked(rod, config, before, tried)[:SHOWN]
        self._arrived()

    async def _outcome(self, config: RunConfig, rod: Yardstick) -> float:
        return await asyncio.wrap_future(self._runner.outcome(config, rod))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    """A worker that dies costs an answer, not the page."""
    try:
        await work
    except Exception:
        log.exception("a worker could not answer")


def _make_room(kept: dict[Any, Any]) -> None:
    while len(kept) >= MOST_KEPT:
        kept.pop(next(iter(kept)))
