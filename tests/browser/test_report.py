"""The report of a run, opened from its file without a network."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Page

from diagnostics import RunConfig, Store, train
from diagnostics.cli.commands import commands
from diagnostics.dashboard import charts
from diagnostics.dashboard.wire import Chart
from diagnostics.store.records import METRIC_INDEX, SCALAR_INDEX, StepBatch
from diagnostics.subject.watched import WatchedLayer, WatchedModel
from tests.browser.conftest import PATIENCE
from tests.conftest import steps

pytestmark = pytest.mark.browser

DRAWN = "document.querySelectorAll('.plot .main-svg .xy').length >= 7"


@pytest.fixture
def reported(chromium: Browser, store: Store, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens a run's report; at the end none may have complained or asked a host for anything."""
    complaints: list[str] = []
    page = chromium.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda r: complaints.append(r.url))

    def report(run: str, *compared: str) -> Page:
        file = tmp_path / "report.html"
        line = ["export", run, "--output", str(file)]
        line += [word for one in compared for word in ("--compare", one)]
        result = CliRunner().invoke(commands, line)
        assert result.exit_code == 0, result.output
        assert not re.search(r"<(script|link|img)[^>]*(src|href)=", file.read_text())
        page.goto(file.as_uri())
        page.wait_for_function(DRAWN)
        return page

    yield report
    page.close()
    assert not [one for one in complaints if not one.startswith(("file:", "blob:", "data:"))]


def test_a_report_opens_offline(reported: Callable[..., Page], store: Store) -> None:
    run = train(RunConfig(activation="sigmoid", depth=12, width=16, steps=20), store=store)
    page = reported(run.id)
    assert "sigmoid" in page.locator("h1").inner_text()
    assert page.locator(".verdict h2").first.inner_text().startswith("Vanishing")
    assert page.locator("#plot-lead .scatterlayer .point").count() >= 13
    assert page.locator("#plot-heat .hm image").count() == 1
    for chart in ("told", "attention_entropy", "router_evenness"):
        assert page.locator(f"#plot-{chart}").is_hidden()


def test_a_watched_report_has_names_marks_and_the_threshold(
    reported: Callable[..., Page], store: Store
) -> None:
    layers = tuple(WatchedLayer(name=f"body.{n}") for n in range(4))
    model = WatchedModel(model="</script>", layers=layers, clip="norm", clip_threshold=0.6)
    batch = steps(1, 30)
    batch.values[:, 1, METRIC_INDEX["update_ratio"]] = 0
    batch.values[-1, 2, METRIC_INDEX["signal_grad_norm"]] = np.nan
    batch.values[..., [METRIC_INDEX[key] for key in charts.seldom()]] = np.nan
    batch.values[:, 1, METRIC_INDEX["attention_entropy"]] = 0.5
    batch.scalars[:, SCALAR_INDEX["clipped_norm"]] = 0.5
    run = store.create_run(model)
    told = {"reward": np.linspace(-3, 5, 30), "kl": np.full(30, np.nan)}
    store.append(run, StepBatch(batch.steps, batch.values, batch.scalars, told))
    page = reported(run)
    words = page.locator("#plot-told .annotation-text").all_text_contents()
    assert words == ["reward  5", "kl"]
    assert page.locator("#plot-told .ytick").all_text_contents() == ["5", "−3"]
    assert page.locator("#plot-lead .xtick").all_text_contents() == [one.name for one in layers]
    assert page.locator("#plot-lead .textpoint").all_text_contents() == ["NaN / ∞"]
    assert page.locator("#plot-update_ratio .textpoint").all_text_contents() == ["0"]
    assert "10⁻²" in page.locator("#plot-lead .ytick").all_text_contents()
    assert page.evaluate("document.getElementById('plot-clip').data[2].y") == [0.6, 0.6]
    assert page.locator("#plot-attention_entropy .scatterlayer .point").count() == 1
    assert page.locator("#plot-router_evenness").is_hidden()


def test_a_metrics_row_is_a_chart_that_is_drawn(
    reported: Callable[..., Page], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {
        metric: Chart(metric, f"About {metric}", "", "layers", "small", metric, "nothing yet")
        for metric in ("weight_norm", "activation_mean", "sparsity", "bias_grad_norm")
    }
    rows["lr"] = Chart("lr", "Not here", "", "layers", "small", "weight_norm", reported=False)
    monkeypatch.setattr(charts, "CHARTS", {**charts.CHARTS, **rows})
    batch = steps(1, 30)
    batch.values[..., METRIC_INDEX["activation_mean"]] -= 3
    batch.values[..., METRIC_INDEX["bias_grad_norm"]] = np.nan
    run = store.create_run(RunConfig(depth=3))
    store.append(run, batch)
    page = reported(run)
    for metric in ("weight_norm", "activation_mean", "sparsity"):
        assert page.locator(f"#plot-{metric} .scatterlayer .point").count() == 4
        shown = page.evaluate(f"document.getElementById('plot-{metric}').data[1].y")
        assert shown == pytest.approx(batch.metric(metric)[-1].tolist())
    low, high = page.evaluate("document.getElementById('plot-activation_mean').layout.yaxis.range")
    assert low <= batch.metric("activation_mean")[-1].min() and high >= 0
    assert page.locator("#none-bias_grad_norm").inner_text() == "nothing yet"
    assert page.locator("#none-weight_norm").inner_text() == ""
    assert page.locator("#plot-lr").count() == 0


def test_runs_compared_are_named_lines_and_a_table(
    reported: Callable[..., Page], store: Store
) -> None:
    changed = [{"lr": 0.5}, {"activation": "tanh"}, {"norm": "batch"}, {"init": "orthogonal"}]
    configs = [RunConfig(depth=3), *(RunConfig(depth=3, **one) for one in changed)]
    runs = [store.create_run(config) for config in configs]
    for run in runs:
        store.append(run, steps(1, 30))
        store.set_state(run, "finished")
    page = reported(*runs)
    lines = "document.getElementById('plot-{}').data.filter(({{ y, name }}) => y?.length && {})"
    for key in ("lead", "saturated", "update_ratio", "loss"):
        of = "name && !/theory|loss|accuracy/.test(name)"
        found = page.evaluate(lines.format(key, of) + ".map(({ name, line }) => [name, line.dash])")
        names, dashes = zip(*found, strict=True)
        assert len(set(names)) == len(set(dashes)) == 4, key
    legend = set(page.locator("#legend span").all_inner_texts()) - {"theory"}
    words = page.locator("#plot-lead .annotation-text").all_text_contents()
    assert len(legend) == 5 and set(words) <= legend
    assert len(words) == 1, "they would stand on each other: all runs measured the same"
    rows = page.locator("#compared-rows tr")
    assert rows.count() == 5 and page.locator("#compared button").count() == 0
    head = page.locator("#compared-head th").all_inner_texts()
    assert head[:2] == ["Run", "Diagnosis"] and len(head) == 5 + len(changed)
    assert "0.5" in rows.nth(1).inner_text() and "Batch" in rows.nth(3).inner_text()


@pytest.mark.slow
def test_without_other_runs_there_is_no_table(reported: Callable[..., Page], store: Store) -> None:
    run = store.create_run(RunConfig(depth=3))
    store.append(run, steps(1, 30))
    assert reported(run).locator("#compared").is_hidden()
