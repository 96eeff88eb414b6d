"""Hooks → per-layer numbers, without touching training.

For each layer the probe sees the pre-activation z (its module's output), the signal gradient
δ = ∂L/∂z, the activation h = φ(z), and the weights before and after the step. A tensor hook placed
on z by a forward hook gives δ even where an activation works in place, and once for each call where
a module is called twice. Nothing here draws a random number or writes to what training reads.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from diagnostics.engine import reductions
from diagnostics.engine.network import Layer
from diagnostics.engine.reductions import Floats
from diagnostics.records import METRIC_INDEX, METRICS

OUTERMOST = 0.05

DEFINED_TANH = 0.97
"""|tanh| above which it counts as saturated; other bounded activations use OUTERMOST."""


def linear_range(activation: nn.Module | None) -> tuple[float, float] | None:
    """(centre, radius) outside of which a bounded activation counts as saturated, or None."""
    if isinstance(activation, nn.Tanh):
        return 0.0, DEFINED_TANH
    if isinstance(activation, nn.Sigmoid):
        return 0.5, 0.5 - OUTERMOST
    if isinstance(activation, nn.Hardtanh):
        low, high = activation.min_val, activation.max_val
        return (low + high) / 2, (high - low) * (0.5 - OUTERMOST)
    return None


class _Watched:
    """One layer: its hooks' catch of the current step."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.range = linear_range(layer.activation)
        self.shift = 0.0
        self.clear()

    def clear(self) -> None:
        self.signals: list[Tensor] = []
        self.activations: list[Tensor] = []
        self.zeros: list[Tensor] = []
        self.saturated: list[Tensor] = []

    @property
    def weight(self) -> nn.Parameter:
        weight = self.layer.linear.weight
        assert isinstance(weight, nn.Parameter)
        return weight

    @property
    def bias(self) -> nn.Parameter | None:
        bias = self.layer.linear.bias
        return bias if isinstance(bias, nn.Parameter) else None

    def see_activation(self, h: Tensor) -> None:
        # Shifting by the last step's mean keeps float32 sums of squares from cancelling; the new
        # tensor also outlives an activation that a later module overwrites in place.
        self.activations.append(h - self.shift)
        if self.layer.activation is None:
            return
        self.zeros.append((h == 0).sum())
        if self.range is not None:
            centre, radius = self.range
            self.saturated.append(((h - centre).abs() > radius).sum())


