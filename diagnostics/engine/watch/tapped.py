"""A compiled model with its taps: whose sums are whose, and what they tell of a backward pass.

Hooks that are added to what was traced before are never heard, so all is traced anew once. What is
saved or copied is without them.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from diagnostics.engine.measure import gate, sums
from diagnostics.engine.measure.kernels import Floats
from diagnostics.engine.measure.layers import own
from diagnostics.engine.measure.stacked import transferred
from diagnostics.engine.measure.sums import Told
from diagnostics.engine.watch import hiding, loop
from diagnostics.engine.watch.anatomy import Anatomy
from diagnostics.engine.watch.taps import Tap
from diagnostics.subject.activations import Span

COUNTS = slice(0, sums.ENTRIES + 1)
"""Of sums: calls, and the number of entries."""

UNKNOWN = [math.nan] * sums.WIDTH

TAPLESS = (*gate.DOUBLE_LESS, "meta")
"""Devices without float64, or without numbers."""


class Tapped:
    """Taps at a model's layers and activations.

    An activation's sums are those of the layer it follows, as modules stand in a sequence or as
    they were traced; one module that serves many layers can't be told apart, nor a function be
    heard: there z stands, the layer's output.

    Args:
        follows: told once of a layer, and the kind and linear range of the activation after it.

    Attributes:
        spoken: layers that have told anything yet.
        replayed: whether CUDA graphs were found to replay what is compiled: no tap is in these,
            since nobody has yet seen that their sums come out right.
    """

    def __init__(
        self, model: nn.Module, anatomy: Anatomy, follows: Callable[[int, str, Span | None], None]
    ) -> None:
        self._follows = follows
        self._modules = dict(model.named_modules())
        self._noted: list[Tap] = []
        certain = _in_sequence(self._modules.values(), anatomy)
        self._taps = list(self._made(anatomy, certain))
        self._leaves = [leaf for tap in self._taps for leaf in tap.leaves]
        self._layers = {tap.layer: tap for tap in self._taps if tap.layer is not None}
        of = {id(tap.module): tap for tap in self._taps}
        self._after = {i: of[id(module)] for i, module in certain.items() if id(module) in of}
        self._owners: dict[Tap, set[int]] = {}
        self._order: dict[int, None] = {}
        self._told: set[int] = set()
        self._handles: list[Any] = []
        self.spoken: set[int] = set()
        self.replayed = False

    def _made(self, anatomy: Anatomy, certain: dict[int, nn.Module]) -> Iterator[Tap]:
        layers = {id(layer.linear): i for i, layer in enumerate(anatomy.layers)}
        activations = set(map(id, anatomy.activations))
        device = torch.device("meta")
        for path, module in self._modules.items():
            i = layers.get(id(module))
            device = next((p.device for p in own(module)), device)
            if (i is not None or id(module) in activations) and device.type not in TAPLESS:
                yield Tap(path, module, device, i, i not in certain, self._noted)

    def install(self) -> None:
        """Put hooks on, and have all that was compiled traced anew."""
        self._handles = [tap.module.register_forward_hook(tap) for tap in self._taps]
        hiding.begin()
        torch._dynamo.reset()

    def remove(self) -> None:
        """Leave modules as they were."""
        self.detach()
        if self._handles:
            hiding.end()
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def attach(self) -> None:
        """From now on sums are taken."""
        for leaf in self._leaves:
            leaf.grad = None
            leaf.requires_grad_(True)

    def detach(self) -> None:
        """From now on they are not."""
        for leaf in self._leaves:
            leaf.grad = None
            leaf.requires_grad_(False)

    def read(self) -> Told:
        """What the backward pass that just ended has told; it is told once."""
        self.replayed = self.replayed or loop.replays()
        if self.replayed:
            self.detach()
            self._leaves = []
            return Told([], _matrix([]), _matrix([]), np.empty(0))
        if self._noted or not self._order:
            self._learn()
        rows = self._taken()
        told = [i for i in self._order if id(self._layers[i].signal) in rows]
        self.spoken |= set(told)
        taps = [self._output_of(i, rows) for i in told]
        signals = [rows[id(self._layers[i].signal)] for i in told]
        outputs = [UNKNOWN if tap is None else rows[id(tap.output)] for tap in taps]
        shifts = np.array([0.0 if tap is None else tap.shift for tap in taps])
        found = Told(told, _matrix(signals), _matrix(outputs), shifts)
        for k in sums.far(found.outputs).tolist():
            tap = taps[k]
            if tap is not None:
                tap.move(sums.mean(found, k))
        return found

    def _taken(self) -> dict[int, list[float]]:
        """Sums of each leaf, by its ``id``, in one transfer; none of what is only recorded."""
        spoken = {id(leaf): told for leaf in self._leaves if (told := leaf.grad) is not None}
        for leaf in self._leaves:
            leaf.grad = None
        try:
            whole = transferred([*spoken.values()]).reshape(-1, sums.WIDTH)
        except gate.BARRED:
            return {}
        return dict(zip(spoken, whole.tolist(), strict=True))

    def _output_of(self, layer: int, rows: dict[int, list[float]]) -> Tap | None:
        """Whose output counts as a layer's: its activation's, as long as none is known its own."""
        own, after = self._layers[layer], self._after.get(layer)
        if after is not None and id(after.output) in rows:
            seen, whole = rows[id(after.output)], rows[id(own.signal)]
            if seen[COUNTS] == whole[COUNTS]:
                if layer not in self._told:
                    self._told.add(layer)
                    self._follows(layer, type(after.module).__name__, after.span)
                return after
        return own if layer not in self._told and id(own.output) in rows else None

    # ---- whose is whose ----

    def _learn(self) -> None:
        """Which layers and activations were called or traced one after the other."""
        last: int | None = None
        for tap in self._noted:
            if tap.layer is not None:
                self._order.setdefault(tap.layer)
                last = tap.layer
            elif last is not None:
                self._owners.setdefault(tap, set()).add(last)
                last = None
        self._noted.clear()
        self._complete_order()
        for tap in self._taps:
            if tap.layer is None:
                found = self._owners.get(tap) or self._by_twin(tap)
                if len(found) == 1:
                    self._after.setdefault(min(found), tap)

    def _complete_order(self) -> None:
        """Of modules that share a graph one is traced: others stand behind what was made before."""
        order = list(self._order)
        for i in self._layers:
            if i not in self._order:
                order.insert(order.index(i - 1) + 1 if i - 1 in order else 0, i)
        self._order = dict.fromkeys(order)

    def _by_twin(self, tap: Tap) -> set[int]:
        """The layer an activation follows, as its like in the same place of a like part does."""
        for other, owners in self._owners.items():
            for own_part, part in _shared_ends(tap.path, other.path):
                twins = self._modules.get(own_part), self._modules.get(part)
                if len(owners) == 1 and type(twins[0]) is type(twins[1]):
                    path = self._layers[min(owners)].path
                    mine = self._modules.get(own_part + path.removeprefix(part))
                    found = {i for i, one in self._layers.items() if one.module is mine}
                    if found and path.startswith(part):
                        return found
        return set()


def _shared_ends(one: str, other: str) -> Iterator[tuple[str, str]]:
    """Of two paths that end alike, what stands before: "a.0" and "a.1" of "a.0.act", "a.1.act"."""
    parts, others = one.split("."), other.split(".")
    for n in range(1, min(len(parts), len(others))):
        if parts[-n:] == others[-n:]:
            yield ".".join(parts[:-n]), ".".join(others[:-n])


def _in_sequence(modules: Iterable[nn.Module], anatomy: Anatomy) -> dict[int, nn.Module]:
    """Of layers in an ``nn.Sequential``, by their index, the activation that follows each."""
    layers = {id(layer.linear): i for i, layer in enumerate(anatomy.layers)}
    activations = set(map(id, anatomy.activations))
    found: dict[int, nn.Module] = {}
    taken: list[int] = []
    for sequence in modules:
        last = None
        for module in sequence if type(sequence) is nn.Sequential else ():
            taken.append(id(module))
            if id(module) in activations and last is not None:
                found[last] = module
            if id(module) in layers or id(module) in activations or [*module.children()]:
                last = layers.get(id(module))
    return {i: module for i, module in found.items() if taken.count(id(module)) == 1}


def _matrix(rows: Sequence[Sequence[float]]) -> Floats:
    return np.array(rows, np.float64).reshape(-1, sums.WIDTH)
