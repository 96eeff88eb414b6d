"""What a worker is asked while somebody looks: profiles of new choices, and remedies tried out."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from diagnostics.dashboard.kept import keep
from diagnostics.dashboard.trials import Trials
from diagnostics.runs.logs import log_failure
from diagnostics.runs.runner import Runner
from diagnostics.store import beforehand
from diagnostics.store.records import StepBatch
from diagnostics.subject.config import RunConfig

MOST_KEPT = 256

log = logging.getLogger(__name__)


class Unanswered(Exception):
    """What was asked for can't be had; the message is for whoever asked."""


class Advice:
    """Answers that come later: asked for once, kept, and told of when they arrive."""

    def __init__(self, runner: Runner, arrived: Callable[[], None]) -> None:
        self._runner, self._arrived = runner, arrived
        self._profiles: dict[RunConfig, StepBatch | Unanswered | None] = {
            RunConfig(): beforehand.default()
        }
        self._tasks: set[asyncio.Task[None]] = set()
        self.remedies = Trials(runner, arrived).remedies

    def profile(self, config: RunConfig) -> StepBatch | None:
        """A network at initialization; None until it is measured.

        Raises ``Unanswered`` where that failed.
        """
        if config not in self._profiles:
            keep(self._profiles, config, None, MOST_KEPT)
            self._start(self._measure(config))
        found = self._profiles[config]
        if isinstance(found, Unanswered):
            raise found.with_traceback(None)
        return found

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

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    """A worker that dies costs an answer, not the page."""
    try:
        await work
    except Exception as error:
        log_failure(log, "a worker could not answer", error)
