"""Remedies tried out: a configuration's numbers at initialization, or after a short training."""

import time
from collections.abc import Generator
from math import isfinite, nan

from diagnostics.diagnosis.case import Case
from diagnostics.diagnosis.remedies import (
    Outcome,
    Yardstick,
    distance,
    helpful,
)
from diagnostics.diagnosis.rule import Rule
from diagnostics.diagnosis.rules import RULES
from diagnostics.engine.lab.profiler import profiling
from diagnostics.engine.lab.trainer import through, training
from diagnostics.engine.sinks import MemorySink
from diagnostics.runs.control import Control
from diagnostics.store.records import Remedy
from diagnostics.subject.choices import DATASETS
from diagnostics.subject.config import RunConfig

BEATEN = 0.05
"""Accuracy above chance: more than luck with some hundred samples."""

SLICE_SECONDS = 0.03
"""How long a trial goes on before it gives way to a preview that somebody waits for."""

Trial = Generator[None, None, Outcome]

_going: dict[tuple[str, RunConfig], Trial] = {}
"""The trial that has given way; one at most."""


def outcome(rule: str, config: RunConfig, seconds: float = SLICE_SECONDS) -> Outcome | None:
    """Go on with a trial for a while; None as long as it needs to be asked for again.

    What else this process computes meanwhile seeds and restores the random state by itself.
    """
    trial = _going.pop((rule, config), None) or _trial(RULES[rule], config)
    _going.clear()
    until = time.monotonic() + seconds
    try:
        next(trial)
        while time.monotonic() < until:
            next(trial)
    except StopIteration as ended:
        found: Outcome = ended.value
        return found
    _going[rule, config] = trial
    return None


def consult(rule: str, config: RunConfig) -> tuple[Remedy, ...]:
    """All remedies for a rule tried in this process; those that helped, best first."""
    known = RULES.get(rule)
    rod = known.yardstick if known else None
    if known is None or rod is None:
        return ()
    before, helped = rod.before or through(_trial(known, config)), []
    for remedy in known.candidates(config):
        after = through(_trial(known, config.changed(**remedy.changes)))
        if found := helpful(rod, config, before, remedy, after):
            helped.append((distance(rod, after), found))
    return tuple(found for _, found in sorted(helped, key=lambda pair: pair[0]))


def _trial(rule: Rule, config: RunConfig) -> Trial:
    """Gives way between the parts of a measurement or a training."""
    rod = rule.yardstick
    assert rod is not None
    sink, at_birth = MemorySink(), rod.how == "initialization"
    born = Case(config, (yield from profiling(config))) if at_birth else None
    short = config.changed(steps=min(config.steps, rod.steps))
    summary = yield from training(short, sink, Control(), probe=not at_birth)
    accuracy = nan if summary.state == "diverged" else summary.accuracy or 0.0
    learns = accuracy > chance(config) + BEATEN
    if born is not None:
        return Outcome(_at_birth(rod, born), rule.spares(born), learns, accuracy)
    if not isfinite(accuracy):
        return Outcome(nan, False, learns)
    case = Case(config, sink.batch())
    return Outcome(_after_training(rod, case, accuracy), rule.spares(case), learns, accuracy)


def chance(config: RunConfig) -> float:
    """Accuracy of whoever guesses; less than any where nobody can do better."""
    classes = DATASETS[config.dataset].classes
    return 1 / classes if classes else -1.0


def _at_birth(rod: Yardstick, case: Case) -> float:
    shares = {"saturated": float(case.share("saturated")[-1].max())}
    shares["dead"] = float(case.mean_share("dead")[-1])
    return shares.get(rod.key, float(case.travel[-1]))


def _after_training(rod: Yardstick, case: Case, accuracy: float) -> float:
    dead = float(case.mean_share("dead")[-1])
    heldout = float(case.batch.scalar("heldout_loss")[-1])
    return {"dead": dead, "loss": heldout}.get(rod.key, 1 - accuracy)
