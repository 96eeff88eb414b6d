"""When backward passes begin and end, also those of models that nobody can listen into."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch._compile import _disable_dynamo
from torch._guards import TracingContext

from diagnostics.engine.measure.hooks import NO_BACKWARD
from diagnostics.engine.watch import loop


class Follower(NamedTuple):
    """Who is told of backward passes: before one begins, and once it has ended.

    ``ended`` is told whether the graph is kept, so that it may be gone through again.
    """

    began: Callable[[], None]
    ended: Callable[[bool], None]


_followers: list[Follower] = []

_autograd: Any = torch.autograd
_plain = _autograd._engine_run_backward


def follow(follower: Follower) -> None:
    """Have somebody told of each pass, from now on."""
    _followers.append(follower)
    _autograd._engine_run_backward = _heard


def leave(follower: Follower) -> None:
    """Tell him no more; after the last one torch is as it was."""
    _followers[:] = [other for other in _followers if other is not follower]
    if not _followers and _autograd._engine_run_backward is _heard:
        _autograd._engine_run_backward = _plain


@_disable_dynamo
def _heard(outputs: Any, *args: Any, **kwargs: Any) -> Any:
    """A pass within another one is part of it, and one that is compiled fills no gradient.

    What fails has not ended: nothing came of it.
    """
    within = loop.current_backward() != NO_BACKWARD or TracingContext.try_get() is not None
    told = [] if within else list(_followers)
    for follower in told:
        follower.began()
    found = _plain(outputs, *args, **kwargs)
    for follower in told:
        follower.ended(bool(args[1]) if len(args) > 1 else False)
    return found
