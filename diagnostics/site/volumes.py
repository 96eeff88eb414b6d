"""What is recorded: a lesson's scenes together, and the default network with what cures it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from diagnostics.diagnosis.remedies import SHOWN
from diagnostics.diagnosis.rules import RULES, diagnose
from diagnostics.engine.lab.profiler import profile_batch
from diagnostics.engine.lab.trials import consult
from diagnostics.store.records import Diagnosis, Remedy
from diagnostics.subject.config import RunConfig
from diagnostics.subject.lessons import Lesson


@dataclass(frozen=True)
class Volume:
    """Runs between which buttons switch: of a lesson, or of the lab where there is none."""

    lesson: str | None
    configs: tuple[RunConfig, ...]

    def runs(self) -> Iterator[tuple[str, RunConfig]]:
        """Each with its name, in links and as a file."""
        for n, config in enumerate(self.configs, 1):
            yield f"{self.lesson or 'lab'}-{n}", config

    def titles(self) -> list[dict[str, str | None]]:
        """What the scripts are told of each."""
        return [
            {"id": name, "lesson": self.lesson, "query": config.query()}
            for name, config in self.runs()
        ]

    def advised(self, config: RunConfig, found: Sequence[Diagnosis]) -> tuple[Diagnosis, ...]:
        """Diagnoses with those remedies that are recorded, which a button can switch to."""
        return tuple(replace(one, remedies=self._remedies(one.rule, config)) for one in found)

    def _remedies(self, rule: str, config: RunConfig) -> tuple[Remedy, ...]:
        if rule not in RULES or not any(
            self._has(config, one) for one in _candidates(rule, config)
        ):
            return ()
        there = [one for one in _tried(rule, config) if self._has(config, one)][:SHOWN]
        return tuple(
            replace(one, changes={"query": config.changed(**one.changes).query()}, place=place)
            for place, one in enumerate(there)
        )

    def _has(self, config: RunConfig, remedy: Remedy) -> bool:
        return config.changed(**remedy.changes) in self.configs


def lab(config: RunConfig) -> Volume:
    """A network, and what cures its gravest illness before training."""
    illness = diagnose(config, profile_batch(config))[0].rule
    cured = [config.changed(**one.changes) for one in _tried(illness, config)[:SHOWN]]
    return Volume(None, (config, *cured))


def taught(lessons: Mapping[str, Lesson]) -> Iterable[Volume]:
    """One for each lesson; scenes that only look elsewhere share a run."""
    for lesson in lessons.values():
        yield Volume(lesson.key, tuple(dict.fromkeys(scene.config for scene in lesson.scenes)))


@cache
def _candidates(rule: str, config: RunConfig) -> tuple[Remedy, ...]:
    return tuple(RULES[rule].candidates(config))


_tried: Callable[[str, RunConfig], tuple[Remedy, ...]] = cache(consult)
