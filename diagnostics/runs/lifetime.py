"""How a worker process ends: with its server however that ends, after a run's last words.

Signals of a terminal reach a whole group of processes; workers leave them to the server. That it
died by none of them they hear from a pipe that nobody else holds.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from diagnostics.runs import logs

GRACE_SECONDS = 1.5
"""For a run to keep what it has, once its process has to end."""

ending = threading.Event()
"""Set once this process has to end."""

working = threading.Lock()
"""Held while a job is done."""


def done(job: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a job gives; one after the other, since torch's random numbers are a process's own."""
    with working:
        return job(*args, **kwargs)


def settle(niceness: int) -> None:
    """Begin as a worker that lets others go first, as far as that is known here."""
    if niceness and hasattr(os, "nice"):
        os.nice(niceness)
    leave_to_the_server()
    logs.follow()
    signal.signal(signal.SIGTERM, lambda *told: _apart(_retire))
    _apart(_watch)


def leave_to_the_server() -> None:
    """Ignore what a terminal or a supervisor says to all processes at once."""
    for name in ("SIGINT", "SIGHUP", "SIGTERM"):
        if number := getattr(signal, name, None):
            signal.signal(number, signal.SIG_IGN)


def _watch() -> None:
    if server := multiprocessing.parent_process():
        server.join()
        _retire()


def _retire() -> None:
    ending.set()
    working.acquire(timeout=GRACE_SECONDS)
    os._exit(0)


def _apart(task: Callable[[], None]) -> None:
    threading.Thread(target=task, daemon=True).start()
