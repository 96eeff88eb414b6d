"""What a browser is sent, made of what was read: no store, no socket, no clock."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diagnostics.dashboard import charts, titles, wire
from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.foreseen import away, predicted
from diagnostics.dashboard.history import history, lives, recent
from diagnostics.dashboard.wire import Kind, State, Verdict, Watch
from diagnostics.diagnosis.rules import diagnose, explained
from diagnostics.diagnosis.way import decades
from diagnostics.store.records import DeadUnits, Diagnosis, StepBatch
from diagnostics.subject.choices import DATASETS
from diagnostics.subject.config import RunConfig
from diagnostics.subject.watched import Subject

OK, ZERO, BELOW_RANGE, NONFINITE = range(4)


class Sketch(NamedTuple):
    """A configuration measured at initialization."""

    config: RunConfig
    batch: StepBatch


class Whole(NamedTuple):
    """What a whole frame has beside a step: runs compared, what charts of kinds draw."""

    kinds: Collection[Kind]
    dead: Sequence[DeadUnits] = ()
    compared: wire.Compared | None = None


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
    now = layers(seen.batch, view.metric)
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
        names=config.names,
        inputs=DATASETS[config.lab.dataset].inputs if config.lab else 0,
        theory=predicted(config),
        away=away(config, seen.batch),
        now=now,
        controls=feed.controls if feed else "",
        last=seen.last,
        name=names[0] if others and not sketch else "",
        beside=tuple(
            wire.Beside(
                one.run.id, name, one.run.id not in watch.pins, layers(one.at(step), view.metric)
            )
            for one, name in zip(others, names[-len(others) :], strict=False)
        ),
        watched=config.lab is None,
        cost=seen.cost,
        history=_history(feed, others, view.metric, watch, whole),
        compared=whole.compared if whole else None,
        verdict=None if told is None else tuple(map(_explained, told)),
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


def layers(batch: StepBatch, lead: str) -> wire.Layers | None:
    """The per-layer charts of one step; None where there is none."""
    if not len(batch):
        return None
    apart = decades(batch.metric(lead))[0]
    return wire.Layers(
        step=int(batch.steps[0]),
        metrics={
            key: batch.metric(key)[0]
            for key in charts.metrics(lead)
            if key not in charts.seldom() or np.isfinite(batch.metric(key)[0]).any()
        },
        marks=marks(batch, lead),
        decades=np.append(np.where(np.isfinite(apart), apart, np.nan), 0.0),
    )


def marks(batch: StepBatch, lead: str) -> NDArray[np.int64]:
    """Which values are no ordinary numbers, [layers].

    A 0 is a true zero where the gradient was cut off on its way from the output: by a layer
    whose activations are all 0, or by weights that are all 0. Elsewhere it fell below float range.
    """
    values = batch.metric(lead)[0]
    cut = (batch.metric("sparsity")[0] == 1) | _weights_above_are_zero(batch)
    cut_above = np.maximum.accumulate(cut[::-1])[::-1]
    found = np.where(values == 0, np.where(cut_above, ZERO, BELOW_RANGE), OK)
    return np.where(np.isfinite(values), found, NONFINITE)


def _weights_above_are_zero(batch: StepBatch) -> NDArray[np.bool_]:
    return np.append(batch.metric("weight_norm")[0][1:] == 0, False)


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
    feed: Feed | None, others: Sequence[Feed], metric: str, watch: Watch, whole: Whole | None
) -> wire.History | None:
    if feed is None or whole is None:
        return None
    units = lives(whole.dead, watch.layer) if "units" in whole.kinds else None
    return history(feed, others, metric, whole.kinds, units, watch.layer)


def _explained(diagnosis: Diagnosis) -> Verdict:
    return Verdict(**vars(diagnosis), help=explained(diagnosis.rule))


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
    room = f"{measured * size / 1e3:.2g} MB per 1,000 steps"
    return f"{share:.1%} of step time, {room}" if np.isfinite(share) else room
