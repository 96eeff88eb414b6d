"""How often somebody may ask for changes."""

import time
from collections import OrderedDict

MOST_AT_ONCE = 100
A_SECOND = 30.0
"""More than a slider that is drawn from end to end asks."""

MOST_KNOWN = 10_000
"""Who asked last; whoever is forgotten begins anew."""


class Rate:
    """A bucket for each who asks: it empties by a request and fills with time."""

    def __init__(self) -> None:
        self._filled: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, who: str) -> bool:
        """Whether one more request is granted."""
        now = time.monotonic()
        left, then = self._filled.pop(who, (float(MOST_AT_ONCE), now))
        left = min(MOST_AT_ONCE, left + A_SECOND * (now - then))
        self._filled[who] = (left - 1 if left >= 1 else left, now)
        if len(self._filled) > MOST_KNOWN:
            self._filled.popitem(last=False)
        return left >= 1
