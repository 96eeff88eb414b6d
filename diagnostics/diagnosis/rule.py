"""What a rule is: its words, its threshold in a test, and what helps."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np

from diagnostics.diagnosis.case import Case, Finding, expected, since
from diagnostics.diagnosis.remedies import SHOWN, TRAVEL, Changes, Yardstick, changed, offered
from diagnostics.store.records import Diagnosis, Remedy, Severity, Tone
from diagnostics.subject.config import RunConfig
from diagnostics.subject.watched import Subject

Advice = tuple[str, str]
"""What to look at, and what to do there."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Rule:
    """A rule; there is one of each.

    Attributes:
        key, title: what it is called in programs and on the page.
        severity: how grave what it finds is.
        help: when it speaks.
        find: its test; None where there is nothing to say.
        chart: the chart that shows it, a key of the dashboard's table.
        tone: its colour.
        silences: rules that say the same in other words, and are left out beside this one.
        yardstick: what remedies are judged by; None where nothing needs a remedy.
        remedies: changes of a configuration worth trying, likeliest first.
        advice: what to do about a model that is not ours to change.
    """

    key: str
    title: str
    severity: Severity
    help: str
    find: Callable[[Case], Finding | None]
    chart: str = "lead"
    tone: Tone = "lost"
    silences: tuple[str, ...] = ()
    yardstick: Yardstick | None = None
    remedies: tuple[Changes, ...] = ()
    advice: tuple[Advice, ...] = ()

    def candidates(self, subject: Subject) -> Iterator[Remedy]:
        """The changes worth trying, one by one: each may have to be predicted.

        For a model that is not the lab's it is advice without changes.
        """
        if subject.lab is None:
            yield from (Remedy(label, {}, words) for label, words in self.advice)
        else:
            for remedy in changed(subject.lab, self.remedies):
                clips = "clip" in remedy.changes
                if clips or not self._hopeless(subject.lab.changed(**remedy.changes)):
                    yield remedy

    def spares(self, case: Case) -> bool:
        """Whether there is nothing to say, nor of the opposite where a gradient travels."""
        with np.errstate(all="ignore"):
            turned = self.yardstick is TRAVEL and abs(case.travel[-1]) >= case.limit
            return not turned and self.find(case) is None

    def _hopeless(self, config: RunConfig) -> bool:
        """Whether theory predicts the same illness, or the opposite one, for a network."""
        case = expected(config) if self.yardstick is TRAVEL else None
        return case is not None and not self.spares(case)

    def diagnosis(self, case: Case, finding: Finding) -> Diagnosis:
        """What was found, in words."""
        lab = case.subject.lab
        return Diagnosis(
            self.key,
            finding.severity or self.severity,
            self.title,
            finding.sentence,
            finding.layers,
            since(case.batch, finding.ill) if finding.since is None else finding.since,
            finding.evidence,
            _untried(self, lab) if lab else _first(self.candidates(case.subject)),
            finding.chart or self.chart,
            self.tone,
        )


@lru_cache(maxsize=256)
def _untried(rule: Rule, config: RunConfig) -> tuple[Remedy, ...]:
    """What is offered first: the same at every step of a run."""
    return _first(rule.candidates(config))


def _first(candidates: Iterator[Remedy]) -> tuple[Remedy, ...]:
    return offered(tuple(islice(candidates, SHOWN)), ())
