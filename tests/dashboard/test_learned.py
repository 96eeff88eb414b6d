"""What is learned, on its way to the browser: what is true, once, and only where it is in sight."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from diagnostics.dashboard import learned
from diagnostics.dashboard.learned import Shot, compose, news
from diagnostics.dashboard.wire import Learned, Watch, encode
from diagnostics.engine.lab.profiler import portrait
from diagnostics.store.pictures import BINS
from diagnostics.store.store import Store
from diagnostics.subject import theory
from diagnostics.subject.config import RunConfig
from tests.conftest import picture, steps
from tests.dashboard.test_live import Browser, client

__all__ = ["client"]

SPIRALS = RunConfig(dataset="spirals", depth=3, width=4)


def _learned(layer: int = 1, inside: bool = True, **more: Any) -> Learned:
    shot = Shot(SPIRALS, None, replace(picture(7), **more), 0.5)
    return compose(Watch(run="r", layer=layer), shot, preview=False, inside=inside)


def test_only_the_chosen_layer_goes_out_and_only_where_it_is_in_sight() -> None:
    shot = picture(7)
    told = _learned(layer=2)
    assert told.inside is not None and told.inside.layer == 2
    assert np.array_equal(told.inside.histograms["weight"].counts, shot.counts[1, 2])
    assert np.array_equal(told.inside.dead, shot.dead[1])
    assert _learned(inside=False).inside is None
    assert _learned(layer=4).inside is None, "the output's units are the classes"


def test_what_is_no_number_is_null() -> None:
    mean = np.full((3, 4), np.nan, np.float32)
    told = json.loads(encode(_learned(mean=mean)))
    assert told["inside"]["mean"] == [None] * 4
    assert told["inside"]["histograms"]["signal"]["nonfinite"] == 2


def test_news_are_sent_once_and_the_ground_once_a_network() -> None:
    ground, shot = portrait(SPIRALS)
    first = compose(Watch(run="r"), Shot(SPIRALS, ground, shot, 0.5), preview=False, inside=False)
    assert news(None, first) is first and first.ground is not None
    assert news(first, first) is None and news(first, None) is None
    later = news(first, replace(first, step=9))
    assert later is not None and later.ground is None and later.step == 9
    assert news(first, replace(first, run="other")).ground is not None  # type: ignore[union-attr]
    nan = replace(first, heldout=float("nan"))
    assert news(nan, replace(nan)) is None


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "tanh"])
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_the_predicted_shares_are_those_of_a_wide_network(activation: str, norm: str) -> None:
    init = "he_normal" if activation == "relu" else "glorot_normal"
    config = RunConfig(
        dataset="gaussian", depth=3, width=512, activation=activation, init=init, norm=norm
    )
    _, shot = portrait(config)
    told = compose(Watch(layer=3), Shot(config, None, shot), preview=True, inside=True)
    assert told.inside is not None
    found = told.inside.histograms["activation"]
    assert found.predicted is not None
    shares = found.counts / (found.counts.sum() + found.zeros)
    assert np.abs(shares - found.predicted).sum() < 0.15
    assert found.predicted.sum() == pytest.approx(0.5 if activation == "relu" else 1, abs=0.02)


def test_where_theory_is_silent_no_shares_are_predicted() -> None:
    edges = np.linspace(-1, 1, BINS + 1)
    assert theory.shares(RunConfig(init="lsuv"), 1, edges) is None


def _stored(store: Store, config: RunConfig = SPIRALS) -> str:
    run = store.create_run(config)
    ground, _ = portrait(config)
    assert ground is not None
    store.append(run, steps(1, 50), taken=[ground, picture(1), picture(30)])
    store.set_state(run, "finished")
    return run


def _first(browser: Browser, **what: Any) -> dict[str, Any]:
    """The picture that follows a frame, or several where remedies are being tried."""
    browser.watch(query=SPIRALS.query(), **what)
    found: dict[str, Any] | None = None
    while found is None:
        found = browser.message()["learned"]
    return found


def test_scrubbing_shows_the_plane_of_that_step(store: Store, client: Any) -> None:
    run = _stored(store)
    with client.websocket_connect("/live") as socket:
        browser = Browser(socket)
        newest = _first(browser, run=run)
        assert newest["step"] == 30 and newest["ground"]["reach"] > 0 and newest["inside"] is None
        assert newest["guesses"] == picture(30).guesses.tolist()
        early = _first(browser, run=run, at=12)
        assert early["step"] == 1 and early["ground"] is None
        inside = _first(browser, run=run, at=12, panel="inside", layer=3)["inside"]
        assert inside["layer"] == 3


def test_a_run_without_pictures_says_so(store: Store, client: Any) -> None:
    run = store.create_run(SPIRALS)
    store.append(run, steps(1, 5))
    store.set_state(run, "finished")
    with client.websocket_connect("/live") as socket:
        assert _first(Browser(socket), run=run)["step"] is None


def test_what_cannot_be_read_costs_the_picture_alone(
    store: Store, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _stored(store)
    monkeypatch.setattr(Store, "snapshot", lambda *given: 1 / 0)
    with client.websocket_connect("/live") as socket:
        browser = Browser(socket)
        browser.watch(run=run, query=SPIRALS.query())
        assert browser.message()["frame"]["newest"] == 50
        browser.watch(run=run, query=SPIRALS.query(), view="weight")
        message = browser.message()
    assert message["frame"]["view"] == "weight" and message["learned"] is None
    assert learned.news(None, None) is None
