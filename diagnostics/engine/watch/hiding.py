"""What is saved or copied of a model knows nothing of its taps.

All ways of saving and copying ask an object for its state in one method, which modules do not have
of their own; they have one while there are taps.
"""

from collections import OrderedDict
from typing import Any

from torch import nn

from diagnostics.engine.watch.taps import Tap

HOOKS = "_forward_hooks"

_module: Any = nn.Module
_count = 0
"""How many models have taps."""


def begin() -> None:
    """One more model has taps."""
    global _count
    _count += 1
    _module.__reduce_ex__ = _reduce


def end() -> None:
    """One has them no more; after the last one torch is as it was."""
    global _count
    _count -= 1
    if not _count:
        del _module.__reduce_ex__


def _reduce(module: Any, protocol: int) -> Any:
    made, arguments, state, *rest = (*object.__reduce_ex__(module, protocol), None, None)[:5]
    if isinstance(state, dict) and any(isinstance(h, Tap) for h in state.get(HOOKS, {}).values()):
        hooks = ((key, hook) for key, hook in state[HOOKS].items() if not isinstance(hook, Tap))
        state = {**state, HOOKS: OrderedDict(hooks)}
    return made, arguments, state, *rest
