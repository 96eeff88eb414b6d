"""Words that spell many configurations: ``init=he_normal,lsuv depth=5:50:5 steps=200``.

With ``steps=0`` networks are measured at initialization, and none is trained.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import product

from diagnostics.subject.config import InvalidConfig, RunConfig

MOST_CELLS = 10_000

RANGE = re.compile(r"([^:]+):([^:]+)(?::(x?)([^:]+))?")
"""LOW:HIGH, LOW:HIGH:STEP, or LOW:HIGH:xFACTOR; both ends belong to it."""

SPELLED = "LOW:HIGH, LOW:HIGH:STEP or LOW:HIGH:xFACTOR"

UNTRAINED = "steps=0"


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


@dataclass(frozen=True)
class Plan:
    """What is to be found out.

    Attributes:
        words: that spell it, one a field.
        values: of each field that is varied, in the order of the words.
        trained: whether networks are trained; else they are measured at initialization.
    """

    words: tuple[str, ...]
    values: Mapping[str, tuple[object, ...]]
    cells: tuple[Cell, ...]
    trained: bool


def plan(words: Iterable[str]) -> Plan:
    """Every combination of the values that words give, the last field varied fastest.

    Args:
        words: ``key=value``, ``key=A,B``, ``key=LOW:HIGH:STEP`` or ``key=LOW:HIGH:xFACTOR``; one
            may hold several of them.

    Raises:
        InvalidConfig: a field, a value or a range that can't be, or too many combinations.
    """
    parts = [part for text in words for part in text.split()]
    given = dict(_given(part for part in parts if part != UNTRAINED))
    trained = UNTRAINED not in parts
    if not trained and "steps" in given:
        raise InvalidConfig(f"steps is given twice: {UNTRAINED} goes with no other.", "steps")
    count = math.prod(map(len, given.values()))
    if count > MOST_CELLS:
        raise InvalidConfig(f"These are {count:,} networks: a sweep has at most {MOST_CELLS:,}.")
    varied = [key for key, texts in given.items() if len(texts) > 1]
    every = (dict(zip(given, texts, strict=True)) for texts in product(*given.values()))
    cells = tuple(_cell(place, texts, varied) for place, texts in enumerate(every))
    values = {key: tuple(dict.fromkeys(cell.values[key] for cell in cells)) for key in varied}
    return Plan(tuple(parts), values, cells, trained)


def _given(words: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """The values of each field, each of them one that can be."""
    known: set[str] = set()
    for word in words:
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
    *ends, times, by = found.groups(default="1")
    low, high, step = (_number(key, text, part) for part in (*ends, by))
    return [f"{value:f}" for value in _range(key, text, (low, high, step), times == "x")]


def _range(
    key: str, text: str, ends: tuple[Decimal, Decimal, Decimal], times: bool
) -> Iterator[Decimal]:
    """From LOW to HIGH by a STEP, or times a FACTOR."""
    low, high, step = ends
    if low > high or step <= times or (times and low <= 0):
        by = "times a FACTOR above 1, from above 0" if times else "by a STEP above 0"
        raise InvalidConfig(f"{key}={text} is empty: it must go up, {by}.", key)
    count = (math.log(high / low) / math.log(step) + 1e-9 if times else (high - low) / step) + 1
    if count > MOST_CELLS:
        raise InvalidConfig(f"{key}={text} has more than {MOST_CELLS:,} values.", key)
    return (low * step**i if times else low + i * step for i in range(int(count)))


def _number(key: str, text: str, part: str) -> Decimal:
    try:
        number = Decimal(part)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or abs(number.adjusted()) > 99:
        raise InvalidConfig(f"{key}={text} is no range: it must be {SPELLED}, in numbers.", key)
    return number


def _cell(place: int, texts: Mapping[str, str], varied: Iterable[str]) -> Cell:
    words = [f"{key}={text}" for key, text in texts.items()]
    try:
        config = RunConfig.from_words(words)
    except InvalidConfig as refusal:
        return Cell(place, {key: texts[key] for key in varied}, None, str(refusal))
    return Cell(place, {key: getattr(config, key) for key in varied}, config)
