"""How many cases of each kind are tried: a short, always equal share in all tests, more by
``make fuzz``, within some time."""

import os
import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from hypothesis import HealthCheck, given, seed, settings

SHARE = 40
"""Cases of each kind in all tests."""

CASES = int(os.environ.get("FUZZ_CASES", SHARE))
SECONDS = float(os.environ.get("FUZZ_SECONDS", 60))
"""For each kind: what comes later is not tried."""

SEED = int(os.environ.get("FUZZ_SEED", 0))

tried: Counter[str] = Counter()
"""Cases of each test."""

Test = TypeVar("Test", bound=Callable[..., None])


def fuzz(*drawn: Any, **named: Any) -> Callable[[Test], Test]:
    """A test of many odd cases; the same ones for the same seed."""

    def made(test: Test) -> Test:
        began: list[float] = []

        @wraps(test)
        def within_time(*args: Any, **kwargs: Any) -> None:
            began.append(time.monotonic()) if not began else None
            if time.monotonic() - began[0] < SECONDS:
                tried[test.__name__] += 1
                test(*args, **kwargs)

        kept = settings(
            max_examples=CASES,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        return seed(SEED)(kept(given(*drawn, **named)(within_time)))  # type: ignore[return-value]

    return made
