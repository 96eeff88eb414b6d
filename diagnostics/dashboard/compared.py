"""Runs side by side: what was chosen in each, and what came of it."""

from collections.abc import Sequence

import numpy as np

from diagnostics.dashboard import frames
from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.titles import UNTOLD, apart, differing
from diagnostics.dashboard.wire import Compared, Outcome
from diagnostics.diagnosis.way import decades
from diagnostics.store.catalogue import Catalogue
from diagnostics.subject.config import FIELDS, RunConfig, choices_of, word


def table(feeds: Sequence[Feed], catalogue: Catalogue) -> Compared:
    """A row for each run; a column for each field in which they differ, then or later."""
    ends = [feed.subject().lab for feed in feeds]
    begun = [feed.run.config.lab for feed in feeds]
    found = differing([config for config in (*begun, *ends) if config])
    fields = [field for field in found if field not in UNTOLD]
    names = apart([feed.run for feed in feeds])
    rows = (
        _row(feed, name, tuple(_chosen(f, before, after) for f in fields), catalogue)
        for feed, name, before, after in zip(feeds, names, begun, ends, strict=True)
    )
    return Compared(tuple(FIELDS[field].title or field for field in fields), tuple(rows))


def _row(feed: Feed, name: str, values: tuple[str, ...], catalogue: Catalogue) -> Outcome:
    said = frames.diagnoses(feed, None) if len(feed.kept) or feed.run.error else ()
    return Outcome(
        run=feed.run.id,
        name=name,
        values=values,
        diagnosis=said[0].title if said else "",
        tone=said[0].tone if said else None,
        state=feed.run.state,
        steps=feed.run.steps,
        best=catalogue.outline(feed.run).best,
        decades=_travelled(feed),
    )


def _travelled(feed: Feed) -> float | None:
    """Decades from the last hidden layer's signal to the first's."""
    newest = feed.at(None)
    if not len(newest):
        return None
    first = float(decades(newest.metric("signal_grad_norm"))[0][0])
    return first if np.isfinite(first) else None


def _chosen(field: str, before: RunConfig | None, after: RunConfig | None) -> str:
    """A field's value, and what it was changed to; nothing for a model of somebody's own."""
    if before is None or after is None:
        return ""
    return " → ".join(dict.fromkeys(_told(field, config) for config in (before, after)))


def _told(field: str, config: RunConfig) -> str:
    value = getattr(config, field)
    options = choices_of(field)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return options[value].label if options else word(value)
