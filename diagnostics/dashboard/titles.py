"""What runs are called: by their names, else by what tells them from the defaults or each other."""

from collections import Counter
from collections.abc import Sequence

from diagnostics.store.store import Run
from diagnostics.subject.config import FIELDS, RunConfig, choices_of, word

TOLD = ("activation", "init", "norm", "clip")
"""What a configuration's label says of it; first in every title."""

NAMED = ("activation", "init")
"""Told of runs that differ in them also where they are the defaults."""

UNTOLD = ("steps",)
"""Stands beside a title, as far as it was taken."""

ORDER = (*TOLD, *(field for field in FIELDS if field not in TOLD))

SPOKEN = {
    "norm": "{} norm",
    "norm_position": "norm {} activation",
    "clip": "clip {}",
}
"""How options are told that say nothing by themselves."""


def title(run: Run) -> str:
    """What tells a run from others: its name, or what it trains besides the defaults."""
    config = run.config.lab
    if run.name or config is None:
        return run.name or run.config.label
    rest = [phrase(key, config) for key in config.differences() if key not in TOLD + UNTOLD]
    return " · ".join([config.label, *rest])


def apart(runs: Sequence[Run]) -> list[str]:
    """What tells some runs from each other, in few words; no two are the same."""
    configs = [run.config.lab for run in runs]
    fields = differing([config for config in configs if config])
    found = [_short(run, fields) for run in runs]
    often = Counter(found)
    return [
        name if often[name] == 1 else f"{name} #{run.number}"
        for name, run in zip(found, runs, strict=True)
    ]


def differing(configs: Sequence[RunConfig]) -> list[str]:
    """The fields in which some configurations are not all the same."""
    return [field for field in ORDER if len({getattr(one, field) for one in configs}) > 1]


def _short(run: Run, fields: Sequence[str]) -> str:
    config = run.config.lab
    if run.name or config is None or not fields:
        return title(run)
    usual = RunConfig()
    told = [f for f in fields if f in NAMED or getattr(config, f) != getattr(usual, f)]
    return " · ".join(phrase(field, config) for field in told or fields)


def phrase(field: str, config: RunConfig) -> str:
    """A field's value as a title says it: tanh, batch norm, depth 5, no clip, residual."""
    value, name = getattr(config, field), field.replace("_", " ")
    if isinstance(value, bool) or value == "none":
        return name if value is True else f"no {name}"
    told = word(value).replace("_", " ")
    return SPOKEN.get(field, f"{name} {{}}" if choices_of(field) is None else "{}").format(told)
