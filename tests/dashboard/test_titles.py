"""Titles: what tells a run from the defaults, and runs from each other."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.dashboard.titles import apart, title
from diagnostics.store.store import Run, Store
from diagnostics.subject.config import FIELDS, RunConfig, choices_of
from diagnostics.subject.watched import WatchedModel
from tests.subject.test_config import ANY


def _runs(store: Store, *configs: RunConfig | WatchedModel) -> list[Run]:
    return [store.run(store.create_run(config)) for config in configs]


def test_a_title_tells_what_differs_from_the_defaults(store: Store) -> None:
    config = RunConfig(activation="relu", clip="norm", depth=5, residual=True, optimizer="adam")
    (run,) = _runs(store, config)
    told = "relu · glorot normal · clip norm · depth 5 · residual · adam"
    assert title(run) == told
    named = store.run(store.create_run(config, name="mine"))
    assert title(named) == "mine"


def test_runs_that_are_compared_are_told_by_what_was_toggled(store: Store) -> None:
    relu = RunConfig(activation="relu")
    runs = _runs(store, relu, relu.changed(init="he_normal"), relu.changed(norm="batch"))
    assert apart(runs) == [
        "glorot normal",
        "he normal",
        "glorot normal · batch norm",
    ]
    assert apart(runs[:1]) == ["relu · glorot normal"]


def test_twins_are_told_by_their_numbers(store: Store) -> None:
    runs = _runs(store, RunConfig(), RunConfig(), WatchedModel(model="Net"))
    assert apart(runs) == ["sigmoid · glorot normal #1", "sigmoid · glorot normal #2", "Net"]


def _another(field: str) -> object:
    """A value that is not the default."""
    usual, options = getattr(RunConfig(), field), choices_of(field)
    if options:
        return next(key for key in options if key != usual)
    return (not usual) if isinstance(usual, bool) else 2 if isinstance(usual, int) else 0.5


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_tells_runs_apart(store: Store, field: str) -> None:
    """Whatever differs, in however few words."""
    changed = RunConfig.make({field: _another(field)})
    names = apart(_runs(store, RunConfig(), changed))
    assert names[0] != names[1] and "#" not in "".join(names)


@settings(max_examples=40, deadline=None)
@given(st.lists(ANY, min_size=1, max_size=4))
def test_no_two_are_called_the_same(values: list[dict[str, object]]) -> None:
    store = Store("sqlite://")
    names = apart(_runs(store, *map(RunConfig.make, values + values[:1])))
    assert len(set(names)) == len(names)
    store.close()
