"""When pictures of a run are taken: at its first step, about once a second, and at its end."""

import time

from torch import Tensor

from diagnostics.engine.lab.studio import Studio
from diagnostics.engine.sinks import Sink
from diagnostics.store.pictures import Flags

EVERY_SECONDS = 1.0

LARGEST_SHARE = 0.02
"""Of a run's time, for its pictures: those of large networks are taken less often."""


class Album:
    """Hands a run's pictures to its sink.

    Args:
        every: steps from one to the next; 0 for about a second.
        begun: whether the sink knows already what pictures are of.
        beside: how many runs go on in the same time, all with pictures.

    Attributes:
        seconds: what the last step's picture took; 0 where none was taken.
    """

    def __init__(
        self, studio: Studio, sink: Sink, every: int = 0, begun: bool = False, beside: int = 1
    ) -> None:
        self._studio, self._sink, self._every = studio, sink, every
        self._batch: tuple[Tensor, Tensor] | None = None
        self._due, self._taken, self._share = 0.0, 0, LARGEST_SHARE / beside
        self.seconds = 0.0
        if studio.ground is not None and not begun:
            sink.picture(studio.ground)

    def look(self, step: int, batch: tuple[Tensor, Tensor], dead: Flags) -> None:
        """After a step, of which a batch is remembered: take a picture where one is due."""
        self._batch, self.seconds = batch, 0.0
        if (step - 1) % self._every == 0 if self._every else time.monotonic() >= self._due:
            self._take(step, dead)

    def close(self, step: int, dead: Flags) -> None:
        """A run pauses or has ended: what it came to is kept, whenever the last picture was."""
        if step != self._taken:
            self._take(step, dead)

    def _take(self, step: int, dead: Flags) -> None:
        if self._batch is None:
            return
        began, worked = time.monotonic(), time.thread_time()
        self._sink.picture(self._studio.take(step, *self._batch, dead))
        self._taken, self.seconds = step, time.monotonic() - began
        # Waiting for a processor that others use, as pages that open do, is no work.
        worked = time.thread_time() - worked
        self._due = began + max(EVERY_SECONDS, worked / self._share)
