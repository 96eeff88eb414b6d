"""prune, backup, restore and doctor as a person types them."""

import json
import socket
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from diagnostics.cli import checks
from diagnostics.cli.commands import commands
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from tests.conftest import steps


def gd(line: str, typed: str = "") -> Result:
    return CliRunner().invoke(commands, line.split(), input=typed)


@pytest.fixture
def made(store_url: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three runs that have ended, the newest first, where the settings say."""
    monkeypatch.setenv("GD_STORE", store_url)
    with closing(Store(store_url)) as store:
        found = [store.create_run(RunConfig()) for _ in range(3)]
        for run in found:
            store.append(run, steps(1, 50))
            store.set_state(run, "finished")
    return found[::-1]


def _listed() -> list[str]:
    return [json.loads(line)["run"] for line in gd("runs --json").stdout.splitlines()]


@pytest.mark.parametrize(
    ("line", "typed", "left"),
    [
        ("prune --keep 1", "y\n", 1),
        ("prune --keep 1", "n\n", 3),
        ("prune --keep 1", "", 3),
        ("prune --keep 1 --yes", "", 1),
        ("prune --keep 1 --yes --dry-run", "", 3),
        ("prune --keep 1 --json", "y\n", 1),
        ("prune --keep 3", "", 3),
        ("prune --older 1", "y\n", 3),
        ("prune --megabytes 0", "y\n", 0),
    ],
)
def test_prune_lets_go_of_what_it_named(made: list[str], line: str, typed: str, left: int) -> None:
    gd(line, typed)
    assert _listed() == made[:left]


def test_prune_tells_machines(made: list[str]) -> None:
    told = json.loads(gd("prune --keep 1 --yes --json").stdout)
    assert told["runs"] == made[1:] and told["gone"] == 2 and told["bytes"] > 1000


def test_a_store_comes_back_as_it_was(tmp_path: Path) -> None:
    with closing(Store(f"sqlite:///{tmp_path / 'store.sqlite'}")) as store:
        run = store.create_run(RunConfig())
        store.set_state(run, "finished")
    copy = tmp_path / "copy.sqlite"
    assert json.loads(gd(f"backup {copy} --json").stdout)["bytes"] == copy.stat().st_size
    assert gd("prune --keep 0 --yes").exit_code == 0 and not _listed()
    assert json.loads(gd(f"restore {copy} --json").stdout)["runs"] == 1
    assert _listed() == [run]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("prune --yes", "give --older, --keep or --megabytes"),
        ("prune --keep -1", "--keep"),
        ("prune --keep 1", "There is no store"),
        ("prune --keep 1 --store nonsense", "nonsense"),
        ("backup /nowhere/x", "There is no store"),
        ("restore /nowhere/x", "There is no file"),
        ("doctor --port 0", "GD_PORT=0"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(line: str, said: str, tmp_path: Path) -> None:
    found = gd(line)
    assert found.exit_code == 2 and said in found.stderr
    assert isinstance(found.exception, SystemExit)


# ---- doctor ----

ILL = {
    "store": ("--store sqlite:///README.md", "not a database"),
    "port": ("--host 192.0.2.1", "can't be served on"),
}


def _found(line: str) -> dict[str, dict[str, object]]:
    result = gd(f"doctor --json {line}")
    rows = [json.loads(told) for told in result.stdout.splitlines()]
    assert result.exit_code == int(not all(row["well"] for row in rows))
    return {row["what"]: row for row in rows}


@pytest.mark.parametrize("what", ILL)
def test_doctor_says_what_is_missing_and_of_the_rest_that_it_is_there(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = tuple(check for check in checks.CHECKS if check.__name__ != "_workers")
    monkeypatch.setattr(checks, "CHECKS", rest)
    options, said = ILL[what]
    found = _found(f"--port {_free()} {options}")
    assert [row["what"] for row in found.values() if not row["well"]] == [what]
    assert said in str(found[what]["said"])


def test_doctor_makes_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "CHECKS", checks.CHECKS[:4])
    assert all(row["well"] for row in _found("").values())
    assert not list(tmp_path.iterdir())


def test_a_stranger_on_the_port_is_no_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "CHECKS", (checks._port,))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = _found(f"--port {taken.getsockname()[1]}")["port"]
    assert not found["well"] and "--port" in str(found["said"])


@pytest.mark.thorough
def test_doctor_has_a_worker_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "CHECKS", (checks._workers,))
    found = _found("")["workers"]
    assert found["well"] and "measured" in str(found["said"])


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
