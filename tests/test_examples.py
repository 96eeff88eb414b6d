"""Every example, as a person runs it."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from diagnostics import open_store
from tests.conftest import not_installed

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[1]
SEARCH = ROOT / "examples" / "optuna_trials.py"
EXAMPLES = sorted({*(ROOT / "examples").glob("*.py")} - {SEARCH})
IMPORTED = re.compile(r"^(?:from|import) (\w+)", re.MULTILINE)


def _run(example: Path) -> str:
    """What it prints."""
    for package in IMPORTED.findall(example.read_text()):
        if find_spec(package) is None:
            not_installed(package)
    quiet = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    told = subprocess.run(
        [sys.executable, str(example)],
        check=True,
        cwd=ROOT,
        env={**os.environ, **quiet},
        capture_output=True,
        text=True,
    )
    return told.stdout


def _example(path: Path) -> ParameterSet:
    """Trainers are tested in ``integrations``, such models among the loops: here they are slow."""
    slow = path.stem in ("hf_trainer", "lightning_mlp", "resnet_cifar_like", "transformer")
    return pytest.param(path, id=path.stem, marks=pytest.mark.slow if slow else ())


@pytest.mark.parametrize("example", list(map(_example, EXAMPLES)))
def test_an_example_leaves_a_measured_run(example: Path) -> None:
    _run(example)
    store = open_store()
    (run,) = store.runs()
    batch = store.since(run.id).batch
    store.close()
    assert run.state == "finished" and run.steps >= 50
    assert len(batch) >= 2 and len(run.config.names) == batch.layers >= 5
    assert batch.scalar("loss")[-1] < batch.scalar("loss")[0] * 1.2


def test_a_search_prunes_what_is_ill_and_leaves_a_run_for_each_trial() -> None:
    printed = _run(SEARCH)
    store = open_store()
    runs = store.runs()
    store.close()
    pruned = sum(": loss" not in line for line in printed.splitlines())
    assert len(runs) == len(printed.splitlines()) == 6 and 0 < pruned < 6
    assert sum(run.state != "finished" for run in runs) == pruned
    assert not any(run.state == "failed" for run in runs)
