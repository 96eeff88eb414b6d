"""Routers of experts: how evenly tokens are spread over them, and which get none.

A router is told by its shape: a weight of as many rows as there are experts beside it, in a list of
modules of one class or in parameters of three dimensions. Its choice is a function of torch along a
dimension of that size, called next to it. Of n choices an expert gets f_e = n_e / n; evenness is
−Σ f_e ln f_e / ln E. Where nothing is chosen and all experts are weighed, weights are counted.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diagnostics.engine.measure import gate
from diagnostics.engine.measure.kernels import Floats
from diagnostics.engine.measure.layers import Layer
from diagnostics.engine.measure.measured import Measured
from diagnostics.engine.specials.special import (
    Function,
    Reading,
    Unreadable,
    columns,
    plain,
)

ENOUGH = 10
"""Choices an expert above which one that got none is idle: by chance it is in 0.005% of steps."""

FUSED = -1
"""In place of an expert's number: of a layer that holds them all."""


class Router(NamedTuple):
    """A layer that routes, how many experts it has, and by layer which of them lies there."""

    layer: int
    experts: int
    inside: Mapping[int, int]


class Seen(NamedTuple):
    """Of a call: how much each expert got, [experts], and whether that was chosen or weighed.

    A tensor where it is read, an array where it is written.
    """

    load: Any
    chosen: bool


class Routers:
    """Those of mixtures of experts; rows are a router's own, and those of its experts' layers."""

    metrics: ClassVar[tuple[str, ...]] = ("router_evenness", "idle_experts", "expert_share")

    def __init__(self, model: nn.Module, layers: Sequence[Layer]) -> None:
        found = _routers(model, {id(layer.linear): i for i, layer in enumerate(layers)})
        self._routers = {router.layer: router for router in found}
        self._sizes = {router.experts for router in self._routers.values()}

    @property
    def readers(self) -> Mapping[Function, Callable[..., Any]]:
        """Nothing is heard where there are no experts."""
        kinds: dict[Callable[..., Any], tuple[Function, ...]] = {
            self._topk: (torch.topk, Tensor.topk),
            self._largest: (torch.max, Tensor.max),
            self._argmax: (torch.argmax, Tensor.argmax),
            self._drawn: (torch.multinomial, Tensor.multinomial),
            self._weighed: (torch.softmax, Tensor.softmax, F.softmax),
            self._softly: (F.gumbel_softmax,),
        }
        found = {function: kind for kind, functions in kinds.items() for function in functions}
        return found if self._sizes else {}

    def write(self, found: Sequence[Reading], step: Measured) -> None:
        """Rows of routers that were called right before or around a choice of theirs."""
        calls: dict[int, Seen] = {}
        for before, seen in found:
            row = self._row(before, len(seen.load), step)
            if row is not None and (seen.chosen or not calls.get(row, seen).chosen):
                calls[row] = seen
        for layer, router in self._routers.items():
            own = [seen for row, seen in calls.items() if step.calls[row] == layer]
            if own and _leads(router, step.order):
                self._fill(router, own, step.values)

    def _row(self, before: int, experts: int, step: Measured) -> int | None:
        """The router's call that a choice belongs to, where its pass was applied."""
        for row in (before - 1, before):
            router = self._routers.get(step.calls[row]) if row in step.used else None
            if router is not None and router.experts == experts:
                return row
        return None

    def _fill(self, router: Router, own: Sequence[Seen], values: Floats) -> None:
        load = np.sum([seen.load for seen in own], axis=0)
        known = all(seen.chosen for seen in own) and load.sum() >= ENOUGH * router.experts
        with np.errstate(all="ignore"):
            share = load / load.sum()
        even = -float(np.sum(share * np.log(np.where(share > 0, share, 1.0))))
        idle = float((load == 0).mean()) if known else np.nan
        for layer, expert in router.inside.items():
            if expert != FUSED:
                values[layer, columns(self.metrics)[-1:]] = share[expert]
        values[router.layer, columns(self.metrics)] = even / np.log(len(load)), idle, share.max()

    # ---- what is heard ----

    def _topk(self, result: Any, input: Tensor, k: int, dim: int = -1, *_: Any, **__: Any) -> Any:
        return self._chosen(result[1], input, dim)

    def _largest(self, result: Any, input: Tensor, dim: Any = None, *_: Any, **__: Any) -> Any:
        return self._chosen(result[1], input, dim) if isinstance(dim, int) else None

    def _argmax(self, result: Tensor, input: Tensor, dim: Any = None, *_: Any, **__: Any) -> Any:
        return self._chosen(result, input, dim) if isinstance(dim, int) else None

    def _drawn(self, result: Tensor, input: Tensor, *_: Any, **__: Any) -> Any:
        return self._chosen(result, input, -1)

    def _weighed(self, result: Tensor, input: Tensor, dim: Any = None, *_: Any, **__: Any) -> Any:
        return self._summed(result, dim, chosen=False) if isinstance(dim, int) else None

    def _softly(
        self, result: Tensor, logits: Tensor, tau: float = 1, hard: bool = False,
        eps: float = 0, dim: int = -1,
    ) -> Any:  # fmt: skip
        return self._summed(result, dim, chosen=hard)

    def _chosen(self, indices: Tensor, scores: Tensor, dim: int) -> Seen | None:
        experts = scores.shape[dim] if scores.ndim else 0
        if experts not in self._sizes:
            return None
        if type(indices) not in gate.PLAIN or indices.is_meta or indices.is_nested:
            raise Unreadable(gate.name_of(indices))
        gate.refuse_captured([indices])
        flat = indices.flatten()
        load = torch.zeros(experts, dtype=torch.int64, device=flat.device)
        return Seen(load.scatter_add_(0, flat, torch.ones_like(flat)), True)

    def _summed(self, weights: Tensor, dim: int, chosen: bool) -> Seen | None:
        if not weights.ndim or weights.shape[dim] not in self._sizes:
            return None
        return Seen(plain(weights).movedim(dim, -1).flatten(0, -2).float().sum(0), chosen)


