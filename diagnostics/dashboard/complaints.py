"""What goes wrong is logged once for each run and place: frames are made forty times a second."""

import logging
import traceback
from typing import Any

from diagnostics.store.store import StoreError

MOST = 256

log = logging.getLogger(__name__)


class Complaints:
    """What was complained of before."""

    def __init__(self) -> None:
        self._known: set[tuple[Any, ...]] = set()

    def note(self, what: str, run_id: str | None, trouble: Exception) -> None:
        """Log a failure that is new."""
        place = traceback.extract_tb(trouble.__traceback__)[-1]
        key = (run_id, type(trouble), place.filename, place.lineno)
        if key in self._known:
            return
        if len(self._known) >= MOST:
            self._known.clear()
        self._known.add(key)
        if isinstance(trouble, StoreError):  # which says all in a sentence
            log.error("%s: run %s: %s", what, run_id, trouble)
        else:
            log.error("%s: run %s", what, run_id, exc_info=trouble)
