"""How far the diagnoses can be trusted: networks that are well or broken in a known way.

Each network is trained, and everything that is diagnosed of it at its start, on its way and at its
end is set against what was done to it. Outcome decides as well: a network that was built to be
well counts as well only if it learns, one that was built to diverge only if it does. Thresholds
were chosen on one half; the figures that count are those of the other.

    python -m benchmarks.corpus [--chosen] [--write]

``--chosen`` leaves the held-out half alone, for work on thresholds. ``--write`` keeps its figures
where the page takes them from.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from diagnostics.diagnosis import rules
from diagnostics.subject.config import RunConfig

LOOKS = (1, 10, 30, 60, 100, 150, 200, 300, 400, 500, 600)
"""Steps at which a run is diagnosed, beside its end."""

LEARNED = 0.8
"""Held-out accuracy of a network that is well."""

WELL = "well"

FIGURES = Path(rules.__file__).with_name("reliability.json")


class Entry(NamedTuple):
    """A network, and what is wrong with it by construction."""

    truth: str
    config: RunConfig


class Verdict(NamedTuple):
    """What was diagnosed, and whether the network learned."""

    said: frozenset[str]
    accuracy: float
    state: str


class Half(NamedTuple):
    """What varies between the networks thresholds were chosen on and those they are judged by."""

    name: str
    sizes: Sequence[str]
    shift: int
    lr: Sequence[str]


CHOSEN_ON = Half(
    "chosen on",
    ("depth=2 width=32", "depth=3 width=128", "depth=5 width=64", "depth=8 width=96"),
    0,
    ("lr=0.01", "lr=0.05"),
)
HELD_OUT = Half(
    "held out",
    ("depth=3 width=48", "depth=4 width=96", "depth=6 width=80", "depth=9 width=112"),
    2,
    ("lr=0.02", "lr=0.04"),
)

RELU_HE = "activation=relu init=he_normal"

HEALTHY = (
    RELU_HE,
    "activation=relu init=he_uniform optimizer=momentum lr=0.01",
    f"{RELU_HE} optimizer=adam lr=0.001",
    "activation=leaky_relu alpha=0.1 init=he_normal",
    "activation=tanh init=glorot_normal",
    "activation=tanh init=glorot_uniform optimizer=rmsprop lr=0.001",
    "activation=elu init=lecun_normal optimizer=adamw lr=0.001",
    "activation=selu init=lecun_normal",
    "activation=gelu init=glorot_normal optimizer=adam lr=0.002",
    "activation=silu init=orthogonal optimizer=adam lr=0.002",
    "activation=relu init=orthogonal norm=batch",
    "activation=relu init=lsuv norm=layer",
    "activation=tanh init=glorot_normal residual=true",
    f"{RELU_HE} lr=0.01 clip=norm clip_threshold=5",
    f"{RELU_HE} optimizer=adam lr=0.001 dropout=0.2",
    f"{RELU_HE} optimizer=adam lr=0.001 norm=batch",
    f"{RELU_HE} optimizer=adamw lr=0.001 weight_decay=0.1",
    "activation=prelu init=he_normal",
    "activation=hard_tanh init=glorot_normal",
    "activation=leaky_relu init=he_uniform residual=true norm=layer lr=0.02",
)
"""Each in every size."""

DEEP = (
    ("vanishing", "activation=relu init=glorot_normal", (30, 40, 60)),
    ("vanishing", "activation=relu init=torch_default", (8, 15, 30)),
    ("vanishing", "activation=sigmoid init=glorot_normal", (6, 12, 25)),
    ("vanishing", "activation=tanh init=torch_default optimizer=adam lr=0.001", (15, 30)),
    ("exploding", "activation=tanh init=normal init_std=1 width=256", (8, 12)),
    ("exploding", "activation=relu init=normal init_std=0.4", (8, 12, 20)),
    ("exploding", "activation=linear init=he_normal", (25, 40)),
    ("exploding", "activation=leaky_relu alpha=0.2 init=normal init_std=0.4", (8, 12)),
    ("saturated", "activation=tanh init=normal", (3, 5)),
    ("saturated", "activation=hard_tanh init=normal", (3, 5)),
    ("bn_explosion", f"{RELU_HE} norm=batch", (30, 40)),
    ("bn_explosion", "activation=relu norm=batch width=128 init=orthogonal", (30,)),
    ("born_dead", f"{RELU_HE} width=2", (25, 30)),
    ("born_dead", f"{RELU_HE} width=3", (40,)),
)
"""Each in every depth, shifted between the halves, and with both learning rates."""

_DYING = f"{RELU_HE} optimizer=adam steps=500"
_RANDOM = f"dataset=gaussian {RELU_HE} optimizer=adamw lr=0.003 steps=600"

OTHERS = (
    ("saturated", "activation=sigmoid depth=4 width=100 lr=0.5 batch_size=10 steps=600"),
    ("dead", f"{_DYING} lr=0.05 depth=3 width=128"),
    ("dead", f"{_DYING} lr=0.05 depth=4 width=96"),
    ("dead", f"{_DYING} lr=0.1 depth=3 width=64"),
    ("dying", f"{_DYING} lr=0.015 depth=4 width=96"),
    ("dying", f"{_DYING} lr=0.015 depth=3 width=128"),
    ("dying", f"{_DYING} lr=0.02 depth=4 width=64"),
    ("symmetric", "init=zeros activation=relu depth=3"),
    ("symmetric", "init=zeros activation=tanh depth=8"),
    ("symmetric", "init=zeros activation=sigmoid depth=5"),
    ("symmetric", "init=zeros activation=gelu depth=4"),
    ("diverged", f"{RELU_HE} lr=2 depth=3"),
    ("diverged", f"{RELU_HE} lr=3 depth=4 width=128"),
    ("diverged", f"{RELU_HE} lr=2 depth=5"),
    ("diverged", f"{RELU_HE} lr=2 depth=3 optimizer=momentum"),
    ("stalled", f"{RELU_HE} lr=1e-7 depth=3"),
    ("stalled", f"{RELU_HE} lr=1e-6 depth=5"),
    ("stalled", f"{RELU_HE} optimizer=adam lr=1e-8 depth=4"),
    ("stalled", f"{RELU_HE} depth=4 clip=norm clip_threshold=0.0001"),
    ("too_large", "activation=tanh optimizer=adam lr=0.3 depth=3"),
    ("too_large", "activation=tanh optimizer=rmsprop lr=0.3 depth=4"),
    ("too_large", "activation=tanh optimizer=adam lr=0.5 depth=2 width=128"),
    ("overfitting", f"{_RANDOM} depth=3"),
    ("overfitting", f"{_RANDOM} depth=2 width=128"),
    ("overfitting", f"{_RANDOM} depth=4 width=96"),
    ("clipping_always", f"{RELU_HE} clip=norm clip_threshold=0.01 depth=4"),
    ("clipping_always", f"{RELU_HE} clip=norm clip_threshold=0.02 depth=3 width=128"),
)
"""Each with a seed of its own in either half."""


def _networks(half: Half) -> Iterator[tuple[str, str]]:
    """(truth, words); later words win over earlier ones."""
    for common, size in product(HEALTHY, half.sizes):
        yield WELL, f"{common} {size}"
    yield WELL, f"activation=selu init=lecun_normal lr=0.02 depth={20 + half.shift}"
    yield WELL, f"architecture=rnn activation=tanh init=orthogonal lr=0.{1 + half.shift // 2}"
    for truth, common, depths in DEEP:
        for depth, lr in product(depths, half.lr):
            yield truth, f"{lr} {common} depth={depth + half.shift}"
    yield from OTHERS


def entries(half: Half) -> list[Entry]:
    """One half of the corpus; no two of its networks share a seed."""
    found = []
    for number, (truth, words) in enumerate(_networks(half)):
        values = dict(word.split("=") for word in words.split())
        seed = number + 1000 * half.shift
        config = RunConfig.make({"steps": "300", **values, "seed": seed})
        found.append(Entry(truth, config))
    return found


def examine(entry: Entry) -> Verdict:
    """Train a network and collect all that is ever diagnosed of it."""
    from diagnostics.engine.lab.profiler import profile_batch
    from diagnostics.engine.lab.trainer import train
    from diagnostics.engine.sinks import MemorySink
    from diagnostics.runs.control import Control

    sink = MemorySink()
    summary = train(entry.config, sink, Control())
    batch = sink.batch()
    looks = [batch[:look] for look in (*LOOKS, len(batch)) if look <= len(batch)]
    found = [rules.diagnose(entry.config, profile_batch(entry.config))]
    found += [rules.diagnose(entry.config, seen) for seen in looks]
    found.append(rules.diagnose(entry.config, batch, summary.patient_zero))
    said = {d.rule for diagnoses in found for d in diagnoses if d.severity != "fine"}
    return Verdict(frozenset(said), summary.accuracy or 0.0, summary.state)


def figures(pairs: Sequence[tuple[Entry, Verdict]]) -> dict[str, dict[str, int]]:
    """For each rule: broken networks, how many were found, healthy ones, false alarms."""
    healthy = [verdict for entry, verdict in pairs if _well(entry, verdict)]
    found = {}
    for rule in [key for key, rule in rules.RULES.items() if rule.severity != "fine"]:
        broken = [verdict for entry, verdict in pairs if _broken(entry, verdict, rule)]
        found[rule] = {
            "broken": len(broken),
            "found": sum(rule in verdict.said for verdict in broken),
            "healthy": len(healthy),
            "alarms": sum(rule in verdict.said for verdict in healthy),
        }
    return found


def _well(entry: Entry, verdict: Verdict) -> bool:
    return entry.truth == WELL and verdict.accuracy >= LEARNED


def _broken(entry: Entry, verdict: Verdict, rule: str) -> bool:
    return entry.truth == rule and (rule != "diverged" or verdict.state == "diverged")


def table(counted: dict[str, dict[str, int]]) -> str:
    """The figures in Markdown."""
    lines = ["| rule | broken, found | healthy, false alarms |", "| --- | --- | --- |"]
    for rule, n in counted.items():
        ill = f"{n['found']} of {n['broken']}" if n["broken"] else "no case of its own"
        lines.append(f"| {rule} | {ill} | {n['alarms']} of {n['healthy']} |")
    return "\n".join(lines)


def _report(half: Half, pairs: Sequence[tuple[Entry, Verdict]]) -> None:
    counted = figures(pairs)
    broken, found = (sum(n[key] for n in counted.values()) for key in ("broken", "found"))
    healthy = [verdict for entry, verdict in pairs if _well(entry, verdict)]
    alarmed = sum(bool(verdict.said) for verdict in healthy)
    print(f"\n## {len(pairs)} networks, {half.name}\n\n{table(counted)}\n")
    print(f"recall: {found} of {broken}, {found / broken:.1%}")
    print(f"healthy networks with any alarm: {alarmed} of {len(healthy)}, "
          f"{alarmed / len(healthy):.1%}\n")  # fmt: skip
    for entry, verdict in pairs:
        if not _right(entry, verdict):
            said = ", ".join(sorted(verdict.said)) or "nothing"
            words = " ".join(entry.config.words())
            print(f"- {entry.truth}; said {said}; accuracy {verdict.accuracy:.0%}; {words}")


def _right(entry: Entry, verdict: Verdict) -> bool:
    if entry.truth == WELL:
        return _well(entry, verdict) and not verdict.said
    return _broken(entry, verdict, entry.truth) and entry.truth in verdict.said


def main() -> None:
    """Examine both halves on all cores; with ``--chosen`` the first one only."""
    halves = [CHOSEN_ON] if "--chosen" in sys.argv else [CHOSEN_ON, HELD_OUT]
    for half in halves:
        every = entries(half)
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            pairs = list(zip(every, pool.map(examine, every, chunksize=1), strict=True))
        _report(half, pairs)
    if "--write" in sys.argv:
        FIGURES.write_text(json.dumps(figures(pairs), indent=1) + "\n")


if __name__ == "__main__":
    main()
