"""Hearing modules called, without a hook on any of them.

A hook can be seen: torch leaves out fast paths where one hangs on a module, ``jit`` and ``export``
refuse or trace it, saving and copying take it along, and ``torch.compile`` warns of global ones. So
the one method through which every module is called is exchanged while anybody listens.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn


class Ear(NamedTuple):
    """Who hears of a module: before it is called, with its inputs; after, with its output as well.

    The output is None where the call failed.
    """

    before: Callable[[nn.Module, tuple[Any, ...]], None] | None
    after: Callable[[nn.Module, tuple[Any, ...], Any], None]


_ears: dict[int, list[Ear]] = {}
"""By a module's ``id``; whoever listens keeps the module."""

_module: Any = nn.Module
_plain = _module._call_impl


def listen(module: nn.Module, ear: Ear) -> None:
    """Have an ear told of a module's calls, from now on."""
    _ears.setdefault(id(module), []).append(ear)
    if _module._call_impl is _plain:
        _module._call_impl = _heard


def leave(module: nn.Module, ear: Ear) -> None:
    """Tell it no more; after the last one torch is as it was."""
    ears = [other for other in _ears.get(id(module), ()) if other is not ear]
    if ears:
        _ears[id(module)] = ears
    else:
        _ears.pop(id(module), None)
    if not _ears and _module._call_impl is _heard:
        _module._call_impl = _plain


def _heard(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
    ears = _ears.get(id(module))
    if ears is None or torch.compiler.is_compiling():
        return _plain(module, *args, **kwargs)
    for before, _ in ears:
        if before is not None:
            before(module, args)
    output = None
    try:
        output = _plain(module, *args, **kwargs)
    finally:
        for _, after in ears:
            after(module, args, output)
    return output


def transformed() -> bool:
    """Whether what is computed now are no numbers: inside of functorch, or while it is traced."""
    return (
        torch._C._functorch.peek_interpreter_stack() is not None
        or torch._C._get_tracing_state() is not None
    )
