"""What a ``?`` on the page says: what stands beside it, and the words that are used there."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from diagnostics.dashboard import charts
from diagnostics.dashboard.wire import Chart, Explained
from diagnostics.diagnosis.rules import RULES, explained
from diagnostics.subject.config import FIELDS, allowed, choices_of
from diagnostics.subject.glossary import terms_of


@cache
def explanations() -> Mapping[str, tuple[Explained, ...]]:
    """By the key of a ``?``: ``chart-lead``, ``field-lr``, ``choice-init-lsuv``, ``rule-dead``."""
    found = {f"chart-{key}": _chart(chart) for key, chart in charts.CHARTS.items()}
    found |= {f"rule-{key}": _words(rule.title, explained(key)) for key, rule in RULES.items()}
    found["rule-healthy"] = _words("Healthy gradients", "Nothing else is found.")
    for field in FIELDS:
        found[f"field-{field}"] = _field(field)
        for key, choice in (choices_of(field) or {}).items():
            found[f"choice-{field}-{key}"] = _words(choice.label, choice.help)
    return MappingProxyType(found)


def _words(title: str, help: str, *more: str) -> tuple[Explained, ...]:
    """A sentence, and the terms that it and what stands beside it use."""
    told = [Explained(title, capital(help))] if help else []
    terms = terms_of(title, help, *more)
    return (*told, *(Explained(term.label, term.help, term.source) for term in terms))


def _chart(chart: Chart) -> tuple[Explained, ...]:
    beside = [chart.hint, chart.axis, *(key.label for key in chart.legend)]
    if chart.kind == "profile":
        beside += [f"{view.label} {view.hint}" for view in charts.VIEWS.values()]
        beside += ["theory, grey region, pinned, log scale, decades"]
    if chart.kind == "layers":
        beside += ["grey region", "healthy band" if charts.measured(chart).band else ""]
    if chart.kind == "ladder":
        beside += [rung.label for rung in charts.LADDER]
    return _words(chart.title, charts.help(chart), *beside)


def _field(field: str) -> tuple[Explained, ...]:
    info, options = FIELDS[field], choices_of(field)
    title, help = str(info.title), str(info.description)
    if options is None:
        return _words(title, f"{help}; {allowed(field)}")
    listed = tuple(Explained(c.label, capital(c.help)) for c in options.values())
    own, *terms = _words(title, help, *(choice.label for choice in options.values()))
    return (own, *listed, *terms)


def capital(words: str) -> str:
    """A sentence of its own."""
    ended = words if words.endswith((".", "?")) else f"{words}."
    return ended[0].upper() + ended[1:] if ended[0].isascii() and ended[1:2].islower() else ended