class Probe:
    """Measures layers at every training step: ``gradients``, ``clipped``, then ``finish``.

    Args:
        layers: what to watch, input to output.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._watched = [_Watched(layer) for layer in layers]
        self._handles: list[Any] = []
        self._values = np.full((len(layers), len(METRICS)), np.nan)
        self._before: list[Tensor] = []
        self._dead = np.full(len(layers), np.nan)
        self._masks: dict[int, Tensor] | None = None
        self.seconds = 0.0
        """Time spent watching since the step began."""
        for i, watched in enumerate(self._watched):
            self._attach(i, watched)

    def close(self) -> None:
        """Take all hooks off."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def gradients(self) -> None:
        """After backward: read weight and bias gradients, and remember the weights."""
        started = time.perf_counter()
        weights = [watched.weight for watched in self._watched]
        self._put_norms("weight_grad_norm", [weight.grad for weight in weights])
        self._put("weight_grad_rms", self._get("weight_grad_norm") / _root_sizes(weights))
        self._put("clipped_grad_norm", self._get("weight_grad_norm"))
        biases = [watched.bias for watched in self._watched]
        self._put_norms("bias_grad_norm", [None if b is None else b.grad for b in biases])
        self._remember([weight.detach() for weight in weights])
        self.seconds += time.perf_counter() - started

    def clipped(self) -> None:
        """After clipping: read the weight gradients again."""
        started = time.perf_counter()
        self._put_norms("clipped_grad_norm", [watched.weight.grad for watched in self._watched])
        self.seconds += time.perf_counter() - started

    def finish(self) -> Floats:
        """After the optimizer's step: the step's numbers, float64 [layers, metrics]."""
        started = time.perf_counter()
        self._read_signals()
        self._read_activations()
        self._read_update()
        self._put("dead", self._dead)
        self._count_nonfinite()
        values = self._values.copy()
        self._values.fill(np.nan)
        for watched in self._watched:
            watched.clear()
        self.seconds += time.perf_counter() - started
        return values

    def count_dead(self, forward: Callable[[], object]) -> None:
        """Count units that stay exactly 0 while ``forward`` runs the fixed probe set, [layers].

        The count stands in every step's numbers until the next.
        """
        self._masks = {}
        try:
            with torch.no_grad():
                forward()
            for i, dead in self._masks.items():
                self._dead[i] = float(dead.float().mean())
        finally:
            self._masks = None

    def _attach(self, i: int, watched: _Watched) -> None:
        def on_output(module: nn.Module, args: object, z: Tensor) -> None:
            if self._masks is None and z.requires_grad:
                z.register_hook(watched.signals.append)  # type: ignore[no-untyped-call]
                if watched.layer.activation is None:
                    watched.see_activation(z.detach())

        def on_activation(module: nn.Module, args: object, h: Tensor) -> None:
            started = time.perf_counter()
            if self._masks is not None:
                self._mask(i, h)
            elif h.requires_grad:
                watched.see_activation(h.detach())
            self.seconds += time.perf_counter() - started

        self._handles.append(watched.layer.linear.register_forward_hook(on_output))
        if watched.layer.activation is not None:
            self._handles.append(watched.layer.activation.register_forward_hook(on_activation))

    def _mask(self, i: int, h: Tensor) -> None:
        assert self._masks is not None
        dead = ~h.reshape(-1, h.shape[-1]).any(dim=0)
        self._masks[i] = dead & self._masks[i] if i in self._masks else dead

    def _read_signals(self) -> None:
        flat = [(i, signal) for i, w in enumerate(self._watched) for signal in w.signals]
        found = reductions.norms([signal for _, signal in flat])
        norm, count = np.full(len(self._watched), np.nan), np.zeros(len(self._watched))
        for (i, signal), value in zip(flat, found, strict=True):
            norm[i] = value if np.isnan(norm[i]) and not count[i] else np.hypot(norm[i], value)
            count[i] += signal.numel()
        self._put("signal_grad_norm", norm)
        self._put("signal_grad_rms", norm / np.sqrt(np.maximum(count, 1)))

    def _read_activations(self) -> None:
        seen = [
            (i, w, _joined(w.activations)) for i, w in enumerate(self._watched) if w.activations
        ]
        moments = reductions.moments([h for _, _, h in seen])
        counts = reductions.gather([_total(w.zeros) for _, w, _ in seen])
        outside = reductions.gather([_total(w.saturated) for _, w, _ in seen])
        for row, (i, watched, _) in enumerate(seen):
            mean = watched.shift + moments.mean[row]
            self._values[i, METRIC_INDEX["activation_mean"]] = mean
            self._values[i, METRIC_INDEX["activation_std"]] = moments.std[row]
            watched.shift = mean if np.isfinite(mean) else 0.0
            size = moments.size[row]
            if watched.zeros:
                self._values[i, METRIC_INDEX["sparsity"]] = counts[row] / size
            if watched.saturated:
                self._values[i, METRIC_INDEX["saturated"]] = outside[row] / size

    def _read_update(self) -> None:
        weights = [watched.weight.detach() for watched in self._watched]
        torch._foreach_sub_(self._before, weights)
        after, update = reductions.moments(weights), reductions.moments(self._before)
        self._put("weight_norm", after.norm)
        with np.errstate(all="ignore"):
            self._put("update_ratio", update.std / np.where(after.std == 0, np.nan, after.std))

    def _remember(self, weights: list[Tensor]) -> None:
        if not self._before:
            self._before = [weight.clone() for weight in weights]
        else:
            torch._foreach_copy_(self._before, weights)

    def _count_nonfinite(self) -> None:
        """Count only in layers whose norms say that there is something to count."""
        keys = ("signal_grad_norm", "weight_grad_norm", "activation_std", "weight_norm")
        columns = [METRIC_INDEX[key] for key in keys]
        self._put("nonfinite", np.zeros(len(self._watched)))
        for i in np.flatnonzero(~np.isfinite(self._values[:, columns]).all(axis=1)):
            watched = self._watched[i]
            tensors = [*watched.signals, *watched.activations, watched.weight.detach()]
            tensors += [] if watched.weight.grad is None else [watched.weight.grad]
            count = sum(reductions.nonfinite(tensor) for tensor in tensors)
            self._values[i, METRIC_INDEX["nonfinite"]] = count

    def _put_norms(self, key: str, gradients: Sequence[Tensor | None]) -> None:
        """Norms of gradients; NaN where a frozen parameter has none."""
        rows = [i for i, gradient in enumerate(gradients) if gradient is not None]
        found = np.full(len(gradients), np.nan)
        found[rows] = reductions.norms([g for g in gradients if g is not None])
        self._put(key, found)

    def _put(self, key: str, column: Floats) -> None:
        self._values[:, METRIC_INDEX[key]] = column

    def _get(self, key: str) -> Floats:
        return self._values[:, METRIC_INDEX[key]]


def to_float32(values: Floats) -> NDArray[np.float32]:
    """Rounded, yet what is finite stays finite and what is not 0 stays apart from 0."""
    limits = np.finfo(np.float32)
    size = np.clip(np.abs(values), limits.smallest_subnormal, limits.max)
    keep = np.isfinite(values) & (values != 0)
    return np.where(keep, np.copysign(size, values), values).astype(np.float32)


def _root_sizes(tensors: Sequence[Tensor]) -> Floats:
    return np.sqrt([tensor.numel() for tensor in tensors])


def _joined(tensors: list[Tensor]) -> Tensor:
    return tensors[0] if len(tensors) == 1 else torch.cat([t.reshape(-1) for t in tensors])


def _total(counts: list[Tensor]) -> Tensor:
    return torch.stack(counts).sum() if counts else torch.tensor(0)
