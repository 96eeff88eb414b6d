"""Rules applied while a run goes on, for those who want to be told."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from difflib import get_close_matches

from diagnostics.diagnosis.rules import RULES, diagnose
from diagnostics.store.records import Diagnosis, PatientZero, Step, StepBatch
from diagnostics.subject.watched import Stopped, Unwatchable, WatchedModel

RECENT = 200
"""Measured steps that rules are shown."""

JUDGE_SECONDS = 2.0


class Alerts:
    """Keeps the last measured steps, and tells of what rules find in them.

    Args:
        on_alert: called with each new diagnosis of severity ill.
        raise_on: rules at which ``Stopped`` is raised.

    Raises:
        Unwatchable: a rule that isn't there.
    """

    def __init__(
        self, on_alert: Callable[[Diagnosis], object] | None, raise_on: Iterable[str]
    ) -> None:
        self._on_alert, self._raise_on = on_alert, _known_rules(raise_on)
        self._recent: deque[Step] = deque(maxlen=RECENT)
        self._told: set[str] = set()
        self._judged = 0.0

    def see(self, step: Step) -> None:
        """A step was measured."""
        self._recent.append(step)

    def forget(self) -> None:
        """What was seen says nothing of what goes on."""
        self._recent.clear()
        self._told.clear()

    @property
    def due(self) -> bool:
        """Whether anybody wants to know, and was not told a moment ago."""
        wanted = self._on_alert is not None or bool(self._raise_on)
        return wanted and time.monotonic() - self._judged >= JUDGE_SECONDS

    def judge(self, subject: WatchedModel, patient: PatientZero | None) -> None:
        """Tell of what is new. Raises ``Stopped``."""
        self._judged = time.monotonic()
        for found in self.diagnoses(subject, patient):
            if found.severity == "ill" and found.rule not in self._told:
                self._told.add(found.rule)
                self._tell(found)

    def diagnoses(
        self, subject: WatchedModel, patient: PatientZero | None
    ) -> tuple[Diagnosis, ...]:
        """What the recent steps say, the gravest first."""
        if not self._recent:
            return ()
        return diagnose(subject, StepBatch.of(self._recent), patient)

    def _tell(self, found: Diagnosis) -> None:
        if self._on_alert is not None:
            self._on_alert(found)
        if found.rule in self._raise_on:
            raise Stopped(f"{found.title}. {found.sentence}")


def _known_rules(names: Iterable[str]) -> frozenset[str]:
    names = (names,) if isinstance(names, str) else tuple(names)
    for name in names:
        if name not in RULES:
            near = get_close_matches(name, RULES, cutoff=0.0)
            raise Unwatchable(
                f"raise_on={name} can't be used: it must name a rule, such as {', '.join(near)}; "
                "`gradient-diagnostics rules` lists them all."
            )
    return frozenset(names)
