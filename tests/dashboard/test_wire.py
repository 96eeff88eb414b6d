"""The wire: what the scripts are told of it is true, and a number that is none is null."""

import json
from typing import Any

import numpy as np
import pytest

from diagnostics.dashboard import typescript
from diagnostics.dashboard.wire import Heat, Series, encode


def test_the_scripts_types_are_fresh() -> None:
    assert typescript.fresh(), "run: python -m diagnostics.dashboard.typescript"


def test_what_is_no_number_is_null() -> None:
    series = Series(np.arange(2), np.array([np.nan, 1.0]), np.array([np.inf, 2]), np.zeros(2))
    found = json.loads(encode(series))
    assert (found["steps"], found["loss"], found["heldout"]) == ([0, 1], [None, 1], [None, 2])


def test_arrays_may_lie_across_memory() -> None:
    heat = Heat(np.arange(2), np.arange(6.0).reshape(2, 3).T)
    assert json.loads(encode(heat))["decades"] == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize("hint", [bytes, object, set[str]])
def test_what_has_no_place_on_the_wire_is_refused(hint: Any) -> None:
    with pytest.raises(TypeError, match="can't be sent"):
        typescript.written(hint)


def test_numbers_are_written_with_the_digits_they_have() -> None:
    """A column of a matrix as well, which is no block of memory."""
    matrix = np.array([[0.1, 1.0], [0.2, np.nan]], np.float32)
    assert encode({"x": matrix[:, 0]}) == b'{"x":[0.1,0.2]}'
    assert encode({"x": matrix[:, 1]}) == b'{"x":[1.0,null]}'
