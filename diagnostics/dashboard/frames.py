"""What a browser is sent, made of what was read: no store, no socket, no clock."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from diagnostics.dashboard import charts, groups, titles, wire
from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.foreseen import GROUPS, LAYERS, away, predicted
from diagnostics.dashboard.groups import Level
from diagnostics.dashboard.history import history, lives, recent
from diagnostics.dashboard.layers import layers
from diagnostics.dashboard.wire import Kind, State, Verdict, Watch
from diagnostics.diagnosis.rules import diagnose, explained
from diagnostics.store.records import DeadUnits, Diagnosis, StepBatch
from diagnostics.subject.choices import DATASETS
from diagnostics.subject.config import RunConfig
from diagnostics.subject.watched import Subject


class Sketch(NamedTuple):
    """A configuration measured at initialization."""

    config: RunConfig
    batch: StepBatch


class Whole(NamedTuple):
    """What a whole frame has beside a step: runs compared, what charts of kinds draw.

    ``complete`` is one with each layer by itself, however many there are.
    """

    kinds: Collection[Kind]
    dead: Sequence[DeadUnits] = ()
    compared: wire.Compared | None = None
    complete: bool = False


class Seen(NamedTuple):
    """What a frame is of: a step of a run, or a network before training."""

    state: State
    config: Subject
    batch: StepBatch
    newest: int
    steps: int
    label: str
    cost: str = ""
    last: bool = False


def compose(
    feed: Feed | None,
    others: Sequence[Feed],
    sketch: Sketch | None,
    watch: Watch,
    told: Sequence[Diagnosis] | None = None,
    whole: Whole | None = None,
) -> wire.Frame:
    """The frame of a sketch where there is one, else of a run; ``others`` stand beside it.

    ``told`` is said of its step.

    Raises ``ValueError`` without either.
    """
    seen = _sketched(sketch) if sketch else _running(_given(feed), watch)
    view, config = charts.view(watch.view), seen.config
    in_sight = charts.in_sight(watch.panel)
    level = _level(config, seen.batch, watch, whole)
    now = layers(seen.batch, view.metric, level, in_sight)
    names = titles.apart([*([feed.run] if feed and not sketch else []), *(o.run for o in others)])
    step = watch.at if sketch else (now.step if now else None)
    return wire.Frame(
        run=watch.run,
        query=watch.query,
        view=view.key,
        state=seen.state,
        label=seen.label,
        newest=seen.newest,
        steps=seen.steps,
        layers=config.hidden_layers + 1,
        word=config.layer_word,
        names=() if level else config.names,
        inputs=DATASETS[config.lab.dataset].inputs if config.lab else 0,
        theory=predicted(config, GROUPS if level and not level.part else LAYERS),
        away=away(config, seen.batch),
        now=now,
        controls=feed.controls if feed else "",
        last=seen.last,
        name=names[0] if others and not sketch else "",
        beside=tuple(
            wire.Beside(
                one.run.id,
                name,
                one.run.id not in watch.pins,
                layers(at, view.metric, _level(one.run.config, at, watch, whole), in_sight),
            )
            for one, name in zip(others, names[-len(others) :], strict=False)
            for at in (one.at(step),)
        ),
        watched=config.lab is None,
        cost=seen.cost,
        history=_history(feed, others, view.metric, watch, whole, level),
        compared=whole.compared if whole else None,
        verdict=None if told is None else tuple(_explained(one, seen, level) for one in told),
    )


def undrawn(watch: Watch, sentence: str) -> wire.Unshown:
    """In the place of a frame that could not be made."""
    told = Verdict("undrawn", "ill", "This can't be drawn", sentence, chart="")
    return wire.Unshown(watch.run, watch.query, "undrawn", (told,))


def diagnoses(
    feed: Feed | None, sketch: Sketch | None, at: int | None = None
) -> tuple[Diagnosis, ...]:
    """What is said of a sketch where there is one, else of a run at a step, or at its end."""
    if sketch is not None:
        return diagnose(sketch.config, sketch.batch)
    known = _given(feed)
    if known.run.error:
        return (Diagnosis("failed", "ill", "The run failed", known.run.error, chart=""),)
    return diagnose(known.subject(at), recent(known, at), known.patient(at))


def _level(config: Subject, batch: StepBatch, watch: Watch, whole: Whole | None) -> Level | None:
    """How much of a model is in sight."""
    complete = whole is not None and whole.complete
    return None if complete else groups.level(config, batch.layers, watch.part)


def _sketched(sketch: Sketch) -> Seen:
    config = sketch.config
    return Seen("preview", config, sketch.batch, 0, config.steps, config.label)


def _running(feed: Feed, watch: Watch) -> Seen:
    run, batch = feed.run, feed.at(watch.at)
    return Seen(
        run.state,
        run.config,
        batch,
        int(feed.newest.steps[-1]) if len(feed.newest) else 0,
        _round_up(run.steps) if run.watched else run.config.steps,
        titles.title(run) if run.watched else run.config.label,
        cost(feed) if run.watched and len(feed.newest) else "",
        _last(feed, batch),
    )


def _last(feed: Feed, batch: StepBatch) -> bool:
    """Whether a step is the last one of numbers in a run that diverged."""
    if feed.patient() is None or not len(feed.sound):
        return False
    step = feed.sound.steps[-1]
    return bool(batch.steps[0] == step < feed.newest.steps[-1])


def _given(feed: Feed | None) -> Feed:
    if feed is None:
        raise ValueError("neither a run nor a sketch to be seen")
    return feed


def _history(
    feed: Feed | None,
    others: Sequence[Feed],
    metric: str,
    watch: Watch,
    whole: Whole | None,
    level: Level | None,
) -> wire.History | None:
    if feed is None or whole is None:
        return None
    units = lives(whole.dead, watch.layer) if "units" in whole.kinds else None
    return history(feed, others, metric, whole.kinds, units, watch.layer, level)


def _explained(diagnosis: Diagnosis, seen: Seen, level: Level | None) -> Verdict:
    told = vars(diagnosis) | {"help": explained(diagnosis.rule)}
    if level is None or not diagnosis.layers:
        return Verdict(**told)
    first, last = min(diagnosis.layers), max(diagnosis.layers)
    part = groups.holding(seen.config, seen.batch.layers, diagnosis.layers[0])
    return wire.Placed(**told | {"layers": tuple({first: None, last: None})}, part=part)


def _round_up(steps: int) -> int:
    """A length of axis that does not change at every step: 50, 100, 200, 500 …"""
    lengths = (m * 10**e for e in range(1, 12) for m in (5, 10, 20))
    return next((length for length in lengths if length >= steps), steps)


def cost(feed: Feed) -> str:
    """What watching costs: time as a share of a step's, and room in the store."""
    newest = feed.newest
    with np.errstate(all="ignore"):
        share = float((newest.scalar("probe_time") / newest.scalar("step_time"))[-1])
    measured = feed.met / max(1, feed.run.steps)
    size = newest.values[0].nbytes + newest.scalars[0].nbytes + newest.steps[:1].nbytes
    room = f"{float(f'{measured * size / 1e3:.2g}'):g} MB per 1,000 steps"
    digits = 1 if share < 0.1 else 0
    return f"{share:.{digits}%} of step time, {room}" if np.isfinite(share) else room
