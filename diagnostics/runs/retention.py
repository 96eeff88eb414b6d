"""Runs that ended long ago are let go by the server itself."""

import logging
import threading

from diagnostics.store.store import Store, StoreError
from diagnostics.store.upkeep import discard, spent

EVERY_SECONDS = 3600.0

log = logging.getLogger(__name__)


class Retention:
    """Lets go of ended runs of some age, now and every hour; of none for 0 days."""

    def __init__(self, store: Store, days: float) -> None:
        self._store, self._days = store, days
        self._closed = threading.Event()
        if days:
            threading.Thread(target=self._work, name="retention", daemon=True).start()

    def close(self) -> None:
        """Do so no more."""
        self._closed.set()

    def _work(self) -> None:
        while True:
            try:
                if gone := discard(self._store, spent(self._store, older=self._days)):
                    log.warning("%d runs that were made %g days ago are gone.", gone, self._days)
            except StoreError as trouble:
                log.warning("Old runs could not be let go: %s", trouble)
            if self._closed.wait(EVERY_SECONDS):
                return
