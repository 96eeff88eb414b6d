"""Verdicts counted: broken ones that were named, healthy ones of which something was said."""

from collections.abc import Iterator, Sequence

from benchmarks.corpus.judging import Verdict
from diagnostics.diagnosis.rules import RULES

KINDS = {"lab": "built networks of the lab", "grid": "any networks of the lab", "family": "models"}

HEAD = (
    "| what | broken, named | stuck, called ill | healthy, called ill | remarked on |",
    "| --- | --- | --- | --- | --- |",
)


def counted(verdicts: Sequence[Verdict]) -> dict[str, dict[str, int]]:
    """For each rule: broken networks, how many were named, healthy ones, and in how many it spoke.

    What is broken in a way that several rules describe counts for the one that named it first.
    """
    healthy = [verdict for verdict in verdicts if verdict.healthy]
    broken = [verdict for verdict in verdicts if verdict.broken]
    found = {}
    for rule in [key for key, rule in RULES.items() if rule.severity != "fine"]:
        mine = [verdict for verdict in broken if verdict.counts_for == rule]
        found[rule] = {
            "broken": len(mine),
            "found": sum(verdict.named for verdict in mine),
            "healthy": len(healthy),
            "alarms": sum(rule in verdict.remarked for verdict in healthy),
        }
    return found


def report(half: str, verdicts: Sequence[Verdict]) -> str:
    """All of it, in Markdown."""
    kinds = [kind for kind in KINDS if any(v.name.startswith(kind) for v in verdicts)]
    rows = [_row(KINDS[kind], [v for v in verdicts if v.name.startswith(kind)]) for kind in kinds]
    lines = [f"\n## {len(verdicts)} trainings, {half}\n", *HEAD, *rows, _row("all", verdicts)]
    lines += ["", "| rule | broken, named | healthy, said of |", "| --- | --- | --- |"]
    for rule, n in counted(verdicts).items():
        ill = f"{n['found']} of {n['broken']}" if n["broken"] else "no case of its own"
        lines.append(f"| {rule} | {ill} | {n['alarms']} of {n['healthy']} |")
    return "\n".join([*lines, "", *_mistakes(verdicts)])


def _row(what: str, verdicts: Sequence[Verdict]) -> str:
    broken = [v for v in verdicts if v.broken]
    stuck = [v for v in verdicts if v.stuck]
    healthy = [v for v in verdicts if v.healthy]
    return (
        f"| {what} | {sum(v.named for v in broken)} of {len(broken)} "
        f"| {sum(bool(v.ill) for v in stuck)} of {len(stuck)} "
        f"| {sum(bool(v.ill) for v in healthy)} of {len(healthy)} "
        f"| {sum(bool(v.remarked) for v in healthy)} of {len(healthy)} |"
    )


def _mistakes(verdicts: Sequence[Verdict]) -> Iterator[str]:
    for v in verdicts:
        said = ", ".join(sorted(v.remarked)) or "nothing"
        if v.healthy and v.remarked:
            grave = "called ill" if v.ill else "remarked on"
            yield f"- healthy, {grave}: {said}; {v.name}"
        elif v.broken and not v.named:
            yield f"- broken, {' or '.join(v.truth)}: said {said}; {v.name}"
        elif v.stuck and not v.ill:
            yield f"- does not learn: said {said}; {v.name}"
        elif not (v.healthy or v.broken or v.stuck):
            yield f"- left out, score {v.score:.2f}: said {said}; {v.name}"
