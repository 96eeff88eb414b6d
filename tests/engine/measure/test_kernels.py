"""What is compiled can't go stale: it stands in one file, with all that it freezes."""

import ast
import builtins
import dis
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from diagnostics.engine.measure import kernels
from diagnostics.engine.measure.measured import ROW

ROOT = Path(__file__).parents[3]
COMPILED = {name: f for name, f in vars(kernels).items() if isinstance(f, Dispatcher)}


def _globals(code: CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            yield str(instruction.argval)


def _own_names() -> Iterator[str]:
    """What this file itself binds, and what it takes from numba and numpy."""
    for node in ast.parse(Path(kernels.__file__).read_text()).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            names = (n for target in node.targets for n in ast.walk(target))
            yield from (n.id for n in names if isinstance(n, ast.Name))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            rooms = [getattr(node, "module", "") or "", *(alias.name for alias in node.names)]
            if any(room.partition(".")[0] in ("numba", "numpy") for room in rooms):
                yield from (alias.asname or alias.name for alias in node.names)


OWN = {*_own_names(), *vars(builtins)}


@pytest.mark.parametrize("name", COMPILED)
def test_it_uses_nothing_of_another_file_of_ours(name: str) -> None:
    """numba stamps its cache by that file alone."""
    assert set(_globals(COMPILED[name].py_func.__code__)) <= OWN


def test_only_that_file_compiles_anything() -> None:
    for file in (ROOT / "diagnostics").rglob("*.py"):
        if file.name != "kernels.py":
            assert "njit" not in file.read_text() and "@compiled" not in file.read_text(), file


def test_a_name_that_is_not_there_is_an_error_and_writes_nowhere() -> None:
    """A metric that was renamed: an output by number would be written past the row."""
    names = [name for name in ROW.names or () if name != "activation_std"]
    rows = np.zeros(1, np.dtype([(name, np.float64) for name in names]))
    with pytest.raises(Exception, match="activation_std"):
        kernels.activations(np.zeros(1, kernels.TALLY), np.array([True]), np.full(1, -np.inf), rows)


STALE = """
import numpy as np
from diagnostics.engine.measure import kernels
from diagnostics.engine.measure.measured import ROW
tally = np.zeros(1, kernels.TALLY)
x = np.arange(4, dtype=np.float32)
one = np.zeros(1, np.int64)
kernels.tallies(one, np.array([x.ctypes.data]), np.array([4]), np.array([False]),
                one, np.full(1, -np.inf), np.full(1, np.inf), tally)
rows = np.zeros(1, ROW)
kernels.activations(tally, np.array([True]), np.full(1, -np.inf), rows)
print(rows["activation_mean"][0], rows["sparsity"][0], rows["activation_std"][0] ** 2)
"""


@pytest.mark.thorough
def test_names_swapped_elsewhere_are_noticed_though_the_cache_is_kept(tmp_path: Path) -> None:
    """As after a git pull: what was compiled before lies in __pycache__, another file changed."""
    shutil.copytree(ROOT / "diagnostics", tmp_path / "diagnostics")

    def run() -> list[float]:
        command = [sys.executable, "-c", STALE]
        done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        return [float(word) for word in done.stdout.split()]

    assert run() == pytest.approx([1.5, 0.25, 1.25])
    records = tmp_path / "diagnostics/store/records.py"
    text = records.read_text()
    swapped = text.replace('"activation_mean"', '"?"').replace('"sparsity"', '"activation_mean"')
    records.write_text(swapped.replace('"?"', '"sparsity"'))
    assert run() == pytest.approx([1.5, 0.25, 1.25])
    file = tmp_path / "diagnostics/engine/measure/kernels.py"
    swapped = file.read_text().replace('"total", "squares"', '"squares", "total"')
    assert swapped != file.read_text()
    file.write_text(swapped)
    assert run() == pytest.approx([1.5, 0.25, 1.25])


@pytest.mark.parametrize("norms", [[np.nan, 3.0], [3.0, np.nan], [np.inf, 3.0], [4.0, 3.0]])
def test_what_is_not_finite_is_not_lost_among_a_layers_weights(norms: list[float]) -> None:
    """Of two weights, as a recurrent layer has them."""
    of, rows = np.zeros(2, kernels.GRADIENT), np.zeros(1, ROW)
    of["stepped"], of["entries"] = True, 4.0
    of["first"] = of["unclipped"] = of["applied"] = norms
    none, both, owner = np.empty(0, np.int64), np.arange(2), np.zeros(2, np.int64)
    norm, clipped, finite = kernels.gradients(of, both, owner, none, none, 1.0, rows)
    expected = float(np.hypot(*norms))
    for key in ("weight_grad_norm", "clipped_grad_norm"):
        assert rows[key][0] == pytest.approx(expected, nan_ok=True), key
    assert (norm, clipped) == pytest.approx((expected, expected), nan_ok=True)
    assert finite is bool(np.isfinite(norms).all())
