"""Hooks → per-layer numbers, without touching training.

    probe.attach()
    for x, y in batches:
        loss(model(x), y).backward(); probe.backward()
        probe.before_step(); optimizer.step(); measured = probe.after_step()

For each layer the probe sees the pre-activation z (its module's output), the signal gradient
δ = ∂L/∂z, the activation h = φ(z), and the weights before and after the step. Hooks only note what
they see: a call of Python's for every small tensor would cost more than reading it, so tensors wait
and are read many at a time, before training goes on to change them. Nothing here draws a random
number or writes to what training reads.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diagnostics.engine.measure import kernels, reductions
from diagnostics.engine.measure.dead_units import InPassing, dead_units
from diagnostics.engine.measure.hooks import Hooks, nothing
from diagnostics.engine.measure.kernels import Flags
from diagnostics.engine.measure.layers import Layer, linear_range, own
from diagnostics.engine.measure.measured import ROW, SCALED, Measured
from diagnostics.engine.measure.parameters import Parameters
from diagnostics.engine.measure.pending import Pending
from diagnostics.subject.activations import Span

F = TypeVar("F", bound=Callable[..., Any])


def _timed(method: F) -> F:
    """Count what a probe's reading takes, once where one method calls another."""

    @wraps(method)
    def timed(self: "Probe", *given: Any, **named: Any) -> Any:
        step = self.step
        before, started = step.seconds, time.perf_counter()
        try:
            return method(self, *given, **named)
        finally:
            step.seconds = before + time.perf_counter() - started

    return cast(F, timed)


