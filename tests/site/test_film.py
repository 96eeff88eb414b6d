"""A recorded run says at each step what the live page does."""

from collections.abc import Sequence
from typing import Any

import pytest

from diagnostics.dashboard import charts, frames
from diagnostics.dashboard.feed import Feed
from diagnostics.dashboard.wire import Watch
from diagnostics.site import album
from diagnostics.site import film as filmed
from diagnostics.site.compact import plain
from diagnostics.site.film import MOST_STEPS, film
from diagnostics.store.records import Diagnosis
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig

DIVERGES = "activation=relu init=he_normal depth=3 width=64 lr=1 steps=300"


def as_it_is(config: RunConfig, found: Sequence[Diagnosis]) -> tuple[Diagnosis, ...]:
    return tuple(found)


def _film(store: Store, words: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """With its frames in full, not as changes."""
    monkeypatch.setattr(filmed, "chain", list)
    monkeypatch.setattr(album, "chain", list)
    return film(store, RunConfig.from_words(words.split()), as_it_is).told


def _live(store: Store) -> Feed:
    """The run as it was trained, every step of it."""
    runs = sorted(store.runs(), key=lambda run: len(Feed(store, run.id).kept))
    return Feed(store, runs[-1].id)


@pytest.mark.parametrize("words", ["depth=4 width=8 steps=240 seed=1", DIVERGES])
def test_its_verdicts_are_those_of_the_live_page(
    words: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = _film(store, words, monkeypatch)
    live = _live(store)
    assert taken["steps"][-1] == live.newest.steps[0] and len(taken["steps"]) <= MOST_STEPS + 1
    for view in charts.VIEWS:
        before, *steps, left = taken["views"][view]
        assert before["state"] == "preview" and left["state"] == live.run.state
        for at, shot in zip([*taken["steps"], None], [*steps, left], strict=True):
            said = frames.diagnoses(live, None, at)
            assert [one["sentence"] for one in shot["verdict"]] == [one.sentence for one in said]
            expected = frames.compose(live, (), None, Watch(view=view, at=at))
            assert shot["now"]["decades"] == plain(expected.now)["decades"]
            assert (shot["last"], shot["away"]) == (expected.last, expected.away)


def test_its_history_grows_and_its_metrics_serve_all_views(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = _film(store, "depth=3 width=8 steps=30", monkeypatch)
    for view in charts.VIEWS.values():
        assert all(view.metric in metrics for metrics in taken["metrics"])
        for n, shot in enumerate(taken["views"][view.key][1:-1], 1):
            history = shot["history"]
            assert history["steps"] == taken["steps"][:n] == history["heat"]["steps"]
            assert {len(row) for row in history["heat"]["decades"]} == {n}
            assert history["clipping"]["steps"] == taken["steps"][:n]


def test_pictures_come_at_steps_and_not_by_the_clock(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = _film(store, "depth=2 width=4 steps=48 dataset=spirals", monkeypatch)
    assert [one["step"] for one in taken["learned"]] == [0, *range(1, 48, 2), 48]
    assert all(one["ground"]["reach"] > 0 and one["guesses"] for one in taken["learned"])
    assert len(taken["lives"]) == 2 and all(len(one["dead"]) == 4 for one in taken["lives"])
