"""Hooks → per-layer numbers, without touching training.

For each layer the probe sees the pre-activation z (its module's output), the signal gradient
δ = ∂L/∂z, the activation h = φ(z), and the weights before and after the step. A hook that a forward
hook puts on the node that made z gives δ even where an activation works in place, and once for each
call where a module is called twice. Hooks only note what they see; it is read many tensors at a
time, before training goes on to change it. Nothing here draws a random number or writes to what
training reads.
"""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from diagnostics.engine.measure import reductions, sums
from diagnostics.engine.measure.census import Census
from diagnostics.engine.measure.dead import dead_units
from diagnostics.engine.measure.hooks import Hook, nothing, tensors_of
from diagnostics.engine.measure.kernels import Floats
from diagnostics.engine.measure.layers import Layer
from diagnostics.engine.measure.parameters import Parameters, own
from diagnostics.engine.measure.pending import Pending
from diagnostics.engine.measure.ranges import EVERYWHERE, Span, linear_range
from diagnostics.store.records import METRIC_INDEX, METRICS

F = TypeVar("F", bound=Callable[..., Any])

SCALED = [i for key, i in METRIC_INDEX.items() if "grad" in key]
"""Metrics that grow with the loss."""

SPREAD, SIGNALS, UPDATES = (
    np.array([METRIC_INDEX[key] for key in keys], np.int64)
    for keys in (
        ("activation_mean", "activation_std", "sparsity", "saturated"),
        ("signal_grad_norm", "signal_grad_rms"),
        ("weight_norm", "update_norm", "update_ratio"),
    )
)


def _timed(method: F) -> F:
    """Count what a probe's reading takes, once where one method calls another."""

    @wraps(method)
    def timed(self: "Probe", *given: Any) -> Any:
        before, started = self.seconds, time.perf_counter()
        try:
            return method(self, *given)
        finally:
            self.seconds = before + time.perf_counter() - started

    return cast(F, timed)


