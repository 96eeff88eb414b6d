"""Which steps are measured: decided before they begin, so that watching keeps to its share."""

import math
import time
from collections.abc import Callable

from diagnostics.subject.watched import Unwatchable

WEIGHT = 0.1
"""Of the newest step in the running mean of step times."""

COMPARED = 2
"""Steps after the first that are not measured in any case, to know what a step takes without."""

EARLY = (10, 100)
"""Steps from which one is measured whatever it costs: of one point nobody sees a change."""

UNSEEN = 1.6
"""What watching costs over what a measured step's clock sees: caches left cold. From paired loops
with and without (`benchmarks/watch_cost.py`)."""


def nowhere() -> bool:
    """There is no device to wait for."""
    return False


class Budget:
    """Counts what watching cost, and says whether the next step may be measured.

    A device that is given its work in advance is waited for before a measured step and after it:
    else the step would be charged with all that was to be done before.

    Args:
        share: of training time that watching may take.
        every: measure every so manyeth step, whatever it costs.
        settle: waits until devices have done what they were given; whether there are any.

    Raises:
        Unwatchable: a share or number that can't be.
    """

    def __init__(
        self, share: float, every: int | None, settle: Callable[[], bool] = nowhere
    ) -> None:
        if every is not None and (type(every) is not int or every < 1):
            raise Unwatchable(f"every={every} can't be used: it must be a whole number from 1.")
        if not 0 < share <= 1:
            raise Unwatchable(f"budget={share} can't be used: it must be above 0, up to 1.")
        self._allowed, self._every, self._settle = share, every, settle
        self._last = self._began = self._over = time.perf_counter()
        self._count = 0
        self._early: float = EARLY[0]
        self._spent = self._compiling = 0.0
        self._alone = self._guess = 0.0
        self._device = False
        """Whether a device works in advance; at rest it was last at ``_settled``, in bare time, and
        since then there were so many steps."""
        self._settled, self._passed = 0.0, 0
        self.elsewhere = 0.0
        """Seconds that another thread of ours has taken."""
        self.due = True
        """Whether the next step is measured; the first always is."""

    def begin(self, compiling: float = 0.0) -> None:
        """From now on time counts, but for what compiling takes."""
        self._compiling = compiling
        self._device = self._settle()
        self._last = self._began = time.perf_counter()

    @property
    def bare(self) -> float:
        """Seconds of a step without watching; where all are measured, those left by hooks."""
        return self._alone or self._guess

    @property
    def share(self) -> float:
        """What watching has cost so far, as a share of training time."""
        spent = self._spent + self.elsewhere
        elapsed = self._over - self._began - spent
        return spent / elapsed if elapsed > 0 else math.inf

    def over(self, measured: bool, seconds: float, compiling: float = 0.0) -> None:
        """A step is over; from here to ``go_on`` all time is watching's.

        Args:
            measured: whether this step was.
            seconds: those that hooks are known to have taken, waiting for a device left out.
            compiling: those that compiling has taken in this process, which are nobody's.
        """
        if measured:
            self._device = self._settle()
        self._over = time.perf_counter()
        compiled, self._compiling = max(0.0, compiling - self._compiling), compiling
        self._began += compiled
        step = self._over - self._last - compiled
        self._count += 1
        if measured:
            self._spent += self._cost(step, seconds)
            self._guess = _mean(self._guess, step - seconds)
            self._early = next((one for one in EARLY if one > self._count), math.inf)
        elif self._device:
            self._passed += 1
        else:
            self._alone = _mean(self._alone, step)
        if self._every is not None:
            self.due = self._count % self._every == 0
        else:
            self.due = self._count + 1 >= self._early or (
                self._count > COMPARED and self.share <= self._allowed
            )

    def ahead(self) -> int:
        """In how many steps one will be due, if they go on as they do; the next is 1."""
        if self._every is not None:
            return 1 + -self._count % self._every
        spent = self._spent + self.elsewhere
        missing = spent / self._allowed - (self._over - self._began - spent)
        steps = math.ceil(missing / self.bare) if self.bare else 1
        return int(max(1, min(max(steps, COMPARED + 2 - self._count), self._early - self._count)))

    def _cost(self, step: float, seconds: float) -> float:
        """Of a measured step that has taken so long."""
        more = step - self._alone if self._alone else 0.0
        if self._device and self._alone:  # a device's clock sees all, and hooks' another's work
            return max(0.0, more)
        return UNSEEN * max(seconds, more)

    def go_on(self, measured: bool = False) -> None:
        """The next step begins.

        Args:
            measured: whether it is.
        """
        self._last = time.perf_counter()
        self._spent += self._last - self._over
        if measured and self._passed:
            self._settle()
            self._last = time.perf_counter()
            took = (self._bare_time(self._last) - self._settled) / self._passed
            self._alone = _mean(self._alone, took, self._passed)
        if measured or not self._passed:
            self._settled, self._passed = self._bare_time(self._last), 0

    def _bare_time(self, now: float) -> float:
        """That has passed since watching began, without its own."""
        return now - self._began - self._spent


def _mean(running: float, newest: float, steps: int = 1) -> float:
    return running + (newest - running) * (1 - (1 - WEIGHT) ** steps if running else 1.0)
