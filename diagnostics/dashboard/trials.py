"""Remedies tried while somebody looks at what they are against, each told of when it was tried."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from diagnostics.dashboard.kept import keep
from diagnostics.diagnosis.remedies import SHOWN, Outcome, helpful, offered
from diagnostics.diagnosis.rules import RULES
from diagnostics.runs.logs import log_failure
from diagnostics.runs.runner import Runner
from diagnostics.store.records import Remedy
from diagnostics.subject.config import RunConfig

MOST_KEPT = 256

log = logging.getLogger(__name__)


@dataclass
class _Illness:
    """What is known of the remedies against one rule's diagnosis of a configuration."""

    rule: str
    config: RunConfig
    candidates: tuple[Remedy, ...]
    before: Outcome | None = None
    tried: list[Remedy | None] = field(default_factory=list)
    trying: bool = False
    lost: bool = False

    @property
    def known(self) -> bool:
        """Whether nothing is left to be tried: places are full, or candidates at an end."""
        full = sum(remedy is not None for remedy in self.tried) == SHOWN
        return self.lost or full or len(self.tried) == len(self.candidates)

    def offered(self) -> tuple[Remedy, ...]:
        return offered(self.candidates, self.tried, self.trying)


class Trials:
    """Remedies in their places. One trial goes on at a time: of what was asked for last."""

    def __init__(self, runner: Runner, arrived: Callable[[], None]) -> None:
        self._runner, self._arrived = runner, arrived
        self._illnesses: dict[tuple[str, RunConfig], _Illness] = {}
        self._work: asyncio.Task[None] | None = None

    def remedies(self, rule: str, config: RunConfig) -> tuple[Remedy, ...]:
        """What is offered against a rule's diagnosis by what is known now; the rest is tried."""
        if rule not in RULES or RULES[rule].yardstick is None:
            return ()
        illness = self._illnesses.get((rule, config))
        if illness is None:
            illness = _Illness(rule, config, tuple(RULES[rule].candidates(config)))
        keep(self._illnesses, (rule, config), illness, MOST_KEPT)
        if not illness.known and (self._work is None or self._work.done()):
            self._work = asyncio.ensure_future(self._try_all())
        return illness.offered()

    async def _try_all(self) -> None:
        while illness := self._next():
            try:
                await self._try(illness)
            except Exception as error:  # a worker that dies costs an answer, not the page
                log_failure(log, "a remedy could not be tried", error)
                illness.lost = True
            illness.trying = False
            self._arrived()

    def _next(self) -> _Illness | None:
        """The one asked for last of those of which something isn't known."""
        return next((one for one in reversed(self._illnesses.values()) if not one.known), None)

    async def _try(self, illness: _Illness) -> None:
        """The next candidate; before the first, the configuration as it is."""
        rod = RULES[illness.rule].yardstick
        assert rod is not None
        if illness.before is None:
            illness.before = rod.before or await self._outcome(illness.rule, illness.config)
            return
        remedy = illness.candidates[len(illness.tried)]
        illness.trying = True
        after = await self._outcome(illness.rule, illness.config.changed(**remedy.changes))
        illness.tried.append(helpful(rod, illness.config, illness.before, remedy, after))

    async def _outcome(self, rule: str, config: RunConfig) -> Outcome:
        """In slices, between which the worker takes what came meanwhile."""
        while True:
            found = await asyncio.wrap_future(self._runner.outcome(rule, config))
            if found is not None:
                return found
