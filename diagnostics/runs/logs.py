"""How a server logs: lines for people, or a JSON object a line for machines."""

import json
import logging
import os
import sys
from concurrent.futures import BrokenExecutor
from datetime import UTC, datetime

from diagnostics.subject.printable import printable

AS_JSON = "GD_LOG_JSON"


class JsonFormatter(logging.Formatter):
    """One object a line: time, level, logger, message, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as JSON."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


class LineFormatter(logging.Formatter):
    """A line for people; what somebody sent neither ends it nor colours the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as a line, with the traceback beneath it where there is one."""
        line = f"{record.levelname}: {printable(record.getMessage())}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(as_json: bool) -> None:
    """Log like this from now on, and in all processes that are started later."""
    os.environ[AS_JSON] = str(int(as_json))
    follow()


def follow() -> None:
    """Log as the process that started this one does."""
    handler = logging.StreamHandler(sys.stderr)
    as_json = os.environ.get(AS_JSON) == "1"
    handler.setFormatter(JsonFormatter() if as_json else LineFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def log_failure(log: logging.Logger, what: str, error: Exception) -> None:
    """A worker that was killed is told in a line; of what else goes wrong, where it did."""
    log.error("%s: %s", what, error, exc_info=not isinstance(error, BrokenExecutor))
