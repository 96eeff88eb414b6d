"""The page of sweeps, its answers and its files."""

import json
import time
from collections.abc import Iterator
from io import BytesIO, StringIO
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from diagnostics.dashboard.place import Place
from diagnostics.dashboard.server import make_app
from diagnostics.dashboard.sweeping import MOST_CELLS, Sweeping
from diagnostics.runs.limits import Limits
from diagnostics.runs.runner import Runner
from diagnostics.store.store import Store
from diagnostics.subject.lessons import LESSONS
from diagnostics.sweeps.presets import PRESETS
from diagnostics.sweeps.product import plan
from diagnostics.sweeps.tours import Tours
from tests.conftest import NoWorkers
from tests.sweeps.test_tours import Gate

ASKED = "depth=2,3,4&width=8&steps=3"


class Page:
    """A browser before the page."""

    def __init__(self, client: TestClient, gate: Gate) -> None:
        self.client, self.gate = client, gate

    def now(self, query: str, seen: str = "") -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/sweep/now?{query}&seen={seen}").json()
        return found

    def wish(self, kind: str, query: str = ASKED) -> dict[str, Any]:
        found: dict[str, Any] = self.client.post(
            "/sweep", json={"kind": kind, "query": query}
        ).json()
        return found

    def done(self, query: str = ASKED) -> dict[str, Any]:
        self.wish("start", query)
        while (now := self.now(query))["state"] == "going":
            time.sleep(0.01)
        return now


@pytest.fixture
def sweeping(file_store: Store) -> Iterator[tuple[Sweeping, Gate]]:
    gate, sweeping = Gate(file_store), Sweeping(file_store, limits=Limits(runs_each=4))
    sweeping.tours = Tours(file_store, gate)
    yield sweeping, gate
    sweeping.close()


@pytest.fixture
def page(file_store: Store, sweeping: tuple[Sweeping, Gate]) -> Iterator[Page]:
    app = make_app(file_store, Runner(file_store, NoWorkers()), sweeps=sweeping[0])
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield Page(client, sweeping[1])


def test_every_preset_is_a_page(page: Page) -> None:
    for preset in PRESETS:
        asked, html = plan([preset.words]), page.client.get(f"/sweep?{preset.query}").text
        assert html.count(" data-waits") == len(asked.cells) <= MOST_CELLS
        assert preset.title in html and 'aria-current="page"' in html
        assert page.now(preset.query)["count"] == len(asked.cells)


def test_what_lessons_lead_to_are_presets() -> None:
    known = {preset.query for preset in PRESETS}
    led = {lesson.sweep for lesson in LESSONS.values() if lesson.sweep}
    assert led and led <= known


def test_a_bare_address_shows_the_first_of_them(page: Page) -> None:
    html = page.client.get("/sweep").text
    assert "glorot_normal,he_normal" in html and "5:30:5" in html


def test_it_is_told_before_it_begins_how_long_it_takes(page: Page) -> None:
    assert page.now("depth=5:30:5&activation=relu,tanh&steps=1000")["told"].startswith(
        "Not begun · about "
    )


def test_it_fills_in_and_a_click_opens_a_run(page: Page, file_store: Store) -> None:
    begun = page.wish("start")
    assert (begun["state"], begun["done"], begun["yours"]) == ("going", 0, True)
    page.gate.open(3)
    now = page.done()
    assert (now["state"], now["done"], now["told"]) == ("done", 3, "Complete")
    assert all(f"/?run={run.id}" in now["html"] for run in file_store.runs())
    assert page.now(ASKED, now["version"])["html"] is None
    assert page.now(f"{ASKED}&show=accuracy", now["version"])["html"]


def test_what_is_measured_at_initialization_opens_its_network(page: Page) -> None:
    page.gate.open(2)
    now = page.done("depth=2,3&width=8&steps=0&show=decades")
    assert "/?depth=2&amp;width=8" in now["html"] and "decades" in now["html"]


def test_rows_columns_and_what_is_shown_are_chosen(page: Page) -> None:
    query = "init=he_normal,lsuv&activation=relu,tanh&depth=2,3,4&steps=0"
    now = page.now(query)
    assert (now["columns"], now["rows"], now["show"]) == ("depth", "init", "curves")
    assert now["varied"] == ["init", "activation", "depth"]
    now = page.now(f"{query}&columns=init&rows=activation&show=dead")
    assert (now["columns"], now["rows"], now["show"]) == ("init", "activation", "dead")
    assert now["html"].index("relu · depth 2") < now["html"].index("tanh · depth 2")


REFUSED = {
    "depth=x": "depth",
    "depth=5:3": "must go up",
    "nope=3": "nope",
    "depth=2,3&columns=width": "columns=width can't be used",
    "depth=2,3&show=nothing": "show=nothing can't be used",
    "seed=0:9000": "the page takes at most",
    "depth=<script>alert(1)</script>,2": "depth",
    "steps=0,5": "steps",
}


@pytest.mark.parametrize("query", REFUSED)
def test_what_can_not_be_is_refused_in_a_sentence_at_its_field(page: Page, query: str) -> None:
    now = page.now(query)
    assert REFUSED[query] in now["notice"] and not now["html"] and not now["count"]
    html = page.client.get(f"/sweep?{query}")
    assert html.status_code == 200 and "<script>alert" not in html.text
    assert REFUSED[query] in page.wish("start", query)["notice"]
    assert page.client.get(f"/sweep.csv?{query}").status_code == 422


def test_files_have_what_is_known(page: Page) -> None:
    page.gate.open(3)
    page.done()
    csv = page.client.get(f"/sweep.csv?{ASKED}")
    parquet = page.client.get(f"/sweep.parquet?{ASKED}")
    told = json.loads(page.client.get(f"/sweep.json?{ASKED}").text)
    assert pd.read_csv(StringIO(csv.text))["depth"].tolist() == [2, 3, 4]
    assert pd.read_parquet(BytesIO(parquet.content))["depth"].tolist() == [2, 3, 4]
    assert len(told["data"]) == 3 and "diagnosis" in told["columns"]
    html = page.client.get(f"/sweep.html?{ASKED}")
    assert html.text.startswith("<!doctype html>") and "attachment" in str(html.headers)
    assert page.client.get("/sweep.exe?depth=2").status_code == 404


def test_another_is_told_to_wait_and_nothing_that_no_page_sends_is_taken(page: Page) -> None:
    page.wish("start")
    assert "one at a time" in page.wish("start", "depth=5,6")["notice"]
    page.wish("stop")
    assert page.client.post("/sweep", json={"kind": "explode", "query": ""}).status_code == 422
    assert page.client.post("/sweep", content=b"[", headers={"content-type": "application/json"})


def test_a_guest_stops_no_other_s_sweep_and_sweeps_no_more_than_allowed(
    file_store: Store, sweeping: tuple[Sweeping, Gate]
) -> None:
    app = make_app(
        file_store, Runner(file_store, NoWorkers()), place=Place("0.0.0.0"), sweeps=sweeping[0]
    )
    guests = [
        Page(TestClient(app, base_url="http://10.0.0.5", client=(f"10.0.0.{i}", 50)), sweeping[1])
        for i in (7, 8)
    ]
    assert "keeps no cookie" in guests[0].wish("start")["notice"]
    for guest in guests:
        guest.client.get("/sweep")
    assert "this server allows 4" in guests[0].wish("start", "depth=2:9")["notice"]
    assert guests[0].wish("start")["state"] == "going"
    assert not guests[1].now(ASKED)["yours"]
    assert "somebody else's" in guests[1].wish("stop")["notice"]
    assert guests[0].wish("stop")["notice"] == ""
