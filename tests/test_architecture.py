"""The floors of the house: who may import whom."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "diagnostics"
FILES = sorted(PACKAGE.rglob("*.py"))
TORCH = {"torch", "sklearn"}
PAGE = {"dash", "dash_mantine_components", "plotly", "fastapi", "starlette", "uvicorn"}

FLOORS = (
    "subject",
    "store",
    "diagnosis",
    "runs",
    "sweeps",
    "engine.measure",
    "engine.specials",
    "engine.sinks",
    "engine.lab",
    "engine.watch",
    "dashboard",
    "site",
    "cli",
)
"""From the ground up; what is not named here stands above."""

STRANGERS = [
    (f"diagnostics.{one}", f"diagnostics.{other}")
    for one, other in (
        ("engine.lab", "engine.watch"),
        ("engine.watch", "engine.lab"),
        ("dashboard", "engine"),
        ("engine", "dashboard"),
    )
]


def _imports(file: Path, whole: bool = True) -> set[str]:
    """Modules a file imports; only those at its top where not ``whole``."""
    tree = ast.parse(file.read_text())
    nodes = ast.walk(tree) if whole else iter(tree.body)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _packages(file: Path) -> set[str]:
    return {name.partition(".")[0] for name in _imports(file)}


def _name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {_name(file) for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_only_the_engine_imports_torch_and_only_the_dashboard_dash(file: Path) -> None:
    room = file.relative_to(PACKAGE).parts[0]
    if room != "engine":
        assert not _packages(file) & TORCH
    if room != "dashboard":
        assert not _packages(file) & PAGE


def _floor(name: str) -> int:
    """The highest floor whose name a module's begins with; the interface stands beside commands."""
    if name == "diagnostics":
        return FLOORS.index("cli")
    found = [i for i, floor in enumerate(FLOORS) if name.startswith(f"diagnostics.{floor}")]
    return found[-1] if found else len(FLOORS)


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_a_floor_imports_only_floors_beneath_it(file: Path) -> None:
    own = _floor(_name(file))
    assert not {name for name in _imports(file) & NAMES if _floor(name) > own}


@pytest.mark.parametrize(("one", "other"), STRANGERS)
def test_strangers_do_not_know_each_other(one: str, other: str) -> None:
    for file in FILES:
        if _name(file).startswith(one):
            assert not any(name.startswith(other) for name in _imports(file)), file


def test_no_cycle() -> None:
    needs = {_name(file): _imports(file, whole=False) & NAMES for file in FILES}
    needs = {name: found - {"diagnostics", name} for name, found in needs.items()}
    while free := [name for name, found in needs.items() if not found]:
        for name in free:
            del needs[name]
        needs = {name: found - set(free) for name, found in needs.items()}
    assert not needs, f"these import each other: {sorted(needs)}"


def test_the_page_loads_without_torch() -> None:
    code = "import sys, diagnostics.dashboard.server; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env={**os.environ})


def test_a_watched_process_loads_only_what_it_needs() -> None:
    spared = "{'sklearn', 'scipy.stats', 'pandas', 'dash', 'plotly'}"
    code = f"import sys, diagnostics.engine.watch.watch; print({spared} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)
    assert done.stdout.strip() == b"set()"
