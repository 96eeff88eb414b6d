"""Logs: a line for each record, for people or for machines, whatever is in it."""

import json
import logging
import subprocess
import sys

import pytest

from diagnostics.runs.logs import AS_JSON, JsonFormatter, LineFormatter

HOSTILE = "run \x1b[31mred\x07 \r\nERROR: forged \u2028 line \ud800 'quoted' \x00"


def _record(message: str, *told: object, failed: bool = False) -> logging.LogRecord:
    info = None
    if failed:
        try:
            raise ValueError(HOSTILE)
        except ValueError:
            info = sys.exc_info()
    return logging.LogRecord("diagnostics.x", logging.WARNING, "x.py", 1, message, told, info)


@pytest.mark.parametrize("failed", [False, True])
def test_a_record_is_one_object_a_line(failed: bool) -> None:
    line = JsonFormatter().format(_record("run %s", HOSTILE, failed=failed))
    told = json.loads(line)
    assert line.isascii() and line.isprintable()
    assert told["message"] == f"run {HOSTILE}" and told["level"] == "warning"
    assert told["logger"] == "diagnostics.x" and told["time"].endswith("+00:00")
    assert ("ValueError" in told.get("exception", "")) == failed


def test_nobody_forges_a_line_for_people() -> None:
    line = LineFormatter().format(_record("run %s", HOSTILE))
    assert line.isprintable() and line.startswith("WARNING: run run \\x1b[31mred")
    assert line.encode()


def test_a_traceback_follows_its_line() -> None:
    first, *rest = LineFormatter().format(_record("failed", failed=True)).splitlines()
    assert first == "WARNING: failed" and rest[0].startswith("Traceback")


@pytest.mark.parametrize(("as_json", "begins"), [("1", "{"), ("0", "WARNING: ")])
def test_a_worker_logs_as_its_server_does(as_json: str, begins: str) -> None:
    code = "from diagnostics.runs import logs; logs.follow(); import logging; logging.warning('x')"
    told = subprocess.run(
        [sys.executable, "-c", code], env={AS_JSON: as_json}, capture_output=True, text=True
    )
    assert told.stderr.startswith(begins) and told.stderr.count("\n") == 1
