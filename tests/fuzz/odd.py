"""Hostile and odd input: texts, JSON and bytes, and what is right with something odd in it."""

import copy
import json
from collections.abc import Iterable, Iterator
from typing import Any

from hypothesis import strategies as st

TEXTS = (
    "", " ", "\0", "\n", "\r\nSet-Cookie: a=b", "'", '"', "`", "\\", "%", "%00", "%s%n", "%zz",
    "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "../../etc/passwd", "..%2f..%2fetc", "/",
    "//x", "{0.__class__}", "${7*7}", "a" * 5_000, "\u202e", "\ud800", "\ufeff", "𝒳", "é\u0301",
    "١٢", "²", "½", "nan", "inf", "-inf", "1e999", "-0", "0x10", "1_000", "1.5", "-1", "9" * 400,
    "9" * 5_000, "1e-400", "true", "null", "None", "[]", "{}", "a=b&c=d", "a;b", "a,b", ",", "=",
    "&", "#", "?", "[", "[::1",
)  # fmt: skip

NUMBERS = (
    0, -1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**400, 1e308, -0.0, 5e-324,
    float("nan"), float("inf"), float("-inf"), True, False,
)  # fmt: skip

texts = st.one_of(st.sampled_from(TEXTS), st.text(max_size=30))
scalars = st.one_of(st.none(), texts, st.sampled_from(NUMBERS), st.integers(), st.floats())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=8,
)
"""Whatever JSON can say, and Python's can't."""


recipes = st.lists(
    st.tuples(st.integers(0, 10**6), st.sampled_from(["replace", "add", "drop"]), texts, values),
    max_size=3,
)
"""How something is spoilt: where, in which way, and by what."""

cuts = st.tuples(st.integers(0, 10**6), st.integers(0, 64), st.binary(max_size=16))
"""How bytes are torn: where, how much of them goes, and what comes instead."""


def spoil(right: Any, recipe: Iterable[tuple[int, str, str, Any]]) -> Any:
    """What is right with some of its parts replaced, left out, or added to."""
    whole = {"": copy.deepcopy(right)}
    for place, way, key, value in recipe:
        places = list(_places(whole))
        inside, there = places[place % len(places)]
        if way == "drop" and inside is not whole:
            del inside[there]
        elif way == "add" and isinstance(inside[there], dict):
            inside[there][key] = value
        else:
            inside[there] = value
    return whole[""]


def _places(within: Any) -> Iterator[tuple[Any, Any]]:
    """Where something stands: what it stands in, and under which key or index."""
    keys: Any = within if isinstance(within, dict) else range(len(within))
    for key in list(keys):
        yield within, key
        if isinstance(within[key], dict | list):
            yield from _places(within[key])


def tear(body: bytes, cut: tuple[int, int, bytes]) -> bytes:
    """Bytes with a piece cut out, and another in its place."""
    place, length, instead = cut
    start = place % (len(body) + 1)
    return body[:start] + instead + body[start + length :]


def as_json(value: Any) -> bytes:
    """As JSON, with what of it has no spelling there as Python spells it."""
    try:
        return json.dumps(value, default=str).encode()
    except ValueError:  # a number of more digits than Python converts
        return b"1" * 5_000


def torn(right: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Bytes with a piece of them exchanged."""
    return st.builds(tear, right, cuts)


def sent(right: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """What somebody sends in the place of some JSON."""
    spoilt = st.builds(spoil, right, recipes).map(as_json)
    return st.one_of(spoilt, spoilt, spoilt, torn(spoilt))
