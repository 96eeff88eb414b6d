"""Remedies tried out: a configuration's numbers at initialization, or after a short training."""

from math import nan

from diagnostics.diagnosis.case import Case
from diagnostics.diagnosis.remedies import Yardstick, ranked
from diagnostics.diagnosis.rules import RULES
from diagnostics.engine.lab.profiler import profile_batch
from diagnostics.engine.lab.trainer import train
from diagnostics.engine.sinks import MemorySink
from diagnostics.runs.control import Control
from diagnostics.store.records import Remedy
from diagnostics.subject.config import RunConfig


def outcome(config: RunConfig, rod: Yardstick) -> float:
    """One number of a trial: smaller is better, NaN where training did not survive."""
    if rod.how == "initialization":
        case = Case(config, profile_batch(config))
        shares = {"saturated": float(case.share("saturated")[-1].max())}
        shares["dead"] = float(case.mean_share("dead")[-1])
        return shares.get(rod.key, float(case.travel[-1]))
    sink = MemorySink()
    summary = train(config.changed(steps=min(config.steps, rod.steps)), sink, Control())
    if summary.state == "diverged" or summary.accuracy is None:
        return nan
    dead = float(Case(config, sink.batch()).mean_share("dead")[-1])
    heldout = float(sink.batch().scalar("heldout_loss")[-1])
    return {"dead": dead, "loss": heldout}.get(rod.key, 1 - summary.accuracy)


def consult(rule: str, config: RunConfig) -> tuple[Remedy, ...]:
    """All remedies for a rule tried in this process; those that helped, best first."""
    known = RULES.get(rule)
    rod = known.yardstick if known else None
    if known is None or rod is None:
        return ()
    tried = [(r, outcome(config.changed(**r.changes), rod)) for r in known.candidates(config)]
    before = outcome(config, rod) if rod.before is None else rod.before
    return ranked(rod, config, before, tried)
