"""How wishes reach a run: a mailbox between the thread that reads them and the one that trains."""

import queue

from diagnostics.store.records import Command


class Control:
    """A thread-safe mailbox of commands."""

    def __init__(self) -> None:
        self._inbox: queue.SimpleQueue[Command] = queue.SimpleQueue()

    def send(self, command: Command) -> None:
        """Leave a command for the run."""
        self._inbox.put(command)

    @property
    def waits(self) -> bool:
        """Whether a command lies there."""
        return not self._inbox.empty()

    def take(self, timeout: float = 0.0) -> Command | None:
        """The oldest command, waiting up to ``timeout`` seconds for one; None if there is none."""
        try:
            return self._inbox.get(timeout=timeout) if timeout > 0 else self._inbox.get_nowait()
        except queue.Empty:
            return None