class Probe:
    """Measures layers at every training step: ``gradients``, ``clipped``, ``remember``, ``finish``.

    An activation belongs to the layer called last before it, so that one module may serve many.

    Args:
        layers: what to watch.
        activations: modules whose outputs are activations; by default those of the layers.
        others: further parameters of the model, which count in the global norm only.
        most: entries of a weight whose update is looked at, evenly spread where it has more.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        activations: Sequence[nn.Module] | None = None,
        others: Sequence[nn.Parameter] = (),
        most: int = reductions.ALL_ENTRIES,
    ) -> None:
        if activations is None:
            activations = [layer.activation for layer in layers if layer.activation is not None]
        count = len(layers)
        self.layers = list(layers)
        self._activations = {id(module): module for module in activations}.values()
        self._parameters = Parameters([layer.linear for layer in layers], others)
        self._updates = reductions.Updates(self._parameters.weights, most)
        self._outputs, self._signals = Pending(self._read_outputs), Pending(self._read_signals)
        self._tally = reductions.Tally(count)
        self._handles: list[Any] = []
        self._values = np.full((count, len(METRICS)), np.nan)
        self._signal = reductions.Norms(count)
        self._nonfinite = np.zeros(count)
        self._bare = set(range(count))
        self._active, self._bounded = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
        self._dead = np.full(count, np.nan)
        self._last = -1
        self.order: dict[int, None] = {}
        """Layers in the order of their first call: the keys."""
        self.kinds: dict[int, str] = {}
        """The activation seen after a layer of which it was not known before."""
        self.modules_heard = 0
        """Outputs of activation modules seen in this step."""
        self.spoilt: list[tuple[int, str]] = []
        """(layer's index, tensor) where this step met non-finite entries, in order."""
        self.census: Census | None = None
        """Counts dead units in passing; without one they are counted by ``count_dead``."""
        self.on_signal: Callable[[], object] = nothing
        """Told, while a backward pass goes on, of its first signal gradient and maybe of others."""
        self.dead_units = np.empty((0, 0), dtype=bool)
        """Which units were dead at the last count, [active layers, units]."""
        self.seconds = 0.0
        """Time spent reading since the step began."""
        for i, layer in enumerate(layers):
            if layer.activation is not None:
                self._activate(i, linear_range(layer.activation))
        self.attach()

    def attach(self) -> None:
        """Put the hooks on."""
        for i, layer in enumerate(self.layers):
            self._handles.append(layer.linear.register_forward_hook(Hook(self._on_output(i))))
        for module in self._activations:
            hook = Hook(self._on_activation(module))
            self._handles.append(module.register_forward_hook(hook))

    def close(self) -> None:
        """Take all hooks off."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._updates.pause()

    @_timed
    def computed(self, batches: int) -> None:
        """After the first of several backward passes: its gradients, undiluted by their number."""
        self._parameters.read()
        self._put("computed_grad_norm", self._parameters.weight_norms() * batches)

    @_timed
    def gradients(self) -> float:
        """After a backward pass: read all gradients; the global norm."""
        self._outputs.read()
        self._signals.read()
        norm = self._parameters.read()
        weights = self._parameters.weight_norms()
        computed = self._values[:, METRIC_INDEX["computed_grad_norm"]]
        if np.isnan(computed).all():
            computed[:] = weights
        self._put("weight_grad_norm", weights)
        self._put("weight_grad_rms", weights / self._parameters.root_sizes)
        self._put("clipped_grad_norm", weights)
        self._put("bias_grad_norm", self._parameters.bias_norms())
        if not math.isfinite(norm):
            self._spoilt_gradients()
        return norm

    def unscale(self, scale: float) -> None:
        """After the last backward pass: undo what the loss was multiplied with."""
        self._values[:, SCALED] /= scale
        self._signal.values /= scale

    def changed(self) -> bool:
        """Whether somebody wrote to a gradient since ``gradients``."""
        return self._parameters.changed()

    @_timed
    def clipped(self) -> float:
        """After clipping: read the weight gradients again; the global norm."""
        norm = self._parameters.read()
        self._put("clipped_grad_norm", self._parameters.weight_norms())
        return norm

    @_timed
    def remember(self) -> None:
        """Before the optimizer's step: keep the weights, to see what the step makes of them."""
        self._updates.remember()

    @_timed
    def finish(self) -> Floats:
        """After the optimizer's step: the step's numbers, float64 [layers, metrics]."""
        self._outputs.read()
        self._signals.read()
        self._outputs.first = self._signals.first = False
        sums.signals(self._signal.values, self._signal.entries, self._values, SIGNALS)
        sums.spread(self._tally.sums, self._active, self._bounded, self._values, SPREAD)
        self._put_updates()
        self._put("dead", self._dead if self.census is None else self.census.share)
        self._put("nonfinite", self._nonfinite)
        values = self._values.copy()
        self.forget()
        return values

    def forget(self) -> None:
        """Drop what was seen of a step."""
        self._values.fill(np.nan)
        for seen in (self._tally.sums, self._nonfinite):
            seen.fill(0.0)
        for part in (self._outputs, self._signals, self._signal, self.spoilt):
            part.clear()
        self._parameters.release()
        self.modules_heard = 0
        self._last = -1

    def count_dead(self, forward: Callable[[Tensor], object], parts: Sequence[Tensor]) -> None:
        """Count units that stay exactly 0 for all samples of a fixed probe set.

        The count stands in every step's numbers until the next.
        """
        masks = dead_units(self.layers, forward, parts)
        for i, dead in masks.items():
            self._dead[i] = float(dead.float().mean())
        self.dead_units = np.array([dead.numpy() for dead in masks.values()])

    def activated(self, kind: str, h: Tensor, span: Span | None) -> None:
        """An activation of a kind was computed, with its linear range where it has one."""
        i, self._last = self._last, -1
        if i < 0 or not torch.is_grad_enabled():
            return
        if i in self._bare:
            self.kinds[i] = kind
            self._activate(i, span)
        self._outputs.add(i, h)

    def begun(self, i: int, *called: object) -> None:
        """A layer was called: an activation before anything else in it is its own."""
        self._last = i

    def _activate(self, i: int, span: Span | None) -> None:
        """Until now a layer's output stood for its activation."""
        self._bare.discard(i)
        self._outputs.drop(i)
        self._tally.sums[i] = 0.0
        self._active[i], self._bounded[i] = True, span is not None
        self._tally.low[i], self._tally.high[i] = span or EVERYWHERE

    def _on_activation(self, module: nn.Module) -> Callable[..., None]:
        kind, span = type(module).__name__, linear_range(module)

        def on_activation(module: nn.Module, args: object, h: Tensor) -> None:
            self.modules_heard += 1
            self.activated(kind, h, span)

        return on_activation

    def _on_output(self, i: int) -> Callable[..., None]:
        """A forward hook: the signal gradient is caught from a hook on the output."""
        first = partial(self._catch, i, 0)

        def on_output(module: nn.Module, args: object, output: Any) -> None:
            self._last = i
            if not torch.is_grad_enabled():
                return
            self.order.setdefault(i)
            zs = [output] if type(output) is Tensor else tensors_of(output)
            for z in zs:
                node = z.grad_fn
                if node is not None:
                    place = z.output_nr
                    node.register_prehook(partial(self._catch, i, place) if place else first)
                elif z.requires_grad:
                    z.register_hook(lambda gradient: first((gradient,)))  # type: ignore[no-untyped-call]
            if zs and i in self._bare:
                self._outputs.add(i, zs[0])

        return on_output

    def _catch(self, i: int, output: int, gradients: tuple[Tensor | None, ...]) -> None:
        """A module called twice has a signal for each call: together one gradient.

        Caught where the backward pass comes to the module, which costs half of a tensor's hook.
        """
        gradient = gradients[output]
        if gradient is None or not self._handles:  # the graph may outlive the watching
            return
        if self._outputs:
            self._outputs.read()  # what came of the forward pass is told first
            self.on_signal()
        elif not self._signals:
            self.on_signal()
        self._signals.add(i, gradient)

    @_timed
    def _read_outputs(self, rows: list[int], tensors: list[Tensor]) -> None:
        these = reductions.gather(rows, tensors)
        if not self._tally.add(these):
            self._spoil_all(rows, "activation", tensors)
        if self.census is not None:
            self.census.see(these, self._bare)

    @_timed
    def _read_signals(self, rows: list[int], tensors: list[Tensor]) -> None:
        if not self._signal.add(reductions.gather(rows, tensors)):
            self._spoil_all(rows, "signal_grad", tensors)

    def _spoil_all(self, rows: list[int], name: str, tensors: list[Tensor]) -> None:
        for i, tensor in zip(rows, tensors, strict=True):
            self._spoil(i, name, tensor)

    def _spoil(self, i: int, name: str, tensor: Tensor) -> None:
        if count := reductions.nonfinite(tensor):
            self.spoilt.append((i, name))
            self._nonfinite[i] += count

    def _spoilt_gradients(self) -> None:
        for i, name, parameter in self._parameters.named():
            if parameter.grad is not None:
                self._spoil(i, f"{name}_grad", parameter.grad)

    def _put_updates(self) -> None:
        entries, changes = self._updates.entries, self._updates.read()
        owner = self._parameters.weight_owner
        if not sums.updates(entries, changes, owner, self._values, UPDATES):
            for i, layer in enumerate(self.layers):
                for parameter in own(layer.linear):
                    self._spoil(i, "weight", parameter.detach())

    def _put(self, key: str, column: Floats) -> None:
        self._values[:, METRIC_INDEX[key]] = column
