"""Groups of layers: each layer is in one, frames stay small, nobody who is ill is lost in them."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import strategies as st

from diagnostics.dashboard import charts, frames, groups, report
from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.frames import Whole, compose, diagnoses
from diagnostics.dashboard.groups import LARGE, MOST, Group
from diagnostics.dashboard.layers import NONFINITE, OK, ZERO
from diagnostics.dashboard.live import _shared
from diagnostics.dashboard.moments import moments
from diagnostics.dashboard.session import read_link
from diagnostics.dashboard.wire import Folded, Layers, Watch, encode, packed
from diagnostics.store.records import METRIC_INDEX, METRICS, SCALARS, PatientZero, StepBatch
from diagnostics.store.store import Store
from diagnostics.subject.watched import WatchedLayer, WatchedModel
from tests.fuzz.cases import fuzz

SIGNAL = "signal_grad_norm"
SMALL_ENOUGH = 15_000
"""Bytes of a frame."""


def _paths(blocks: int, *layers: str) -> list[str]:
    return [f"net.h.{block}.{layer}" for block in range(blocks) for layer in layers]


def _numbers(count: int) -> list[str]:
    return [str(number) for number in range(count)]


DEEP = [*_paths(500, "attn.q", "attn.o", "mlp.up", "mlp.down"), "head"]


@pytest.mark.parametrize(
    ("names", "first", "count"),
    [
        (["wte", *_paths(96, "q", "k", "v", "o", "up", "down"), "head"], ["wte", "net.h.0"], 98),
        (DEEP, ["net.h.0–4", "net.h.5–9"], 101),
        (_numbers(2000), ["0–19", "20–39"], 101),  # a chain
        ([f"{side}.{i}" for i in range(200) for side in "ab"], ["a–b", "a–b (5–8)"], 101),
        (["a.only", *_paths(300, "q", "o"), "head"], ["a.only", "net.h.0–3"], 77),
    ],
)
def test_groups_are_named_by_what_paths_have_in_common(
    names: list[str], first: list[str], count: int
) -> None:
    level = groups._level(tuple(names), len(names), "")
    assert [one.name for one in level.groups[:2]] == first and len(level.groups) == count


WORDS = st.lists(st.sampled_from(["a", "b", "0", "1", "2"]), min_size=1, max_size=4).map(".".join)
TREES = st.lists(st.tuples(WORDS, st.integers(1, 150)), min_size=1, max_size=12)
"""Beginnings of paths, and how many layers follow on each."""


@fuzz(TREES)
def test_every_layer_is_in_one_group_in_its_order(tree: list[tuple[str, int]]) -> None:
    names = [f"{path}.{k}.{i}" for k, (path, count) in enumerate(tree) for i in range(count)]
    whole = Group("", 1, len(names))
    found = groups.grouped(names, whole)
    assert [i for _, a, b in found for i in range(a, b + 1)] == list(range(1, len(names) + 1))
    assert len(found) <= MOST and len({one.name for one in found}) == len(found)
    level = groups._level((*names, "out"), len(names) + 1, found[0].name)
    assert level.part == (found[0].name if found[0].layers > 1 else "")


@pytest.fixture
def model() -> WatchedModel:
    after: list[tuple[int, ...]] = [(i - 1,) if i else () for i in range(len(DEEP))]
    layers = (WatchedLayer(name=n, after=a) for n, a in zip(DEEP, after, strict=True))
    return WatchedModel(model="Deep", optimizer="sgd", layers=tuple(layers))


Made = Callable[..., Feed]


@pytest.fixture
def made(store: Store, model: WatchedModel) -> Made:
    """A run of the model, with what is ill in it."""

    def make(**ill: tuple[int, float]) -> Feed:
        random = np.random.default_rng(0)
        values = random.lognormal(-3, 0.3, (40, len(DEEP), len(METRICS))).astype(np.float32)
        values[..., [METRIC_INDEX[key] for key in charts.seldom()]] = np.nan
        for key, (layer, value) in ill.items():
            values[:, layer - 1, METRIC_INDEX[key]] = value
        run = store.create_run(model)
        batch = StepBatch(np.arange(1, 41), values, random.uniform(0, 1, (40, len(SCALARS))))
        store.append(run, batch)
        return Feed(store, run)

    return make


def _now(feed: Feed, **watched: object) -> Folded:
    now = compose(feed, (), None, Watch(run=feed.run.id, **watched)).now  # type: ignore[arg-type]
    assert isinstance(now, Folded)
    return now


@pytest.mark.parametrize("panel", charts.PANELS)
@pytest.mark.parametrize("part", ["", "net.h.5–9", "net"])
def test_frames_of_two_thousand_layers_are_small(made: Made, panel: str, part: str) -> None:
    feed = made()
    watch = Watch(run=feed.run.id, panel=panel, part=part)
    assert len(packed(compose(feed, (), None, watch, diagnoses(feed, None)))) < SMALL_ENOUGH
    whole = Whole(charts.kinds(charts.in_sight(panel)))
    assert len(packed(compose(feed, (), None, watch, (), whole))) < 2 * SMALL_ENOUGH


def test_what_is_open_is_shown_layer_by_layer(made: Made) -> None:
    feed = made()
    now = _now(feed, part="net.h.5–9")
    assert now.part == "net.h.5–9" and now.names[:-1] == tuple(DEEP[20:40])
    assert np.allclose(now.metrics[SIGNAL][:-1], feed.newest.metric(SIGNAL)[0, 20:40], rtol=1e-3)
    assert _now(feed, part="net.h.nowhere").part == ""


@pytest.mark.parametrize(
    ("value", "mark", "told"),
    [(1e9, OK, "most"), (1e-12, OK, "least"), (0.0, None, "least"), (np.nan, NONFINITE, None)],
)
def test_who_is_ill_is_not_lost_in_a_group(
    made: Made, value: float, mark: int | None, told: str | None
) -> None:
    healthy, now = _now(made()), _now(made(signal_grad_norm=(707, value)))
    group = 35  # layers 701 to 720
    assert now.first[group] == 701 and now.last[group] == 720
    assert now.marks[group] == (mark if mark is not None else now.marks.max())
    assert mark == OK or now.marks[group] != OK
    assert 0.5 < now.metrics[SIGNAL][group] / healthy.metrics[SIGNAL][group] < 2
    assert now.lost[group] == (not np.isfinite(value)) and now.lost.sum() == now.lost[group]
    if told:
        assert getattr(now.spread[SIGNAL], told)[group] == np.float32(value)
        assert np.isnan(getattr(healthy.spread[SIGNAL], told)[group])


def test_dead_units_of_one_layer_are_seen_and_zeros_that_cut_are_zeros(made: Made) -> None:
    now = _now(made(dead=(707, 1.0), sparsity=(715, 1.0), signal_grad_norm=(710, 0.0)))
    assert now.spread["dead"].most[35] == 1 and now.marks[35] == ZERO


def test_the_heatmap_shows_of_each_group_who_is_farthest(made: Made) -> None:
    feed = made(signal_grad_norm=(707, 1e4))
    whole = Whole(charts.kinds(charts.in_sight("run")))
    frame = compose(feed, (), None, Watch(run=feed.run.id), (), whole)
    assert frame.history is not None
    rows = frame.history.heat.decades
    assert rows.shape == (100, 40) and (rows[35] > 4).all() and (np.delete(rows, 35, 0) < 2).all()


def test_deaths_of_one_step_are_one_moment(made: Made) -> None:
    feed = made()
    feed.kept.values[10:, 100:900, METRIC_INDEX["dead"]] = 1
    feed.kept.values[20:, 1000, METRIC_INDEX["dead"]] = 1
    assert [(one.step, one.words) for one in moments(feed)] == [
        (11, "800 layers died"),
        (21, "layer 1001 died"),
    ]


def test_patient_zero_is_told_with_its_group(made: Made, store: Store) -> None:
    feed = made(signal_grad_norm=(707, 1e9))
    zero = PatientZero(3, 707, "weight")
    store.set_state(feed.run.id, "diverged", patient_zero=vars(zero))
    feed = Feed(store, feed.run.id)
    told = compose(feed, (), None, Watch(run=feed.run.id), diagnoses(feed, None)).verdict
    assert told and told[0].layers == (707,) and getattr(told[0], "part") == "net.h.175–179"  # noqa: B009


def test_a_link_brings_a_group_back(made: Made, store: Store) -> None:
    run = made().run.id
    for part in ("net.h.5–9", "net.h.7"):
        assert read_link(f"?run={run}&part={part}", store)[0].part == part
    assert "no such part" in read_link(f"?run={run}&part=net.h.5–8", store)[1][0]


def test_only_who_looks_into_different_groups_is_sent_different_frames(
    made: Made, store: Store
) -> None:
    feed = made()
    seen = [_shared(Watch(run=feed.run.id, part=part), feed) for part in ("", "net.h.5–9", "none")]
    assert seen[0] == seen[2] != seen[1]
    few = WatchedModel(model="Few", layers=[WatchedLayer(name=n) for n in DEEP[:LARGE]])
    run = store.create_run(few)
    values = np.ones((1, LARGE, len(METRICS)), np.float32)
    store.append(run, StepBatch(np.array([1]), values, np.ones((1, len(SCALARS)))))
    small = Feed(store, run)
    seen = [_shared(Watch(run=run, part=part), small) for part in ("", "net.h.1")]
    assert seen[0] == seen[1]
    one, other = (compose(small, (), None, Watch(run=run, part=p)) for p in ("", "net.h.1"))
    assert encode(one) == encode(other) and type(one.now) is Layers
    assert one.names == tuple(DEEP[:LARGE])


def test_reports_and_exports_keep_every_layer(made: Made, store: Store) -> None:
    feed = made()
    frame = report._frame(store, feed, ())
    assert type(frame.now) is Layers and len(frame.names) == len(frame.now.marks) == len(DEEP)
    assert len(store.frame(feed.run.id)) == 40 * len(DEEP)
    assert frames.compose(feed, (), None, Watch(run=feed.run.id)).layers == len(DEEP)
