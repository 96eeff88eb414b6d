"""Hooks → per-layer numbers, without touching training.

For each layer the probe sees the pre-activation z (its module's output), the signal gradient
δ = ∂L/∂z, the activation h = φ(z), and the weights before and after the step. A hook that a forward
hook puts on the node that made z gives δ even where an activation works in place, and once for each
call where a module is called twice. Tensors are read the moment they are seen, and none is kept.
Nothing here draws a random number or writes to what training reads.
"""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diagnostics.engine import reductions
from diagnostics.engine.census import Census
from diagnostics.engine.network import Layer
from diagnostics.engine.parameters import Parameters, own
from diagnostics.engine.reductions import Floats
from diagnostics.records import METRIC_INDEX, METRICS

OUTERMOST = 0.05

DEFINED_TANH = 0.97
"""|tanh| above which it counts as saturated; other bounded activations use OUTERMOST."""

EVERYWHERE = (-math.inf, math.inf)

SCALED = tuple(key for key in METRICS if "grad" in key)
"""Metrics that grow with the loss."""

Span = tuple[float, float]


def linear_range(activation: nn.Module | None) -> Span | None:
    """(low, high) outside of which a bounded activation counts as saturated, or None."""
    if isinstance(activation, nn.Tanh):
        return -DEFINED_TANH, DEFINED_TANH
    if isinstance(activation, nn.Sigmoid):
        return OUTERMOST, 1 - OUTERMOST
    if isinstance(activation, nn.Hardtanh):
        margin = (activation.max_val - activation.min_val) * OUTERMOST
        return activation.min_val + margin, activation.max_val - margin
    return None


class Hook:
    """A module's hook that does nothing any more once the module was copied or saved."""

    def __init__(self, act: Callable[..., object]) -> None:
        self._act = act

    def __call__(self, *given: Any) -> None:
        self._act(*given)

    def __reduce__(self) -> tuple[Any, ...]:
        return Hook, (_nothing,)


