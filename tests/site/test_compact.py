"""What changed of a frame leads to the next, whatever it is."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from diagnostics.site.compact import chain, plain

NUMBERS = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "+", "=", "|", "a"])
KEYS = st.sampled_from(["now", "verdict", "1"])
VALUES = st.recursive(
    NUMBERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
)


def grown(before: Any, change: Any) -> Any:
    """As the scripts go on from a value; theirs is tested beside them, and on the page."""
    if not isinstance(change, dict):
        return change
    if "=" in change:
        return change["="]
    if "+" in change:
        return before + change["+"]
    if "|" in change:
        return [row + tail for row, tail in zip(before, change["|"], strict=True)]
    keys = range(len(before)) if isinstance(before, list) else {**before, **change}
    found = {key: grown_at(before, key, change) for key in keys}
    return [*found.values()] if isinstance(before, list) else found


def grown_at(before: Any, key: Any, change: dict[str, Any]) -> Any:
    was = before[key] if isinstance(before, list) else before.get(key)
    return grown(was, change[str(key)]) if str(key) in change else was


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_a_chain_leads_through_all_its_states(states: list[Any]) -> None:
    first, *changes = chain(states)
    found = [first]
    for change in changes:
        found.append(grown(found[-1], change))
    assert found == states


def test_what_grows_is_told_by_its_end_alone() -> None:
    states = [{"steps": [1], "heat": [[1], [2]]}, {"steps": [1, 2], "heat": [[1, 3], [2, 4]]}]
    assert chain(states)[1] == {"steps": {"+": [2]}, "heat": {"|": [[3], [4]]}}


def test_numbers_are_as_exact_as_is_seen() -> None:
    assert plain({"a": [1.23456e-12, float("nan")], "b": 12345}) == {
        "a": [1.235e-12, None],
        "b": 12345,
    }
