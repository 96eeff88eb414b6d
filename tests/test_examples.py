"""Every example, as a person runs it."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from diagnostics import open_store
from tests.conftest import not_installed

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
IMPORTED = re.compile(r"^(?:from|import) (\w+)", re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_leaves_a_measured_run(example: Path) -> None:
    for package in IMPORTED.findall(example.read_text()):
        if find_spec(package) is None:
            not_installed(package)
    quiet = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(example)]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **quiet}, capture_output=True)
    store = open_store()
    (run,) = store.runs()
    batch = store.since(run.id).batch
    store.close()
    assert run.state == "finished" and run.steps >= 50
    assert len(batch) >= 2 and len(run.config.names) == batch.layers >= 5
    assert batch.scalar("loss")[-1] < batch.scalar("loss")[0] * 1.2
