"""Where what is seen of a stranger's run is kept: a store, and event files if they are wished."""

import logging
from typing import Any

from diagnostics.engine.sinks import StoreSink
from diagnostics.engine.watch.earlier import Earlier
from diagnostics.runs.control import Control
from diagnostics.store.records import Event, Step
from diagnostics.store.store import Store
from diagnostics.subject.watched import WatchedModel

FLUSH_SECONDS = 0.5

log = logging.getLogger("diagnostics.watch")


class Chronicle:
    """One run's entry in a store; from its beginning on, a store that fails costs only a warning.

    Args:
        store: where the run is entered.
        subject: what is known of the model before its first step.
        tensorboard: a folder for event files.
        earlier: a run that goes on, in place of a new one.

    Raises:
        StoreError: the run can't be entered.
        Unwatchable: TensorBoard isn't installed.
    """

    def __init__(
        self,
        store: Store,
        subject: WatchedModel,
        name: str,
        tensorboard: str | None,
        earlier: Earlier | None = None,
    ) -> None:
        self.subject = subject if earlier is None else earlier.subject
        self.earlier = earlier
        self._store = store
        self._board = _board(tensorboard)
        self.run_id = self._entered(name) if earlier is None else earlier.run_id
        self._sink = StoreSink(store, self.run_id, Control(), every=FLUSH_SECONDS, patient=False)
        if earlier is not None:
            self.event(Event(earlier.step, "resumed", {}))

    def _entered(self, name: str) -> str:
        run_id = self._store.create_run(self.subject, name=name or self.subject.model)
        self._store.set_state(run_id, "running")
        return run_id

    @property
    def seconds(self) -> float:
        """What the thread that writes has taken."""
        return self._sink.seconds

    def write(self, step: Step) -> None:
        """A step was measured."""
        self._sink.write(*step)
        if self._board is not None:
            self._board.write(self.subject.names, step)

    def event(self, event: Event) -> None:
        """Something happened that the page tells of."""
        self._sink.event(event)

    def know(self, **news: Any) -> None:
        """More is known of the model."""
        self.subject = self.subject.model_copy(update=news)
        try:
            self._store.describe(self.run_id, self.subject)
        except Exception as trouble:
            log.warning("What is known of the model can't be stored: %s", trouble)

    def close(self, state: str, summary: dict[str, Any]) -> None:
        """The run is over."""
        self._sink.close()
        if self._board is not None:
            self._board.close()
        try:
            self._store.set_state(self.run_id, state, **summary)
        except Exception as trouble:  # a store that is gone must not end what trained well
            log.warning("The end of the run can't be stored: %s", trouble)


class Unwritten:
    """In place of a chronicle in a process that only tells another one what it sees."""

    seconds = 0.0
    run_id = ""
    earlier: Earlier | None = None

    def __init__(self, subject: WatchedModel) -> None:
        self.subject = subject

    def write(self, step: Step) -> None:
        """Nothing is kept."""

    def event(self, event: Event) -> None:
        """Nothing is told."""

    def know(self, **news: Any) -> None:
        """More is known of the model."""
        self.subject = self.subject.model_copy(update=news)

    def close(self, state: str, summary: dict[str, Any]) -> None:
        """There is nothing to close."""


def _board(folder: str | None) -> Any:
    if folder is None:
        return None
    from diagnostics.engine.watch.tensorboard import Board

    return Board(folder)
