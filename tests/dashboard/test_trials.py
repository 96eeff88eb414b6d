"""Remedies tried while somebody looks: one after the other, what is in sight first."""

import asyncio
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import pytest

from diagnostics.dashboard.trials import Trials
from diagnostics.diagnosis.remedies import SHOWN, Outcome
from diagnostics.runs.runner import Runner
from diagnostics.store.records import Remedy
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from tests.conftest import NoWorkers

SICK = RunConfig()
HELPS = {"relu": Outcome(0.0, True)}
"""By the activation changed to; anything else makes it worse."""


class Worker(Runner):
    """Answers each trial at its second slice."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, NoWorkers())
        self.asked: list[tuple[str, RunConfig]] = []
        self.breaks: Exception | None = None

    def outcome(self, rule: str, config: RunConfig) -> "Future[Outcome | None]":
        first = (rule, config) not in self.asked
        self.asked.append((rule, config))
        found: Future[Outcome | None] = Future()
        if self.breaks:
            found.set_exception(self.breaks)
        else:
            well = HELPS.get(config.activation, Outcome(-99.0, False))
            found.set_result(None if first else well)
        return found


@pytest.fixture
def worker(store: Store) -> Worker:
    return Worker(store)


def test_places_are_kept_while_each_trial_is_told(worker: Worker) -> None:
    seen: list[tuple[Remedy, ...]] = []

    async def look() -> None:
        arrived = asyncio.Event()
        trials = Trials(worker, arrived.set)
        seen.append(trials.remedies("vanishing", SICK))
        while len(seen) < 12:
            await asyncio.wait_for(arrived.wait(), 5)
            arrived.clear()
            seen.append(trials.remedies("vanishing", SICK))
            if all(remedy.trial == "helped" for remedy in seen[-1]):
                return

    asyncio.run(look())
    assert [remedy.place for remedy in seen[0]] == list(range(SHOWN))
    assert {remedy.trial for remedy in seen[0]} == {"untried"}
    assert [remedy.trial for remedy in seen[1]] == ["trying", "untried", "untried"]
    last = seen[-1]
    assert last[0].changes == seen[0][0].changes == {"activation": "relu", "init": "he_normal"}
    assert len(last) < SHOWN or all(remedy.trial == "helped" for remedy in last)
    assert {remedy.changes.get("activation") for remedy in last} == {"relu"}


def test_what_was_asked_for_last_is_tried_first(worker: Worker) -> None:
    other = RunConfig(seed=1)

    async def look() -> None:
        trials = Trials(worker, lambda: None)
        trials.remedies("vanishing", other)
        trials.remedies("vanishing", SICK)
        while len(worker.asked) < 4:
            await asyncio.sleep(0.001)

    asyncio.run(look())
    assert worker.asked[0] == ("vanishing", SICK)


@pytest.mark.parametrize("trouble", [BrokenProcessPool("killed"), RuntimeError("a bug")])
def test_a_worker_that_dies_leaves_remedies_untried(
    worker: Worker, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    worker.breaks = trouble

    async def look() -> tuple[Remedy, ...]:
        arrived = asyncio.Event()
        trials = Trials(worker, arrived.set)
        trials.remedies("vanishing", SICK)
        await asyncio.wait_for(arrived.wait(), 5)
        return trials.remedies("vanishing", SICK)

    found = asyncio.run(look())
    assert [remedy.trial for remedy in found] == ["untried"] * SHOWN
    assert len(worker.asked) == 1
    (line,) = caplog.records
    assert line.getMessage() == f"a remedy could not be tried: {trouble}"
    assert bool(line.exc_info) != isinstance(trouble, BrokenProcessPool)  # a bug is looked for
