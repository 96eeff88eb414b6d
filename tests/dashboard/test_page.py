"""What the server sends to whoever opens the page, and answers to wishes."""

import gzip
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from diagnostics.dashboard import hub
from diagnostics.dashboard.server import make_app
from diagnostics.runs.runner import Runner
from diagnostics.store.store import Store
from tests.conftest import NoWorkers, steps


@pytest.fixture
def client(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(hub, "AT_ONCE_SECONDS", 30.0)  # what is asked here is what, not how soon
    with ThreadPoolExecutor(1) as assistant:
        app = make_app(store, Runner(store, NoWorkers(), assistant))
        with TestClient(app, base_url="http://127.0.0.1") as client:
            yield client


def _data(html: str, name: str) -> object:
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', html)
    assert found
    return json.loads(found[1])


def _wish(
    client: TestClient, kind: str, value: object = None, **session: object
) -> dict[str, dict]:  # type: ignore[type-arg]
    asked = {"session": session, "wish": {"kind": kind, "value": value}, "pace": 20}
    answer = client.post("/wish", json=asked)
    assert answer.status_code == 200
    found: dict[str, dict] = answer.json()  # type: ignore[type-arg]
    return found


def test_the_page_comes_with_what_its_link_shows(client: TestClient) -> None:
    html = client.get("/?depth=3&activation=relu&view=weight&panel=units").text
    opened = _data(html, "opened")
    assert isinstance(opened, dict) and opened["session"]["view"] == "weight"
    assert opened["values"]["depth"] == 3 and opened["notice"] == ""
    assert re.search(r'value="weight" checked', html) and re.search(r'value="units" checked', html)


def test_a_run_is_in_the_page_before_any_script(client: TestClient, store: Store) -> None:
    run = _wish(client, "play", query="depth=3")["session"]["run"]
    store.append(run, steps(1, 4))
    frame = _data(client.get(f"/?run={run}").text, "frame")
    assert isinstance(frame, dict) and frame["newest"] == 4 and frame["verdict"]


def test_the_default_network_is_in_the_page_though_no_worker_has_started(store: Store) -> None:
    app = make_app(store, Runner(store, NoWorkers(), NoWorkers()))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        html = client.get("/").text
    frame = _data(html, "frame")
    assert isinstance(frame, dict) and frame["state"] == "preview" and frame["layers"] == 21
    assert frame["verdict"][0]["rule"] == "vanishing" and "Vanishing gradients" in html


def test_what_is_wrong_in_a_link_is_said_without_harm(client: TestClient) -> None:
    html = client.get("/?depth=0&colour=<script>alert(1)</script>").text
    assert "depth=0 can&#39;t be used" in html and "<script>alert" not in html


def test_text_goes_out_squeezed_and_what_has_a_version_is_kept(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-encoding"] == "gzip"
    assert page.headers["cache-control"] == "no-store"
    names = re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css))"', page.text)
    assert len(names) > 5
    for name in (*names, *names):
        answer = client.get(name)
        assert answer.status_code == 200, name
        assert answer.headers["content-encoding"] == "gzip", name
        assert "max-age=31536000" in answer.headers["cache-control"], name


def test_the_page_is_light_enough(client: TestClient) -> None:
    """At most 1.2 MB before it can be used."""
    page = client.get("/")
    names = re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css))"', page.text)
    texts = [page.content, *(client.get(name).content for name in names)]
    assert sum(len(gzip.compress(text, 6)) for text in texts) < 1_200_000


def test_any_other_address_is_told_to_be_none(client: TestClient) -> None:
    answer = client.get("/nosuchpage")
    assert answer.status_code == 404 and "/nosuchpage" in answer.text


def test_a_wish_is_granted_with_what_controls_show(client: TestClient) -> None:
    answer = _wish(client, "changes", {"norm": "batch"}, query="depth=3")
    assert answer["session"]["query"] == "norm=batch&depth=3"
    assert answer["values"]["norm"] == "batch" and answer["notice"] == ""


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("changes", {"depth": 0}),
        ("changes", {"colour": "red"}),
        ("changes", None),
        ("changes", "x"),
        ("scene", {}),
        ("scene", {"query": "depth=0", "view": "", "panel": ""}),
        ("run", "nobody"),
        ("run", None),
        ("lesson", [1]),
        ("link", "depth=-1"),
        ("play", 7),
        ("again", "x"),
        ("scene", {"query": 5, "view": "signal", "panel": "run"}),
    ],
)
def test_a_wish_that_cannot_be_leaves_all_as_it_was_and_says_so(
    client: TestClient, kind: str, value: object
) -> None:
    answer = _wish(client, kind, value, query="depth=3")
    assert answer["notice"]
    assert kind == "link" or answer["session"]["query"] == "depth=3"


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"wish": {"kind": "os"}}', "x" * 100_000])
def test_what_no_page_sends_is_refused(client: TestClient, body: str) -> None:
    answer = client.post("/wish", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422 and answer.json()["notice"]
