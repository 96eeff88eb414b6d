"""The wire's types for the scripts: ``python -m diagnostics.dashboard.typescript`` writes them.

With ``--check`` it only says whether they are fresh.
"""

import dataclasses
import sys
from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from diagnostics.dashboard import wire
from diagnostics.dashboard.embedded import ASSETS

FILE = ASSETS / "wire.d.ts"
HEAD = """// Made from diagnostics/dashboard/wire.py by: python -m diagnostics.dashboard.typescript

export as namespace Wire;
"""
PLAIN = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    NoneType: "null",
    Any: "any",
}
NAMED = {
    thing: name for name, thing in vars(wire).items() if get_origin(thing) in (Literal, Mapping)
}
"""The wire's own names for types that are no classes."""


def declarations() -> str:
    """The text of the file."""
    aliases = [f"export type {name} = {_spelt(hint)};\n" for hint, name in NAMED.items()]
    return "\n".join([HEAD, *aliases, *map(_interface, _classes())])


def written(hint: Any) -> str:
    """A Python type in TypeScript. Raises ``TypeError`` for one that has no place on the wire."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return hint.__name__
    return {**PLAIN, **NAMED}.get(hint) or _spelt(hint)


def _spelt(hint: Any) -> str:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return str(parts[1])
    if origin is Literal:
        return " | ".join(f'"{part}"' for part in parts)
    if origin in (Union, UnionType):
        return " | ".join(map(written, parts))
    if origin is list or (origin is tuple and parts[1:] == (...,)):
        return f"({written(parts[0])})[]" if "|" in written(parts[0]) else f"{written(parts[0])}[]"
    if origin is tuple:
        return f"[{', '.join(map(written, parts))}]"
    if origin in (dict, Mapping):
        return f"Record<{', '.join(map(written, parts))}>"
    raise TypeError(f"{hint} can't be sent")


def _classes() -> list[type]:
    """All that is declared in the wire, and what their fields are made of."""
    found: dict[type, None] = {}
    waiting = [thing for thing in vars(wire).values() if isinstance(thing, type)]
    waiting = [thing for thing in waiting if thing.__module__ == wire.__name__]
    while waiting:
        found.setdefault(one := waiting.pop(0))
        hints = get_type_hints(one, include_extras=True).values()
        waiting += [c for hint in hints for c in _within(hint) if c not in found]
    return list(found)


def _within(hint: Any) -> Iterator[type]:
    if dataclasses.is_dataclass(hint):
        yield hint  # type: ignore[misc]
    for part in get_args(hint):
        yield from _within(part)


def _interface(cls: Any) -> str:
    hints = get_type_hints(cls, include_extras=True)
    fields = [f"  {field.name}: {written(hints[field.name])};" for field in dataclasses.fields(cls)]
    summary = (cls.__doc__ or "").partition("\n")[0]
    return "\n".join([f"/** {summary} */", f"export interface {cls.__name__} {{", *fields, "}\n"])


def fresh() -> bool:
    """Whether the file says what the wire does."""
    return FILE.exists() and FILE.read_text(encoding="utf-8") == declarations()


if __name__ == "__main__":
    if "--check" not in sys.argv:
        FILE.write_text(declarations(), encoding="utf-8")
    elif not fresh():
        sys.exit(f"{FILE.name} is stale: run python -m diagnostics.dashboard.typescript")