class Probe:
    """Measures layers at every training step.

    Args:
        layers: what to watch.
        activations: modules whose outputs are activations; by default those of the layers.
        others: further parameters of the model, which count in the global norm only.
        most: entries of a weight whose update is looked at, evenly spread where it has more.
        channels: which layers are convolutions, [layers]; given, dead units are counted in passing
            and not by ``count_dead``.
        on_signal: told, while a backward pass goes on, of its first signal gradient and maybe of
            others.

    Attributes:
        step: what was seen so far of the step that is going on.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        activations: Sequence[nn.Module] | None = None,
        others: Sequence[nn.Parameter] = (),
        most: int = reductions.ALL_ENTRIES,
        channels: Flags | None = None,
        on_signal: Callable[[], object] = nothing,
    ) -> None:
        if activations is None:
            activations = [layer.activation for layer in layers if layer.activation is not None]
        count = len(layers)
        self._layers, self._told = list(layers), on_signal
        self._parameters = Parameters([layer.linear for layer in layers], others)
        self._updates = reductions.Updates(self._parameters.weights, most)
        self._tally, self._signal = reductions.Tally(count), reductions.Norms(count)
        self._outputs = Pending(count, self._read_outputs, self._tally.lose)
        self._signals = Pending(count, self._read_signals, self._signal.lose)
        self._hooks = Hooks(
            layers, activations, self._outputs.add, self._on_signal, self._on_activation
        )
        for i, layer in enumerate(layers):
            if layer.activation is not None:
                self._tally.activate(i, linear_range(layer.activation))
        self._dead = np.full(count, np.nan)
        self._in_passing = None if channels is None else InPassing(channels)
        self._values, self._rows = reductions.named(count, ROW)
        self._begin()

    @property
    def order(self) -> Mapping[int, None]:
        """Layers in the order of their first call: the keys."""
        return self._hooks.order

    @property
    def kinds(self) -> Mapping[int, str]:
        """The activation seen after a layer of which it was not known before."""
        return self._hooks.kinds

    @property
    def dead(self) -> NDArray[np.float64]:
        """Shares of dead units as last counted, [layers], which stand until the next count."""
        return self._dead

    @dead.setter
    def dead(self, shares: NDArray[np.float64]) -> None:
        self._dead[:] = shares

    def attach(self) -> None:
        """Put the hooks on."""
        self._hooks.attach()

    def detach(self) -> None:
        """Take the hooks off; steps may be taken that nobody looks at."""
        self._hooks.detach()
        self._updates.pause()
        self.forget()

    def activated(self, kind: str, h: Tensor, span: Span | None) -> None:
        """An activation of a kind was computed by no module, maybe with a linear range."""
        self._hooks.activated(kind, h, span)

    @_timed
    def backward(self, share: float = 1.0) -> None:
        """After a backward pass: read all gradients.

        Args:
            share: of the step's loss that this pass was for, where several are summed up.
        """
        self._read_waiting()
        step, rows = self.step, self._rows
        step.passes += 1
        step.norm = step.clipped = self._parameters.read()
        weights = self._parameters.weight_norms()
        if np.isnan(rows["computed_grad_norm"]).all():
            rows["computed_grad_norm"] = weights / share
        rows["weight_grad_norm"] = rows["clipped_grad_norm"] = weights
        rows["weight_grad_rms"] = weights / self._parameters.root_sizes
        rows["bias_grad_norm"] = self._parameters.bias_norms()
        if not math.isfinite(step.norm):
            self._spoilt_gradients()

    @_timed
    def before_step(self, scale: float = 1.0) -> None:
        """Right before the optimizer's step: look at clipping, and keep the weights.

        Args:
            scale: what the loss was multiplied with so that small gradients don't underflow.
        """
        if self.step.passes:
            self._settle(scale)
        self._updates.remember()

    @_timed
    def after_step(self) -> Measured:
        """After the optimizer's step, which ends the step for the probe as well."""
        step, rows = self.step, self._rows
        if step.passes and not self._settled:  # a closure computed gradients within the step
            self._settle(1.0)
        self._read_waiting()
        self._outputs.first = self._signals.first = False
        kernels.signals(self._signal.values, self._signal.entries, rows)
        self._tally.write(rows)
        if not kernels.updates(self._updates.read(), self._parameters.weight_owner, rows):
            self._spoilt_weights()
        rows["dead"] = self._dead if self._in_passing is None else self._in_passing.share
        step.values, step.heard = self._values.copy(), self._hooks.heard
        self.forget()
        return step

    def forget(self) -> None:
        """Drop what was seen of a step."""
        for part in (self._outputs, self._signals, self._tally, self._signal):
            part.clear()
        self._parameters.release()
        self._hooks.forget()
        self._begin()

    def count_dead(
        self, forward: Callable[[Tensor], object], parts: Sequence[Tensor]
    ) -> NDArray[np.bool_]:
        """Count units that stay exactly 0 for all samples of a fixed probe set.

        The count stands in every step's numbers until the next.

        Returns:
            Which units are dead, [active layers, units].
        """
        masks = dead_units(self._layers, forward, parts)
        for i, dead in masks.items():
            self._dead[i] = float(dead.float().mean())
        return np.array([dead.numpy() for dead in masks.values()])

    def _begin(self) -> None:
        self._values.fill(np.nan)
        self._rows["nonfinite"] = 0.0
        self.step = Measured(self._values)
        self._settled = False

    def _settle(self, scale: float) -> None:
        """The gradients are those that the step applies: undo their scale, look at clipping.

        After a step it is too late: some optimizers write to gradients.
        """
        self._settled = True
        if scale != 1.0:
            self._values[:, SCALED] /= scale
            self._signal.values /= scale
            self.step.norm = self.step.clipped = self.step.norm / scale
        if self._parameters.changed():
            self.step.clipped = self._parameters.read()
            self._rows["clipped_grad_norm"] = self._parameters.weight_norms()

    def _on_activation(self, i: int, span: Span | None) -> None:
        """Until now a layer's output stood for its activation."""
        self._outputs.drop(i)
        self._tally.activate(i, span)

    def _on_signal(self, i: int, output: int, gradients: tuple[Tensor | None, ...]) -> None:
        """A module called twice has a signal for each call: together one gradient."""
        gradient = gradients[output]
        if gradient is None or not self._hooks.on:  # the graph may outlive the watching
            return
        if self._outputs:
            self._outputs.read()  # what came of the forward pass is told first
            self._told()
        elif not self._signals:
            self._told()
        self._signals.add(i, gradient)

    def _read_waiting(self) -> None:
        self._outputs.read()
        self._signals.read()

    @_timed
    def _read_outputs(self, rows: list[int], tensors: list[Tensor]) -> None:
        these = reductions.gather(rows, tensors)
        if not self._tally.add(these):
            self._spoil_all(rows, "activation", tensors)
        if self._in_passing is not None:
            self._in_passing.see(these, self._hooks.bare)

    @_timed
    def _read_signals(self, rows: list[int], tensors: list[Tensor]) -> None:
        if not self._signal.add(reductions.gather(rows, tensors)):
            self._spoil_all(rows, "signal_grad", tensors)

    def _spoil_all(self, rows: list[int], name: str, tensors: list[Tensor]) -> None:
        for i, tensor in zip(rows, tensors, strict=True):
            self._spoil(i, name, tensor)

    def _spoil(self, i: int, name: str, tensor: Tensor) -> None:
        if self._count_nonfinite(i, tensor) and self.step.spoilt is None:
            weights = own(self._layers[i].linear)
            healthy = all(bool(torch.isfinite(weight).all()) for weight in weights)
            self.step.spoilt = (i, name if healthy else "weight")

    def _count_nonfinite(self, i: int, tensor: Tensor) -> int:
        count = reductions.nonfinite(tensor)
        self._rows["nonfinite"][i] += count
        return count

    def _spoilt_gradients(self) -> None:
        for i, name, parameter in self._parameters.named():
            if parameter.grad is not None:
                self._spoil(i, f"{name}_grad", parameter.grad)

    def _spoilt_weights(self) -> None:
        """By this step: the next one will show them as what spoilt it."""
        for i, layer in enumerate(self._layers):
            for parameter in own(layer.linear):
                self._count_nonfinite(i, parameter.detach())


def warm_up() -> None:
    """Measure two steps of next to nothing: a process loads or compiles its kernels then."""
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        linear, relu = nn.Linear(1, 1), nn.ReLU()
        probe = Probe([Layer("", linear, relu)], channels=np.array([False]))
        probe.attach()
        for _ in range(2):
            relu(linear(torch.ones(1, 1))).sum().backward()
            probe.backward()
            probe.before_step()
            kernels.rounded(probe.after_step().values)
        probe.detach()