def _leads(router: Router, order: Sequence[int]) -> bool:
    """Whether it was called before its experts, unlike the head of a model of as many blocks."""
    place = {layer: i for i, layer in enumerate(order)}
    called = [place[layer] for layer in router.inside if layer in place]
    return bool(called) and place[router.layer] <= min(called)


def _routers(model: nn.Module, place: Mapping[int, int]) -> Iterator[Router]:
    """All that may be one; which layer is where is told by ``place``, by ``id``."""
    rowed = _by_rows(model, place)
    for parent in model.modules():
        for holder in (parent, *parent.children()):
            inside = _experts(holder)
            experts = len(set(inside.values())) if FUSED not in inside.values() else _size(holder)
            for module in _within(parent, rowed.get(experts, ())):
                if id(module) not in inside or module is parent:
                    within = {place[key]: e for key, e in inside.items() if key in place}
                    yield Router(place[id(module)], experts, within)


def _experts(holder: nn.Module) -> dict[int, int]:
    """By ``id`` of modules inside: which expert's they are; empty where it holds none."""
    if _size(holder):
        return {id(holder): FUSED}
    parts = list(holder.children()) if isinstance(holder, (nn.ModuleList, nn.ModuleDict)) else []
    alike = len(parts) > 1 and len(set(map(type, parts))) == 1
    if not alike or any(next(part.parameters(), None) is None for part in parts):
        return {}
    return {id(module): i for i, part in enumerate(parts) for module in part.modules()}


def _size(holder: nn.Module) -> int:
    """How many experts' weights lie in parameters of three dimensions; 0 for none."""
    if type(holder).__module__.startswith("torch."):
        return 0
    sizes = {p.shape[0] for p in holder.parameters(recurse=False) if p.ndim > 2}
    return sizes.pop() if len(sizes) == 1 and min(sizes) > 1 else 0


def _by_rows(model: nn.Module, place: Mapping[int, int]) -> dict[int, list[nn.Module]]:
    """Layers with a weight of so many rows, by that number: of a large model few may route."""
    found: dict[int, list[nn.Module]] = {}
    for module in model.modules():
        if id(module) in place:
            for rows in {len(p) for p in module.parameters(recurse=False) if p.ndim == 2}:
                found.setdefault(rows, []).append(module)
    return found


def _within(parent: nn.Module, some: Sequence[nn.Module]) -> list[nn.Module]:
    """Those that are parts of it."""
    parts = set(map(id, parent.modules())) if some else set()
    return [module for module in some if id(module) in parts]
