"""What rules say of a training at every moment, and whether that was right."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.corpus.record import WELL, Entry, Record
from diagnostics.diagnosis.rules import diagnose
from diagnostics.store.records import Diagnosis, StepBatch

EVERY = 25
"""Steps between two moments."""

EARLY = (1, 10)

SHOWN, RECENT, SELDOM = 200, 200, 7
"""A page shows so many steps of a whole run; a loop's own alerts see so many of the newest; a
budget of 3% measures about every seventh."""


@dataclass(frozen=True)
class Moment:
    """What was said at a step: before training at 0, at a run's end at the last."""

    step: int
    said: tuple[Diagnosis, ...]


@dataclass(frozen=True)
class Verdict:
    """All that was ever said of a training, and what came of it."""

    name: str
    truth: tuple[str, ...]
    held_out: bool
    score: float
    good: float
    diverged: bool
    moments: tuple[Moment, ...]

    @property
    def healthy(self) -> bool:
        """It learned, and nothing was done to it."""
        return self.truth in ((), (WELL,)) and self.score >= self.good

    @property
    def broken(self) -> bool:
        """It was broken on purpose, and shows it."""
        if not self.truth or self.truth == (WELL,) or self.truth == ("diverged",):
            return self.diverged and self.truth == ("diverged",)
        return self.score < self.good or self.name.startswith("lab")

    @property
    def stuck(self) -> bool:
        """It did not learn, whatever the reason: something should be said."""
        return self.truth == () and self.score < self.good / 4

    @property
    def ill(self) -> set[str]:
        """Rules by which it was ever called ill."""
        return {d.rule for m in self.moments for d in m.said if d.severity == "ill"}

    @property
    def remarked(self) -> set[str]:
        """Rules by which anything was ever said of it."""
        return {d.rule for m in self.moments for d in m.said if d.severity != "fine"}

    @property
    def named(self) -> bool:
        """Whether a rule that is right about it ever spoke."""
        return bool(self.remarked & set(self.truth))

    @property
    def counts_for(self) -> str:
        """The rule that it is a case of: of several that are right the one that spoke first."""
        said = [d.rule for m in self.moments for d in m.said if d.rule in self.truth]
        return said[0] if said else (*self.truth, "")[0]

    @property
    def fickle(self) -> set[str]:
        """Rules by which it was called ill for less than a hundred steps, and then well."""
        found = set()
        for rule in self.ill:
            steps = [m.step for m in self.moments if _ill(m, rule)]
            later = [m.step for m in self.moments if m.step > steps[-1]]
            if later and steps[-1] - steps[0] < 100 and steps[-1] > 0:
                found.add(rule)
        return found


def _ill(moment: Moment, rule: str) -> bool:
    return any(d.rule == rule and d.severity == "ill" for d in moment.said)


def judged(entry: Entry, record: Record) -> Verdict:
    """Judge a training at all moments, as the page, a loop's alerts and a sparse run see it."""
    return Verdict(
        entry.name, entry.truth, entry.held_out, record.score, entry.good,
        record.patient is not None, tuple(_moments(record)),
    )  # fmt: skip


def _moments(record: Record) -> Iterator[Moment]:
    if record.start is not None:
        yield Moment(0, diagnose(record.subject, record.start))
    count = len(record.batch)
    for end in sorted({*EARLY, *range(EVERY, count + 1, EVERY), count}):
        for seen in _views(record.batch[:end]):
            if len(seen):
                yield Moment(int(seen.steps[-1]), diagnose(record.subject, seen))
    if record.patient is not None:
        yield Moment(record.patient.step, diagnose(record.subject, record.batch, record.patient))


def _views(batch: StepBatch) -> Iterator[StepBatch]:
    if len(batch) > SHOWN:
        yield batch[-RECENT:]
    yield batch[::SELDOM]
    yield _spread(batch)


def _spread(batch: StepBatch) -> StepBatch:
    """As the page thins a run."""
    if len(batch) <= SHOWN:
        return batch
    rows = np.linspace(0, len(batch) - 1, SHOWN).round().astype(int)
    return batch[rows]