def _nothing(*given: object) -> None:
    pass


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
        self._tally = reductions.Tally(count)
        self._handles: list[Any] = []
        self._values = np.full((count, len(METRICS)), np.nan)
        self._signal, self._signal_size = np.zeros(count), np.zeros(count)
        self._nonfinite = np.zeros(count)
        self._active = np.array([layer.activation is not None for layer in layers])
        self._bounded = np.array([linear_range(layer.activation) is not None for layer in layers])
        self._dead = np.full(count, np.nan)
        self._masks: dict[int, Tensor] | None = None
        self._last = -1
        self._called: set[int] = set()
        self.order: list[int] = []
        """Layers in the order of their first call."""
        self.kinds: dict[int, str] = {}
        """The activation seen after a layer of which it was not known before."""
        self.modules_heard = 0
        """Outputs of activation modules seen in this step."""
        self.spoilt: list[tuple[int, str]] = []
        """(layer's index, tensor) where this step met non-finite entries, in order."""
        self.census: Census | None = None
        """Counts dead units in passing; without one they are counted by ``count_dead``."""
        self.on_signal: Callable[[], None] | None = None
        """Told of every signal gradient, while the backward pass is going on."""
        self.dead_units = np.empty((0, 0), dtype=bool)
        """Which units were dead at the last count, [active layers, units]."""
        self.seconds = 0.0
        """Time spent watching since the step began."""
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

    def computed(self, batches: int) -> None:
        """After the first of several backward passes: its gradients, undiluted by their number."""
        started = time.perf_counter()
        found = self._parameters.weight_norms(self._parameters.norms())
        self._put("computed_grad_norm", found * batches)
        self.seconds += time.perf_counter() - started

    def gradients(self) -> float:
        """After a backward pass: read all gradients; the global norm."""
        started = time.perf_counter()
        norms = self._parameters.norms()
        weights = self._parameters.weight_norms(norms)
        self._put("weight_grad_norm", weights)
        if np.isnan(self._values[:, METRIC_INDEX["computed_grad_norm"]]).all():
            self._put("computed_grad_norm", weights)
        self._put("weight_grad_rms", weights / self._parameters.root_sizes)
        self._put("clipped_grad_norm", weights)
        self._put("bias_grad_norm", self._parameters.bias_norms(norms))
        self._put_signals()
        if not np.isfinite(norms).all():
            self._spoilt_gradients()
        self.seconds += time.perf_counter() - started
        return reductions.global_norm(norms[self._parameters.present])

    def unscale(self, scale: float) -> None:
        """After the last backward pass: undo what the loss was multiplied with."""
        for key in SCALED:
            self._values[:, METRIC_INDEX[key]] /= scale

    def clipped(self) -> float:
        """After clipping: read the weight gradients again; the global norm."""
        started = time.perf_counter()
        norms = self._parameters.norms()
        self._put("clipped_grad_norm", self._parameters.weight_norms(norms))
        self.seconds += time.perf_counter() - started
        return reductions.global_norm(norms[self._parameters.present])

    def remember(self) -> None:
        """Before the optimizer's step: keep the weights, to see what the step makes of them."""
        started = time.perf_counter()
        self._updates.remember()
        self.seconds += time.perf_counter() - started

    def finish(self) -> Floats:
        """After the optimizer's step: the step's numbers, float64 [layers, metrics]."""
        started = time.perf_counter()
        self._read_activations()
        self._read_update()
        self._put("dead", self._dead if self.census is None else self.census.share)
        self._put("nonfinite", self._nonfinite)
        values = self._values.copy()
        self.forget()
        self.seconds += time.perf_counter() - started
        return values

    def forget(self) -> None:
        """Drop what was seen of a step."""
        self._values.fill(np.nan)
        self._tally.clear()
        for seen in (self._signal, self._signal_size, self._nonfinite):
            seen.fill(0.0)
        self.spoilt.clear()
        self.modules_heard = 0
        self._last = -1

    def versions(self) -> list[tuple[int, int]]:
        """What changes when somebody writes to a gradient or puts another in its place."""
        return self._parameters.versions()

    @property
    def shape(self) -> tuple[int, int]:
        """Of a step's numbers: layers, metrics."""
        return len(self.layers), len(METRICS)

    def count_dead(self, forward: Callable[[Tensor], object], parts: Sequence[Tensor]) -> None:
        """Count units that stay exactly 0 for all samples, [layers].

        The count stands in every step's numbers until the next.

        Args:
            parts: the fixed probe set; once no unit is left that might be dead, the rest of it
                can't change anything and is spared.
        """
        self._masks = {}
        try:
            with torch.no_grad():
                for part in parts:
                    forward(part)
                    if not any(bool(mask.any()) for mask in self._masks.values()):
                        break
            for i, dead in self._masks.items():
                self._dead[i] = float(dead.float().mean())
            self.dead_units = np.array([dead.numpy() for dead in self._masks.values()])
        finally:
            self._masks = None

    def activated(self, kind: str, h: Tensor, span: Span | None) -> None:
        """An activation of a kind was computed, with its linear range where it has one."""
        started = time.perf_counter()
        i, self._last = self._last, -1
        if i >= 0 and self._masks is not None:
            self._mask(i, h)
        elif i >= 0 and torch.is_grad_enabled():
            if not self._active[i]:  # until now its output stood for it
                self._active[i], self._bounded[i] = True, span is not None
                self.kinds[i] = kind
                self._tally.clear(i)
            self._see(i, h, span or EVERYWHERE)
            if self.census is not None:
                self.census.see(i, h)
        self.seconds += time.perf_counter() - started

    def begun(self, i: int, *called: object) -> None:
        """A layer was called: an activation before anything else in it is its own."""
        self._last = i

    def _on_activation(self, module: nn.Module) -> Callable[..., None]:
        kind, span = type(module).__name__, linear_range(module)

        def on_activation(module: nn.Module, args: object, h: Tensor) -> None:
            self.modules_heard += 1
            self.activated(kind, h, span)

        return on_activation

    def _on_output(self, i: int) -> Callable[..., None]:
        """A forward hook: the signal gradient is caught from a hook on the output."""
        catch = partial(self._catch, i)

        def on_output(module: nn.Module, args: object, output: Any) -> None:
            self._last = i
            if self._masks is not None or not torch.is_grad_enabled():
                return
            z = _first_tensor(output)
            if z is None:
                return
            if i not in self._called:
                self._called.add(i)
                self.order.append(i)
            if z.grad_fn is not None:
                z.grad_fn.register_prehook(partial(catch, z.output_nr))
            elif z.requires_grad:
                z.register_hook(lambda gradient: catch(0, (gradient,)))  # type: ignore[no-untyped-call]
            if not self._active[i]:
                started = time.perf_counter()
                self._see(i, z, EVERYWHERE)
                self.seconds += time.perf_counter() - started

        return on_output

    def _catch(self, i: int, output: int, gradients: tuple[Tensor | None, ...]) -> None:
        """A module called twice has a signal for each call: together one gradient.

        Caught where the backward pass comes to the module, which costs half of a tensor's hook.
        """
        gradient = gradients[output]
        if gradient is None:
            return
        started = time.perf_counter()
        norm = reductions.norm(gradient)
        self._signal[i] = math.hypot(self._signal[i], norm)
        self._signal_size[i] += gradient.numel()
        if not math.isfinite(norm):
            self._spoil(i, "signal_grad", gradient)
        self.seconds += time.perf_counter() - started
        if self.on_signal is not None:
            self.on_signal()

    def _see(self, i: int, h: Tensor, span: Span) -> None:
        if not self._tally.add(i, h, span):
            self._spoil(i, "activation", h)

    def _spoil(self, i: int, name: str, tensor: Tensor) -> None:
        if count := reductions.nonfinite(tensor):
            self.spoilt.append((i, name))
            self._nonfinite[i] += count

    def _spoilt_gradients(self) -> None:
        for i, name, parameter in self._parameters.named():
            if parameter.grad is not None:
                self._spoil(i, f"{name}_grad", parameter.grad)

    def _mask(self, i: int, h: Tensor) -> None:
        assert self._masks is not None
        dead = ~h.reshape(-1, h.shape[-1]).any(dim=0)
        self._masks[i] = dead & self._masks[i] if i in self._masks else dead

    def _put_signals(self) -> None:
        seen = self._signal_size > 0
        norms = self._signal[seen]
        self._put("signal_grad_norm", norms, seen)
        self._put("signal_grad_rms", norms / np.sqrt(self._signal_size[seen]), seen)

    def _read_activations(self) -> None:
        found = self._tally.read()
        self._put("activation_mean", found.mean)
        self._put("activation_std", found.std)
        self._put("sparsity", found.zeros[self._active], self._active)
        self._put("saturated", found.outside[self._bounded], self._bounded)

    def _read_update(self) -> None:
        found = self._parameters.pooled(self._updates.read())
        self._put("weight_norm", found.norm)
        self._put("update_norm", found.update_norm)
        with np.errstate(all="ignore"):
            self._put(
                "update_ratio", found.update_std / np.where(found.std == 0, np.nan, found.std)
            )
        for i in np.flatnonzero(~np.isfinite(found.norm)).tolist():
            for parameter in own(self.layers[i].linear):
                self._spoil(i, "weight", parameter.detach())

    def _put(self, key: str, column: Floats, layers: Any = slice(None)) -> None:
        self._values[layers, METRIC_INDEX[key]] = column


def to_float32(values: Floats) -> NDArray[np.float32]:
    """Rounded, yet what is finite stays finite and what is not 0 stays apart from 0."""
    limits = np.finfo(np.float32)
    size = np.clip(np.abs(values), limits.smallest_subnormal, limits.max)
    keep = np.isfinite(values) & (values != 0)
    return np.where(keep, np.copysign(size, values), values).astype(np.float32)


def _first_tensor(output: Any) -> Tensor | None:
    """A module's output, or the first tensor in it: of an LSTM the outputs of all steps."""
    if isinstance(output, Tensor):
        return output
    parts = output.values() if isinstance(output, dict) else output
    if not isinstance(output, (tuple, list, dict)):
        return None
    return next((found for part in parts if (found := _first_tensor(part)) is not None), None)
