"""Frames on their way into a file: numbers as exact as is seen, and of each frame what changed."""

from collections.abc import Iterable
from typing import Any

import orjson

from diagnostics.dashboard.wire import encode

DIGITS = 4
"""Significant ones: no chart or tooltip shows more."""


def plain(sent: object) -> Any:
    """What a browser would be sent, as JSON's own types and with short numbers."""
    return _short(orjson.loads(encode(sent)))


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, list):
        return [*map(_short, value)]
    return {key: _short(one) for key, one in value.items()} if isinstance(value, dict) else value


def chain(states: Iterable[Any]) -> list[Any]:
    """The first as it is, of each other what changed since the one before."""
    found: list[Any] = []
    before: Any = None
    for now in states:
        found.append(change(before, now) if found else now)
        before = now
    return found


def change(before: Any, now: Any) -> Any:
    """What leads from one value to another; ``grown`` in `assets/site/film.js` goes that way.

    A number, a word or a list stands for itself. ``{"=": value}`` is a value that is an object,
    ``{"+": [...]}`` goes on behind a list, ``{"|": [[...], ...]}`` behind each row of one; any
    other object changes some keys, or places of a list of objects.
    """
    if isinstance(now, dict):
        if not isinstance(before, dict) or before.keys() - now.keys():
            return {"=": now}
        return _changed(before, now, now)
    if not isinstance(now, list) or not isinstance(before, list) or not before:
        return now
    if len(now) > len(before) and now[: len(before)] == before:
        return {"+": now[len(before) :]}
    if len(now) != len(before):
        return now
    if all(isinstance(one, dict) for one in (*before, *now)):
        return _changed(before, now, range(len(now)))
    return {"|": tails} if (tails := _tails(before, now)) else now


def _changed(before: Any, now: Any, keys: Iterable[Any]) -> dict[str, Any]:
    new = object()
    old = {key: before.get(key, new) if isinstance(before, dict) else before[key] for key in keys}
    return {
        str(key): change(was, now[key]) for key, was in old.items() if was is new or was != now[key]
    }


def _tails(before: list[Any], now: list[Any]) -> list[list[Any]]:
    """What goes on behind each row; nothing where a row does not go on."""
    pairs = list(zip(before, now, strict=True))
    if not all(isinstance(old, list) and isinstance(new, list) for old, new in pairs):
        return []
    if not all(len(new) > len(old) and new[: len(old)] == old for old, new in pairs):
        return []
    return [new[len(old) :] for old, new in pairs]
