"""Whatever a browser asks: never a fault, never somebody else's run changed, one sentence."""

import json
import string
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example
from hypothesis import strategies as st

from diagnostics.dashboard.callbacks import PATH as FORM
from diagnostics.dashboard.charts import PANELS, VIEWS
from diagnostics.dashboard.deeds import VALUES
from diagnostics.dashboard.session import PAGE_KEYS, PINS, Session
from diagnostics.dashboard.wire import Deed
from diagnostics.subject.config import FIELDS
from diagnostics.subject.lessons import LESSONS
from tests.fuzz.cases import fuzz
from tests.fuzz.lab import CONFIG, Lab
from tests.fuzz.odd import as_json, recipes, sent, spoil, texts, values

KINDS = [*Deed.__args__]  # type: ignore[attr-defined]

METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "", "G\0"]

HEADERS = [
    "host", "origin", "cookie", "content-type", "accept-encoding", "range", "content-length",
    "if-none-match", "if-modified-since", "x-forwarded-for", "x-forwarded-host", "accept",
    "transfer-encoding", "authorization", "referer", "x",
]  # fmt: skip

RUNS = ["foreign 0", "foreign 1", "foreign 2", "foreign 3", "own 0", "own 1", "own 4", "nope"]
"""Runs by who has them: ids are made anew with each lab."""

runs = st.sampled_from(RUNS)


def _named(value: Any, lab: Lab) -> Any:
    """With the ids of runs in the place of whose they are."""
    if isinstance(value, dict):
        return {key: _named(one, lab) for key, one in value.items()}
    if isinstance(value, list):
        return [_named(one, lab) for one in value]
    if value in RUNS[:-1]:
        whose, number = value.split()
        return getattr(lab, whose)[int(number)]
    return value


def _of(lab: Lab, body: bytes) -> bytes:
    for one in RUNS[:-1]:
        body = body.replace(one.encode(), _named(one, lab).encode())
    return body


# ---- addresses ----

pairs = st.lists(st.tuples(texts, texts), max_size=4)
queries = st.one_of(pairs.map(lambda told: _encoded(told)), st.binary(max_size=40))


def _encoded(told: list[tuple[str, str]]) -> bytes:
    return urlencode(told, errors="surrogatepass").encode()


headers = st.lists(
    st.tuples(st.sampled_from(HEADERS), st.one_of(texts, st.text(string.printable, max_size=60))),
    max_size=3,
).map(lambda told: [(key.encode(), value.encode("utf-8", "replace")) for key, value in told])


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """Paths, as a server has them: without escapes."""
    begin = draw(
        st.sampled_from([
            "/", "/live", "/wish", "/runs", "/healthz", "/metrics", "/assets/", "/_dash-layout",
            "/_dash-component-suites/", "/_dash-component-suites/dash/", "/_dash-update-component",
            "/_dash-dependencies", "/_reload-hash", "/_favicon.ico", "/page-", "/assets/icon.svg",
        ])
    )  # fmt: skip
    return begin + draw(st.one_of(st.just(""), texts.filter(_sendable)))


def _sendable(text: str) -> bool:
    """A server decodes what is sent; half a letter has no bytes."""
    return "\ud800" not in text and text.isprintable()


@example(path="/_dash-component-suites/dash/0", query=b"", method="GET", headers=[], body=b"")
@example(path="/", query=b"", method="GET", headers=[(b"host", b"a\nb")], body=b"")
@example(path="/", query=b"", method="GET", headers=[(b"origin", b"a\nb")], body=b"")
@example(path="/", query=b"\x80", method="GET", headers=[], body=b"")
@example(path="/", query=b"", method="POST", headers=[], body=b"")
@fuzz(
    path=addresses(),
    query=queries,
    method=st.sampled_from(METHODS),
    headers=headers,
    body=st.one_of(st.binary(max_size=40), sent(st.just({}))),
)
def test_any_address_is_answered(
    lab: Lab, path: str, query: bytes, method: str, headers: Any, body: bytes
) -> None:
    lab.ask(path, query, method, body, headers)


KEYS = [*FIELDS, *PAGE_KEYS, *PINS, "host", "nonsense"]
KNOWN = [*VIEWS, *PANELS, *LESSONS, *RUNS, "relu", "3", "0.5", "he_normal", "digits", "adam"]


@example(told=[("layer", "9" * 5_000), ("at", "٣" * 5_000)])
@fuzz(
    told=st.lists(
        st.tuples(st.sampled_from(KEYS), st.one_of(texts, st.sampled_from(KNOWN))), max_size=5
    )
)
def test_any_link_opens_the_page(lab: Lab, told: list[tuple[str, str]]) -> None:
    assert lab.ask("/", _encoded([(key, _named(value, lab)) for key, value in told])).status in (
        200,
        303,
    )


