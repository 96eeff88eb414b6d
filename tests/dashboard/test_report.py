"""A report without a browser: what it is made with, and what it holds."""

import subprocess
import sys

import pytest

from diagnostics.dashboard.report import InvalidReport, report
from diagnostics.dashboard.session import MOST_PINS
from diagnostics.store.store import NoSuchRun, Store
from diagnostics.subject.config import RunConfig

SERVERS = {
    "dash",
    "fastapi",
    "starlette",
    "uvicorn",
    *(f"diagnostics.dashboard.{room}" for room in ("page", "server", "hub", "live", "advice")),
}


def test_it_is_made_without_a_server() -> None:
    code = f"import sys, diagnostics.dashboard.report; print({SERVERS} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert done.stdout.strip() == b"set()"


def test_a_run_without_measurements_says_so(store: Store) -> None:
    text = report(store, store.create_run(RunConfig()))
    assert "Nothing was measured." in text and "plot-lead" not in text


def test_what_cannot_be_compared_is_said(store: Store) -> None:
    run = store.create_run(RunConfig())
    with pytest.raises(NoSuchRun, match="nobody"):
        report(store, run, ["nobody"])
    with pytest.raises(InvalidReport, match=f"at most {MOST_PINS}"):
        report(store, run, [f"run{n}" for n in range(MOST_PINS + 1)])
