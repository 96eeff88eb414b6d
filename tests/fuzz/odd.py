"""Hostile and odd input: texts, JSON and bytes, and what is right with something odd in it."""

import copy
import json
from collections.abc import Iterator
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


@st.composite
def spoilt(draw: st.DrawFn, right: st.SearchStrategy[Any]) -> Any:
    """What is right with up to three of its parts replaced, left out, or added to."""
    whole = {"": copy.deepcopy(draw(right))}
    for _ in range(draw(st.integers(0, 3))):
        inside, key = draw(st.sampled_from(list(_places(whole))))
        if draw(st.booleans()) or inside is whole:
            inside[key] = draw(values)
        elif isinstance(inside, dict) and draw(st.booleans()):
            inside[draw(texts)] = draw(values)
        else:
            del inside[key]
    return whole[""]


def _places(within: Any) -> Iterator[tuple[Any, Any]]:
    """Where something stands: what it stands in, and under which key or index."""
    keys: Any = within if isinstance(within, dict) else range(len(within))
    for key in list(keys):
        yield within, key
        if isinstance(within[key], dict | list):
            yield from _places(within[key])


def as_json(value: Any) -> bytes:
    """As JSON, with what of it has no spelling there as Python spells it."""
    try:
        return json.dumps(value, default=str).encode()
    except ValueError:  # a number of more digits than Python converts
        return b"1" * 5_000


@st.composite
def sent(draw: st.DrawFn, right: st.SearchStrategy[Any]) -> bytes:
    """What somebody sends in the place of some JSON."""
    body = as_json(draw(spoilt(right)))
    if draw(st.integers(0, 9)):
        return body
    return draw(torn(body))


@st.composite
def torn(draw: st.DrawFn, body: bytes) -> bytes:
    """Bytes with a piece cut out, and another in its place."""
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, min(len(body), start + 64)))
    return body[:start] + draw(st.binary(max_size=16)) + body[end:]