@fuzz(
    told=st.lists(st.tuples(st.sampled_from(["search", "before", "limit", "x"]), texts), max_size=3)
)
def test_the_list_of_runs_answers_or_says_why_not(lab: Lab, told: Any) -> None:
    lab.ask("/runs", _encoded(told))


# ---- wishes ----

RIGHT: dict[str, st.SearchStrategy[Any]] = {
    "changes": st.sampled_from([{"lr": 0.5}, {"depth": 4, "norm": "batch"}]),
    "scene": st.just({"query": "depth=4", "view": "signal", "panel": "run"}),
    "lesson": st.sampled_from([None, *LESSONS]),
    "run": runs,
    "pin": st.one_of(st.none(), runs),
    "stop": runs,
    "describe": st.fixed_dictionaries({"run": runs, "name": texts, "note": texts}),
    "delete": runs,
    "restore": runs,
    "link": texts,
}


@st.composite
def asked(draw: st.DrawFn) -> dict[str, Any]:
    """What a page asks."""
    session = asdict(Session(CONFIG.query())) | {
        "pins": draw(st.lists(runs, max_size=5)),
        "run": draw(st.one_of(st.none(), runs)),
        "before": draw(st.one_of(st.none(), runs)),
    }
    kind = draw(st.sampled_from(KINDS))
    value = draw(RIGHT.get(kind, st.none()))
    return {"session": session, "wish": {"kind": kind, "value": value}, "pace": 0}


def test_every_wish_with_a_value_is_tried() -> None:
    assert RIGHT.keys() == VALUES.keys() <= {*KINDS}


@fuzz(body=sent(asked()))
def test_any_wish_is_answered_and_nobody_elses_run_changed(lab: Lab, body: bytes) -> None:
    lab.ask("/wish", method="POST", body=_of(lab, body))


# ---- the form ----


@pytest.fixture(scope="module")
def form(lab: Lab) -> dict[str, Any]:
    """What the form's callback is asked by a page."""
    (found,) = [
        one
        for one in json.loads(lab.ask("/_dash-dependencies").body)
        if one["output"] and not one["clientside_function"]
    ]
    inputs = [
        one | {"value": getattr(CONFIG, one["id"].rpartition("-")[2], None)}
        for one in found["inputs"]
    ]
    session = {"session": asdict(Session(CONFIG.query())), "pace": 0}
    state = [one | {"value": session} for one in found["state"]]
    return {
        "output": found["output"],
        "outputs": [_prop(one) for one in found["output"].strip(".").split("...")],
        "inputs": inputs,
        "state": state,
        "changedPropIds": [f"{inputs[0]['id']}.{inputs[0]['property']}"],
    }


def _prop(name: str) -> dict[str, str]:
    key, _, prop = name.rpartition(".")
    return {"id": key, "property": prop}


@fuzz(
    place=st.integers(0, 99),
    value=st.one_of(values, st.sampled_from(KNOWN)),
    run=runs,
    recipe=recipes,
)
def test_any_change_of_the_form_is_answered(
    lab: Lab, form: dict[str, Any], place: int, value: Any, run: str, recipe: Any
) -> None:
    inputs = [*form["inputs"]]
    one = place % len(inputs)
    inputs[one] = inputs[one] | {"value": value}
    session = {"session": asdict(Session(CONFIG.query(), run=run)), "pace": 0}
    state = [one | {"value": session} for one in form["state"]]
    right = {**form, "inputs": inputs, "state": state}
    lab.ask(FORM, method="POST", body=_of(lab, as_json(spoil(right, recipe))))


# ---- the socket ----

watches = st.fixed_dictionaries(
    {
        "run": st.one_of(st.none(), runs),
        "pins": st.lists(runs, max_size=6),
        "before": st.one_of(st.none(), runs),
        "view": st.sampled_from([*VIEWS]),
        "panel": st.sampled_from([*PANELS]),
        "query": st.one_of(st.just(CONFIG.query()), st.sampled_from(KNOWN), texts),
        "layer": st.integers(-9, 9),
        "at": st.one_of(st.none(), st.integers(-5, 20)),
    }
)
messages = st.one_of(sent(watches), sent(st.just({"ack": 1})), st.binary(max_size=30), sent(values))


@fuzz(told=st.lists(st.tuples(messages, st.booleans()), max_size=4))
def test_a_page_is_answered_whatever_others_say(lab: Lab, told: list[tuple[bytes, bool]]) -> None:
    said = [(_of(lab, body), text) for body, text in told]
    lab.talk([body.decode("utf-8", "replace") if text else body for body, text in said])
    assert lab.talk([]), "a page was not answered"
