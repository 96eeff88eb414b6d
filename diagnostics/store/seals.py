"""Seals: checksums beside what is kept. A damaged file gives fewer numbers, never wrong ones.

SQLite notices where its own structure is broken, not where a bit within a value has flipped.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import orjson
from sqlalchemy import JSON, Dialect, TypeDecorator

DAMAGED = object()
"""In the place of JSON that can't be read."""


class Document(TypeDecorator[Any]):
    """JSON of which one row that can't be read does not hide all others."""

    impl = JSON
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """As of JSON, with ``DAMAGED`` for what is none."""
        process = super().result_processor(dialect, coltype)

        def read(value: Any) -> Any:
            try:
                return process(value) if process else value
            except (ValueError, TypeError):
                return DAMAGED

        return read


def parse(text: Any) -> Any:
    """JSON of a store: no number that the wire can't carry, and no half letter.

    Raises:
        ValueError: it is none.
        TypeError: SQLite has kept a number as one, which SQLAlchemy then takes as it is.
    """
    if not isinstance(text, str | bytes):
        raise TypeError
    return orjson.loads(text)


def seal(*values: Any) -> int:
    """A checksum of values as a store gives them back."""
    found = 0
    for value in values:
        found = zlib.crc32(_plain(value), found)
        found = zlib.crc32(b"\0", found)
    return found


def sealed(row: dict[str, Any]) -> dict[str, Any]:
    """A row with a seal on all of it."""
    return {**row, "seal": _whole(row)}


def sound(row: Any) -> bool:
    """Whether a row of such a table is as it was written; one from before there were seals is."""
    values = {name: value for name, value in row._mapping.items() if name not in ("id", "seal")}
    return row.seal is None or row.seal == _whole(values)


def _whole(values: Mapping[str, Any]) -> int:
    """Of all that is there, in the order of names: a column that is added later changes nothing."""
    return seal(*(values[name] for name in sorted(values) if values[name] is not None))


def _plain(value: Any) -> bytes:
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    value = value.item() if isinstance(value, np.generic) else value
    try:
        return json.dumps(value, sort_keys=True).encode()
    except TypeError:
        return repr(value).encode(errors="replace")
