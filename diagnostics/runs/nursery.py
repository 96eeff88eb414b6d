"""What the fork server loads once, for all workers that are forked from it. Nobody else imports it.

Workers share its pages: three that load torch by themselves take 1.3 GB, three forked ones 0.4.
"""

import atexit
import gc
import logging
import os
from importlib import import_module

from diagnostics.runs.lifetime import leave_to_the_server
from diagnostics.runs.workers import PRELOADED

leave_to_the_server()
try:
    import_module(PRELOADED).warm_up_to_fork()
except Exception:  # workers load by themselves then, and say what is wrong
    logging.exception("the fork server could not load %s", PRELOADED)
atexit.register(os._exit, 0)  # there is nothing to tidy up, and torch would take a second for it
gc.freeze()  # a collection in a worker would write to the pages it shares
