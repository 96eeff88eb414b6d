"""Words that spell many configurations: ``init=he_normal,lsuv depth=5:50:5 steps=200``."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import product

from diagnostics.subject.config import InvalidConfig, RunConfig

MOST_CELLS = 10_000

RANGE = re.compile(r"([^:]+):([^:]+)(?::([^:]+))?")
"""LOW:HIGH or LOW:HIGH:STEP; both ends belong to it."""


@dataclass(frozen=True)
class Cell:
    """One of a sweep's configurations; none where its values are at odds, as ``error`` says.

    Attributes:
        place: its number among all, from 0.
        values: of the fields that are varied.
    """

    place: int
    values: Mapping[str, object]
    config: RunConfig | None
    error: str = ""


def cells(words: Iterable[str]) -> tuple[Cell, ...]:
    """Every combination of the values that words give, the last field varied fastest.

    Args:
        words: ``key=value``, ``key=A,B`` or ``key=LOW:HIGH:STEP``; one may hold several of them.

    Raises:
        InvalidConfig: a field, a value or a range that can't be, or too many combinations.
    """
    given = dict(_given(words))
    count = math.prod(map(len, given.values()))
    if count > MOST_CELLS:
        raise InvalidConfig(f"These are {count:,} networks: a sweep has at most {MOST_CELLS:,}.")
    varied = [key for key, texts in given.items() if len(texts) > 1]
    every = (dict(zip(given, texts, strict=True)) for texts in product(*given.values()))
    return tuple(_cell(place, texts, varied) for place, texts in enumerate(every))


def _given(words: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """The values of each field, each of them one that can be."""
    known: set[str] = set()
    for word in (part for text in words for part in text.split()):
        key, equals, value = word.partition("=")
        if not equals:
            RunConfig.from_words([word])  # says what is missing
        if key in known:
            raise InvalidConfig(f"{key} is given twice: give all at once, {key}=A,B.", key)
        known.add(key)
        texts = [text for part in value.split(",") for text in _values(key, part)]
        for text in texts:
            RunConfig.from_words([f"{key}={text}"])
        yield key, list(dict.fromkeys(texts))


def _values(key: str, text: str) -> list[str]:
    """What a range holds, or the one value that it is none."""
    found = RANGE.fullmatch(text)
    if found is None:
        return [text]
    low, high, step = (_number(key, text, part) for part in found.groups(default="1"))
    if not (step > 0 and low <= high):
        raise InvalidConfig(f"{key}={text} is empty: it must go up, by a STEP above 0.", key)
    count = (high - low) / step + 1
    if count > MOST_CELLS:
        raise InvalidConfig(f"{key}={text} has more than {MOST_CELLS:,} values.", key)
    return [f"{low + i * step:f}" for i in range(int(count))]


def _number(key: str, text: str, part: str) -> Decimal:
    try:
        number = Decimal(part)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise InvalidConfig(
            f"{key}={text} is no range: it must be LOW:HIGH or LOW:HIGH:STEP, in numbers.", key
        )
    return number


def _cell(place: int, texts: Mapping[str, str], varied: Iterable[str]) -> Cell:
    words = [f"{key}={text}" for key, text in texts.items()]
    try:
        config = RunConfig.from_words(words)
    except InvalidConfig as refusal:
        return Cell(place, {key: texts[key] for key in varied}, None, str(refusal))
    return Cell(place, {key: getattr(config, key) for key in varied}, config)
