"""A probe in a stranger's training loop: when what is read, and what that tells of the model.

Gradients are read when a backward pass has ended (after DistributedDataParallel has averaged them)
and looked at again right before the optimizer's step, so that accumulation, loss scaling and
clipping by whomever are seen; weights before and after that step. While nothing is measured no
hook is left on the model.
"""

import sys
from typing import Any

import torch
from torch import nn

from diagnostics.engine.measure.hooks import Hook
from diagnostics.engine.measure.kernels import Floats
from diagnostics.engine.measure.measured import Measured
from diagnostics.engine.measure.probe import Probe
from diagnostics.engine.watch import loop
from diagnostics.engine.watch.anatomy import Anatomy, Listener
from diagnostics.store.records import PatientZero
from diagnostics.subject.watched import WatchedLayer

MOST_ENTRIES = 1 << 14
"""Entries of a weight whose update is looked at: its std is right to 0.6%, 1/√(2n)."""

NO_PASS = -1

CLIPPED = 1 - 1e-5

DEAF = (
    "Activations that are functions aren't heard: the loop calls neither the model nor one of its "
    "direct parts."
)


class Observer:
    """Measures steps of an optimizer.

    Attributes:
        scaler: the ``GradScaler`` in use; one that calls the optimizer is found.
        measuring: whether the step that is going on is measured.
        values: of the step that just ended, float64 [layers, metrics], layers in the order of
            their first call; None where it was not measured.
        clip_threshold: the largest norm that clipping left.
        residual: whether tensors of one shape are added up on the way.
        patient: where a number that is not finite was seen first.
        step: the number of the step that is going on.
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, a: Anatomy):
        self._model, self._optimizer = model, optimizer
        self._layers, self._left_out = a.layers, a.left_out
        self._probe = Probe(
            a.layers, a.activations, a.others, MOST_ENTRIES, a.channels, self._backward_began
        )
        self._listener: Listener | None = Listener(self._probe.activated)
        self._listening: list[Any] = []
        self._handles: list[Any] = []
        self._order: list[int] = []
        self._backward = NO_PASS
        self._deaf = False
        self._measured: Measured | None = None
        self.scaler: Any = None
        self.measuring = False
        self.values: Floats | None = None
        self.clip_threshold = 0.0
        self.residual = False
        self.patient: PatientZero | None = None
        self.step = 1

    def attach(self) -> None:
        """From now on steps are measured."""
        self.measuring = True
        self._probe.attach()
        self._handles = [
            self._optimizer.register_step_pre_hook(self._before_update),
            self._optimizer.register_step_post_hook(self._after_update),
        ]
        if self._listener is not None:
            self._listen(self._listener)

    def detach(self) -> None:
        """From now on no step is measured, and no hook is left on model and optimizer."""
        self.measuring = False
        self._probe.detach()
        self._stop_listening()
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self.forget()

    def forget(self) -> None:
        """Drop what was seen of a step."""
        self._probe.forget()
        self._measured = self.values = None

    @property
    def norm(self) -> float:
        """This step's global gradient norm."""
        return self._known.norm

    @property
    def clipped(self) -> float:
        """The same as the step applied it."""
        return self._known.clipped

    @property
    def seconds(self) -> float:
        """What reading has taken in this step."""
        since = self._probe.step.seconds
        return since if self._measured is None else since + self._measured.seconds

    @property
    def _known(self) -> Measured:
        """What is known of this step, whether it came to its end or not."""
        return self._measured or self._probe.step

    @property
    def seen(self) -> int:
        """How many layers were called so far."""
        return len(self._order)

    def findings(self) -> dict[str, Any]:
        """What is known of the model, as fields of ``WatchedModel``."""
        called = set(self._order)
        quiet = [x.name for i, x in enumerate(self._layers) if i not in called]
        unseen = {
            f"Never called as a module: {', '.join(quiet[:5])}.": bool(quiet),
            DEAF: self._deaf,
            f"Without a point: {', '.join(self._left_out)}.": bool(self._left_out),
        }
        return {
            "layers": self._called(),
            "residual": self.residual,
            "unseen": tuple(sentence for sentence, holds in unseen.items() if holds),
            "clip": "norm" if self.clip_threshold else "none",
            "clip_threshold": self.clip_threshold,
        }

    def news(self) -> tuple[float, ...]:
        """Changes when there is more to be known."""
        return len(self._order), len(self._probe.kinds), self.clip_threshold

    def _called(self) -> tuple[WatchedLayer, ...]:
        """Those called so far, in the order of their first call, with what came after them."""
        return tuple(
            WatchedLayer(
                name=self._layers[i].name,
                kind=type(self._layers[i].linear).__name__,
                activation=self._probe.kinds.get(i, ""),
            )
            for i in self._order
        )

    def blame(self) -> None:
        """Something is not finite: name where it was seen first, in weights before all else."""
        if self.patient is not None:
            return
        spoilt = self._known.spoilt
        if spoilt is None:
            self.patient = PatientZero(self.step, max(1, len(self._probe.order)), "loss")
            return
        i, tensor = spoilt
        left_by = self.step - 1 if tensor == "weight" else self.step
        self.patient = PatientZero(left_by, self._place(i), tensor)

    def _place(self, i: int) -> int:
        """Where a layer stands; one that has no place is answered for by the one declared before.

        A module that is never called may yet lend its weights, as in attention.
        """
        order = self._order or list(self._probe.order)
        shown = [k for k in order if k <= i] or order
        return order.index(max(shown, key=lambda k: (k <= i, k))) + 1 if shown else 1

    def _listen(self, listener: Listener) -> None:
        """Inside the model, and inside its parts where a loop calls those and never the whole."""
        for module in (self._model, *self._model.children()):
            self._listening += [
                module.register_forward_pre_hook(Hook(listener.enter)),
                module.register_forward_hook(Hook(listener.leave), always_call=True),
            ]

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()  # no hook is called where Ctrl-C ends a forward pass
        for handle in self._listening:
            handle.remove()
        self._listening = []

    def _backward_began(self) -> None:
        """Be called behind all others that wait for the end of this backward pass.

        DistributedDataParallel queues the averaging of gradients as we do, maybe later than we do:
        so what is queued first only queues again.
        """
        current = loop.current_backward()
        if current != self._backward:  # one that failed never came to its end
            self._backward = current
            loop.when_backward_ends(lambda: loop.when_backward_ends(self._backward_ended))

    def _backward_ended(self) -> None:
        """All gradients of a backward pass are there; others of the same step may follow."""
        self._backward = NO_PASS
        self._probe.backward()

    def _before_update(self, optimizer: Any, args: object, kwargs: object) -> None:
        if loop.will_skip(optimizer):
            self._probe.forget()
        else:
            self._probe.before_step(self._scale())

    def _scale(self) -> float:
        """What the loss was multiplied with."""
        if self.scaler is None and not self._order:
            self.scaler = loop.find_scaler(sys._getframe())
        return 1.0 if self.scaler is None else float(self.scaler.get_scale())

    def _after_update(self, optimizer: object, args: object, kwargs: object) -> None:
        if not self._probe.step.passes:
            return
        self._measured = measured = self._probe.after_step()
        if len(self._probe.order) > len(self._order):
            self._order = list(self._probe.order)
        self.values = measured.values[self._order]
        self._hear_enough(measured.heard)
        if measured.spoilt is not None:
            self.blame()
        if measured.clipped < CLIPPED * measured.norm:
            self.clip_threshold = max(self.clip_threshold, measured.clipped)

    def _stop_listening_to_parts(self) -> None:
        for handle in self._listening[2:]:
            handle.remove()
        del self._listening[2:]

    def _hear_enough(self, by_hooks: int) -> None:
        """Listen no more where modules' hooks hear all there is."""
        if self._listener is None:
            return
        self.residual = self._listener.adds
        self._deaf = not self._listener.entered
        if id(self._model) in self._listener.entered:
            self._stop_listening_to_parts()
        if self._listener.heard <= by_hooks:
            self._stop_listening()
            self._listener = None
