"""What ``import diagnostics`` gives."""

import inspect
import subprocess
import sys
import typing

import pytest

import diagnostics


def test_everything_named_is_there() -> None:
    assert set(diagnostics.__all__) <= set(dir(diagnostics))
    for name in diagnostics.__all__:
        assert getattr(diagnostics, name).__doc__, name
    with pytest.raises(AttributeError, match="wacth"):
        _ = diagnostics.wacth


def test_watch_shows_its_real_signature_and_types() -> None:
    signature = inspect.signature(diagnostics.watch)
    assert list(signature.parameters)[:3] == ["model", "optimizer", "name"]
    assert signature.parameters["budget"].default == 0.03
    kinds = [p.kind for p in signature.parameters.values()]
    assert inspect.Parameter.VAR_KEYWORD not in kinds
    hints = typing.get_type_hints(diagnostics.watch.__init__)
    assert hints["budget"] is float and hints["every"] == (int | None)


def test_torch_is_loaded_only_by_those_who_need_it() -> None:
    code = "import sys, diagnostics; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
