"""What all tests share: a store of their own, and no settings from outside.

Tests of the store and of what runs are given a SQLite file and, again, a database of PostgreSQL;
those of the page and of commands the latter only among the slow ones; others a SQLite file.
"""

import os
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
import numpy as np
import pytest

from diagnostics.runs import keeper
from diagnostics.runs.runner import Runner
from diagnostics.store.pictures import BINS, QUANTITIES, SIDE, Picture
from diagnostics.store.records import METRIC_INDEX, METRICS, SCALARS, StepBatch
from diagnostics.store.settings import SETTINGS
from diagnostics.store.store import Store
from tests.postgres import Cluster, programs

hypothesis.settings.register_profile("shared machine", deadline=None)
hypothesis.settings.load_profile("shared machine")

ON_BOTH = ("store",)
SLOWLY_ON_BOTH = ("runs", "dashboard", "cli")
"""Folders of tests; what only uses a store is tried on the second among the slow ones."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "store_url" in metafunc.fixturenames:
        folder = metafunc.definition.path.relative_to(Path(__file__).parent).parts[0]
        marks = () if folder in ON_BOTH else (pytest.mark.slow,)
        both = folder in ON_BOTH + SLOWLY_ON_BOTH
        kinds = ["sqlite", *([pytest.param("postgresql", marks=marks)] if both else [])]
        metafunc.parametrize("store_url", kinds, indirect=True, scope="function")


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for setting in SETTINGS.values():
        monkeypatch.delenv(setting.variable, raising=False)
    monkeypatch.setenv("GD_DATA_DIR", str(tmp_path))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL for all tests of a process."""
    found = programs()
    if found is None:
        left_out("PostgreSQL is not installed (on Debian: apt-get install postgresql)")
    cluster = Cluster(found)
    yield cluster
    cluster.close()


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a store of the test's own is to be."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.sqlite'}"
        return
    cluster = request.getfixturevalue("cluster")
    yield cluster.url
    cluster.empty()


@pytest.fixture(autouse=True)
def runners(monkeypatch: pytest.MonkeyPatch) -> list[Runner]:
    """All that a test makes: they look after runs in threads of their own."""
    made: list[Runner] = []
    begin = Runner.__init__

    def noted(self: Runner, *given: Any, **named: Any) -> None:
        begin(self, *given, **named)
        made.append(self)

    monkeypatch.setattr(Runner, "__init__", noted)
    return made


@pytest.fixture
def store(
    store_url: str, runners: list[Runner], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    store = Store(store_url)
    yield store
    for runner in runners:
        if isinstance(runner._executor, NoWorkers):  # have no last words
            monkeypatch.setattr(keeper, "LAST_WORDS_SECONDS", 0.05)
        runner.close()
    store.close()


@pytest.fixture
def file_store(tmp_path: Path) -> Iterator[Store]:
    """A store in a SQLite file, for what only files can be."""
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield store
    store.close()


def steps(first: int, count: int, layers: int = 4, seed: int = 0) -> StepBatch:
    """Made-up measurements, all positive but for idle experts."""
    random = np.random.default_rng(seed)
    values = random.uniform(0.5, 2, (count, layers, len(METRICS))).astype(np.float32)
    values[:, :, METRIC_INDEX["idle_experts"]] = 0
    return StepBatch(
        np.arange(first, first + count), values, random.uniform(0.5, 2, (count, len(SCALARS)))
    )


def picture(step: int, layers: int = 3, units: int = 4) -> Picture:
    """A made-up picture of the plane, in which every unit is another."""
    random = np.random.default_rng(step)
    return Picture(
        step=np.array([step]),
        guesses=random.integers(0, 2, SIDE**2).astype(np.uint8),
        sure=random.uniform(0.5, 1, SIDE**2).astype(np.float16),
        edges=np.tile([-1.0, 0.05], (layers, len(QUANTITIES), 1)),
        counts=random.integers(0, 9, (layers, len(QUANTITIES), BINS)).astype(np.uint32),
        apart=np.tile(np.array([5, 2], np.uint32), (layers, len(QUANTITIES), 1)),
        mean=random.normal(size=(layers, units)).astype(np.float32),
        saturated=random.uniform(size=(layers, units)).astype(np.float16),
        dead=random.uniform(size=(layers, units)) < 0.5,
    )


def left_out(reason: str) -> NoReturn:
    """Skip what this machine can't run, a test or a module; in CI, where all must run, fail."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def not_installed(package: str | None) -> NoReturn:
    """Leave out what needs a package that only ``make test`` brings."""
    left_out(f"{package} is not installed: make test brings it")


def needs(module: str) -> Any:
    """An optional module, where it is installed; without it whoever asks is left out."""
    try:
        return import_module(module)
    except ModuleNotFoundError as missing:
        not_installed(missing.name)


class NoWorkers(Executor):
    """Takes jobs and does none."""

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        return future
