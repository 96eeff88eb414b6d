"""What a loop tells of its steps beside the loss, under names of the watch's and of its own."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from diagnostics.engine.watch import loop
from diagnostics.store.records import METRICS, MOST_OWN, SCALAR_INDEX, SCALARS

GIVEN = ("accuracy", "heldout_loss", "heldout_accuracy")
"""Names of the watch's that are for a loop to fill."""

TAKEN = {*METRICS, *SCALARS, "step", "layer"}.difference(GIVEN)

LONGEST = 40


class Told:
    """Numbers that were told, until the next measured step takes them; of several the last."""

    def __init__(self) -> None:
        self._names = set(GIVEN)
        self._waiting: dict[str, float | Tensor] = {}

    def hear(self, given: Mapping[str, Any]) -> None:
        """Take numbers; None is none. Raises ``ValueError`` for what can't be kept, and why."""
        for name in given:
            if name not in self._names:
                self._admit(name)
        found = {name: _number(name, value) for name, value in given.items() if value is not None}
        self._waiting |= found

    def take(self) -> tuple[dict[str, float], dict[str, float]]:
        """What waits, by names of the watch's and of the loop's own."""
        known: dict[str, float] = {}
        own: dict[str, float] = {}
        for name, value in self._waiting.items():
            number = loop.number(value, True)
            (known if name in SCALAR_INDEX else own)[name] = float(
                "nan" if number is None else number
            )
        self._waiting = {}
        return known, own

    def _admit(self, name: str) -> None:
        """A name that is new."""
        if name in TAKEN:
            raise ValueError(
                _refused(name, "watching measures what is called so: name it otherwise")
            )
        if not name.isidentifier() or len(name) > LONGEST:
            raise ValueError(
                _refused(name, f"a name is letters, digits and underscores, {LONGEST} at most")
            )
        own = sorted(self._names.difference(GIVEN))
        if len(own) == MOST_OWN:
            raise ValueError(
                _refused(name, f"{MOST_OWN} of your own are the most, beside {', '.join(own)}")
            )
        self._names.add(name)


def _number(name: str, value: Any) -> float | Tensor:
    """A number, or a tensor that is looked at later: every look at another device waits for it."""
    if isinstance(value, Tensor) and not value.is_cpu:
        return value.detach()
    try:
        if not isinstance(value, Tensor) and not hasattr(value, "__float__"):  # as of words
            raise TypeError
        number = loop.number(value, True)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        number = None
    if number is None:
        raise ValueError(_refused(name, f"it must be a number, not {type(value).__name__}"))
    return number


def _refused(name: str, why: str) -> str:
    return f"w.step({name[:LONGEST]}=…) can't be kept: {why}."
