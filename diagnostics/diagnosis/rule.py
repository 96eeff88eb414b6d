"""What a rule is: its words, its threshold in a test, and what helps."""

from collections.abc import Callable
from dataclasses import dataclass

from diagnostics.diagnosis.case import Case, Finding, since
from diagnostics.diagnosis.remedies import SHOWN, Changes, Yardstick, changed
from diagnostics.store.records import Diagnosis, Remedy, Severity, Tone
from diagnostics.subject.watched import Subject

Advice = tuple[str, str]
"""What to look at, and what to do there."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule.

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

    def candidates(self, subject: Subject) -> tuple[Remedy, ...]:
        """The changes worth trying; for a model that is not the lab's, advice without changes."""
        if subject.lab is None:
            return tuple(Remedy(label, {}, words) for label, words in self.advice)
        return changed(subject.lab, self.remedies)

    def diagnosis(self, case: Case, finding: Finding) -> Diagnosis:
        """What was found, in words."""
        return Diagnosis(
            self.key,
            self.severity,
            self.title,
            finding.sentence,
            finding.layers,
            since(case.batch, finding.ill) if finding.since is None else finding.since,
            finding.evidence,
            self.candidates(case.subject)[:SHOWN],
            finding.chart or self.chart,
            self.tone,
        )
