"""What callbacks of any trainer do alike: begin a run, and end it once."""

from typing import TYPE_CHECKING, Any

from diagnostics import watch

if TYPE_CHECKING:
    from diagnostics.engine.watch.watch import Watch


class Watching:
    """Watches one model with one optimizer from ``_begin`` to ``_end``.

    Args:
        options: those of ``diagnostics.watch``.

    Attributes:
        run_id: the run in the store, once training has begun.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._watch: Watch | None = None
        self._losses: list[Any] = []
        self.run_id = ""

    def _begin(self, model: Any, optimizer: Any) -> None:
        self._losses = []
        self._watch = watch(model, optimizer, **self._options)
        self.run_id = self._watch.__enter__().run_id

    def _end(self, error: BaseException | None) -> None:
        if self._watch is not None:
            self._watch.__exit__(type(error), error, None)
            self._watch = None
