"""The table of runs side by side."""

from diagnostics.dashboard.compared import table
from diagnostics.dashboard.feed import Feed
from diagnostics.store.catalogue import Catalogue
from diagnostics.store.records import Event
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from diagnostics.subject.watched import WatchedModel
from tests.conftest import steps


def _feed(store: Store, config: RunConfig | WatchedModel, *events: Event) -> Feed:
    run = store.create_run(config)
    store.append(run, steps(1, 10), events)
    store.set_state(run, "finished")
    return Feed(store, run)


def test_columns_are_what_differs_then_or_later(store: Store) -> None:
    relu = RunConfig(activation="relu", depth=3, steps=10)
    changed = _feed(store, relu.changed(steps=20), Event(4, "set", {"lr": 5.0}))
    feeds = [_feed(store, relu), changed, _feed(store, relu.changed(norm="batch"))]
    found = table(feeds, Catalogue(store))
    assert found.columns == ("Normalization", "Learning rate")
    assert [row.values for row in found.rows] == [
        ("Off", "0.05"),
        ("Off", "0.05 → 5"),
        ("Batch", "0.05"),
    ]
    assert all(row.steps == 10 and row.diagnosis and row.decades is not None for row in found.rows)


def test_a_strangers_model_has_an_outcome_without_settings(store: Store) -> None:
    runs = [_feed(store, WatchedModel(model="Net")), _feed(store, RunConfig(depth=3))]
    waiting = Feed(store, store.create_run(RunConfig(depth=5)))
    found = table([*runs, waiting], Catalogue(store))
    assert found.columns == ("Depth",)
    assert [row.values for row in found.rows] == [("",), ("3",), ("5",)]
    assert (found.rows[2].diagnosis, found.rows[2].decades, found.rows[2].steps) == ("", None, 0)
