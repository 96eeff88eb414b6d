"""What the fork server loads once, for all workers that are forked from it. Nobody else imports it.

Workers share its pages: three that load torch by themselves take 1.3 GB, three forked ones 0.4.
"""

import atexit
import gc
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from diagnostics.runs.lifetime import leave_to_the_server
from diagnostics.runs.workers import PRELOADED

SOON = 0.2
"""Seconds until it is noticed that the server has died meanwhile."""


@contextmanager
def _with_the_server() -> Iterator[None]:
    """Load for no server that has died. The thread has ended before anything is forked."""
    server, loaded = os.getppid(), threading.Event()

    def watch() -> None:
        while not loaded.wait(SOON):
            if os.getppid() != server:
                os._exit(0)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        loaded.set()
        watching.join()


leave_to_the_server()
try:
    with _with_the_server():
        import_module(PRELOADED).warm_up_to_fork()
except Exception:  # workers load by themselves then, and say what is wrong
    logging.exception("the fork server could not load %s", PRELOADED)
atexit.register(os._exit, 0)  # there is nothing to tidy up, and torch would take a second for it
gc.freeze()  # a collection in a worker would write to the pages it shares
