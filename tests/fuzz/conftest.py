"""A lab for all cases, and the figures of ``make fuzz``."""

import os
from collections.abc import Iterator

import pytest

from diagnostics.dashboard import hub, rate
from tests.fuzz.cases import SEED, tried
from tests.fuzz.lab import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub, "AT_ONCE_SECONDS", 0.0)  # nobody here measures what is not known yet
        patch.setattr(rate, "MOST_AT_ONCE", 10**9)
        lab = Lab(tmp_path_factory.mktemp("lab"))
        yield lab
        lab.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if "FUZZ_CASES" not in os.environ:
        return
    terminalreporter.write_line(f"\nseed {SEED}: {sum(tried.values())} cases")
    for name, count in tried.items():
        words = name.removeprefix("test_").replace("_", " ")
        terminalreporter.write_line(f"| {words} | {count} |")
