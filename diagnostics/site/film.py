"""A run on film: trained to its end, and composed at each step as the page would be sent it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from diagnostics.dashboard import charts, frames, history
from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.frames import Sketch, Whole
from diagnostics.dashboard.titles import title
from diagnostics.dashboard.wire import Frame, History, Watch
from diagnostics.engine.lab.profiler import profile_batch
from diagnostics.engine.lab.trainer import train
from diagnostics.engine.sinks import StoreSink
from diagnostics.runs.control import Control
from diagnostics.site.album import PICTURES, album, lives
from diagnostics.site.compact import chain, plain
from diagnostics.store.records import Diagnosis, Summary
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig

MOST_STEPS = 100
"""Kept of a run: at the usual speed twenty a second for a run of 500 steps."""

KINDS = charts.kinds(list(charts.CHARTS.values())) - {"units"}
"""Lives of units are kept for all layers, beside the frames."""


class Film(NamedTuple):
    """A run as JSON's own types; ``inside`` are its layers inside, for who looks there.

    ``metrics`` of ``told``, and the frames of each of its ``views``, begin before training and end
    with the run as it is left; in between is each step of ``steps``, seen from the end, with the
    history up to it.
    """

    told: dict[str, Any]
    inside: dict[str, Any]


Advised = Callable[[RunConfig, Sequence[Diagnosis]], tuple[Diagnosis, ...]]
"""Diagnoses of a configuration with the remedies that can be had."""


def film(store: Store, config: RunConfig, advised: Advised) -> Film:
    """Train a configuration and keep what the page shows of it."""
    run, summary = _trained(store, config)
    whole = Feed(store, run)
    thin, grown = _replayed(store, whole, summary)
    steps = [int(step) for step in thin.kept.steps]
    said = [advised(config, frames.diagnoses(whole, None, step)) for step in [*steps, None]]
    ahead = _before(config, advised)
    shots = {
        view: [ahead[view], *_frames(thin, view, steps, said, grown[view])] for view in charts.VIEWS
    }
    pictures = album(store, run, config, steps)
    told = {
        "title": title(thin.run),
        "steps": steps,
        "metrics": chain(map(_metrics, zip(*shots.values(), strict=True))),
        "views": {view: chain(map(_bare, taken)) for view, taken in shots.items()},
        "learned": pictures.learned(),
        "lives": lives(store, run, config),
    }
    return Film(told, pictures.insides())


def _trained(store: Store, config: RunConfig) -> tuple[str, Summary]:
    run = store.create_run(config)
    store.set_state(run, "running")
    control = Control()
    sink = StoreSink(store, run, control)
    every = -(-config.steps // PICTURES)
    try:
        summary = train(config, sink, control, pictures=True, every=every)
    finally:
        sink.close()
    store.finish(run, summary)
    return run, summary


def _replayed(store: Store, whole: Feed, summary: Summary) -> tuple[Feed, dict[str, list[History]]]:
    """The run anew, with the steps that are kept alone; and its history at each, by view."""
    run = store.create_run(whole.run.config)
    store.set_state(run, "running")
    feed, before = Feed(store, run), 0
    grown: dict[str, list[History]] = {view: [] for view in charts.VIEWS}
    for row in _kept(whole):
        step = int(whole.kept.steps[row])
        happened = [event for event in whole.events if before < event.step <= step]
        store.append(run, whole.kept[row : row + 1], happened)
        feed.refresh()
        for key, view in charts.VIEWS.items():
            grown[key].append(history.history(feed, (), view.metric, KINDS))
        before = step
    store.finish(run, summary)
    return Feed(store, run), grown


def _kept(feed: Feed) -> list[int]:
    """Rows evenly spread, the last step of numbers among them."""
    rows = np.linspace(0, len(feed.kept) - 1, min(MOST_STEPS, len(feed.kept))).round().astype(int)
    sound = np.searchsorted(feed.kept.steps, feed.sound.steps)
    return sorted({*rows.tolist(), *sound.tolist()})


def _before(config: RunConfig, advised: Advised) -> dict[str, Frame]:
    """The network before training, by view."""
    sketch = Sketch(config, profile_batch(config))
    told = advised(config, frames.diagnoses(None, sketch))
    return {view: frames.compose(None, (), sketch, Watch(view=view), told) for view in charts.VIEWS}


def _frames(
    feed: Feed,
    view: str,
    steps: Sequence[int],
    said: Sequence[Sequence[Diagnosis]],
    grown: Sequence[History],
) -> Iterator[Frame]:
    """Each step scrubbed to, and the run as it is left."""
    for at, found, told in zip([*steps, None], said, [*grown, None], strict=True):
        watch = Watch(view=view, at=at)
        frame = frames.compose(feed, (), None, watch, found, Whole(KINDS))
        yield replace(frame, history=told or frame.history)


def _metrics(shots: Sequence[Frame]) -> Any:
    """Those of a step, which all views share."""
    return plain({k: v for shot in shots if shot.now for k, v in shot.now.metrics.items()})


def _bare(shot: Frame) -> Any:
    """A frame without them."""
    return plain(replace(shot, now=shot.now and replace(shot.now, metrics={})))
