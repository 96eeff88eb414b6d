"""The probe around a stranger's training loop.

    with watch(model, optimizer) as w:
        for x, y in loader:
            loss = loss_fn(model(x), y); loss.backward()
            optimizer.step(); optimizer.zero_grad()
            w.step(loss=loss)

Gradients are read when a backward pass has ended (after DistributedDataParallel has averaged them)
and again right before the optimizer's step, so that accumulation, loss scaling and clipping by
whomever are seen; weights before and after that step. Which steps are measured is decided before
they begin, and on the others no hook is left.
"""

import logging
import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from types import FrameType
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from diagnostics.control import Control
from diagnostics.engine import sums
from diagnostics.engine.anatomy import Listener, Unwatchable, examine
from diagnostics.engine.budget import Budget
from diagnostics.engine.census import Census
from diagnostics.engine.kernels import Floats
from diagnostics.engine.probe import Hook, Probe, warm_up
from diagnostics.engine.worker import StoreSink
from diagnostics.notebook import Page
from diagnostics.records import (
    SCALAR_INDEX,
    SCALARS,
    Diagnosis,
    Event,
    PatientZero,
    StepBatch,
)
from diagnostics.rules import RULES, diagnose
from diagnostics.store import Store, open_store
from diagnostics.watched import WatchedLayer, WatchedModel

FLUSH_SECONDS = 0.25
MOST_ENTRIES = 1 << 14
"""Entries of a weight whose update is looked at: its std is right to 0.6%, 1/√(2n)."""

RECENT = 200
"""Measured steps that rules are shown."""

JUDGE_SECONDS = 2.0
DEPTH_SEARCHED = 12
"""Frames between an optimizer's step and the GradScaler that called it, and some more."""

NO_PASS = -1

CLIPPED = 1 - 1e-5

log = logging.getLogger("diagnostics.watch")


class Stopped(RuntimeError):
    """Training was stopped because of a diagnosis that ``raise_on`` names."""


class Watch:
    """Watches a model while it is trained; a context manager.

    Args:
        model: any ``torch.nn.Module``.
        optimizer: whose steps count.
        name: what the run is called on the page.
        store: a store, or its URL; by default the one the settings name, which ``serve`` shows.
        budget: the share of training time that watching may take.
        every: measure every so manyeth step instead.
        on_alert: called with each new ``Diagnosis`` of severity ill.
        raise_on: rules at which ``step`` raises ``Stopped``.
        tensorboard: a folder for event files beside the store.

    Raises:
        Unwatchable: in one sentence, what can't be watched and why.
        StoreError: no store can be had.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        name: str = "",
        store: Store | str | None = None,
        budget: float = 0.03,
        every: int | None = None,
        on_alert: Callable[[Diagnosis], object] | None = None,
        raise_on: Iterable[str] = (),
        tensorboard: str | None = None,
    ) -> None:
        self._raise_on = _known_rules(raise_on)
        self._budget = Budget(budget, every)
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise Unwatchable(
                f"optimizer={optimizer!r:.60} can't be watched: it must be a torch.optim.Optimizer."
            )
        self._model, self._optimizer, self._name = model, optimizer, name
        self._anatomy = examine(model)
        self._on_alert = on_alert
        self._main = not _is_follower()
        self._owns_store = not isinstance(store, Store)
        self._tensorboard = tensorboard
        self._store: Store | None = None
        if self._main:
            self._store = store if isinstance(store, Store) else open_store(store)
        self.run_id = ""
        self.subject = WatchedModel(
            model=type(model).__name__,
            optimizer=type(optimizer).__name__.lower(),
            norm=self._anatomy.norm,
        )
        self._reset()

    def _reset(self) -> None:
        self._steps = 0
        self._open = False
        self._measuring = self._ready = False
        self._order: list[int] = []
        self._handles: list[Any] = []
        self._beginnings: list[Any] = []
        self._scaler: Any = None
        self._backward = NO_PASS
        self._settled = False
        self._passes = 0
        self._norm = self._after = math.nan
        self._values: Floats | None = None
        self._patient: PatientZero | None = None
        self._diverged = False
        self._recent: deque[tuple[int, Any, Any]] = deque(maxlen=RECENT)
        self._alerted: set[str] = set()
        self._judged = 0.0

    # ---- entering and leaving ----

    def __enter__(self) -> Self:
        if not self._main or self._store is None:
            return self
        warm_up()  # here, where nobody measures a step
        a = self._anatomy
        self._probe = Probe(a.layers, a.activations, a.others, MOST_ENTRIES)
        self._probe.census = Census(len(a.layers), a.channels)
        self._probe.on_signal = self._backward_began
        self._probe.close()
        self._listener: Listener | None = Listener(self._probe.activated)
        self._board = _board(self._tensorboard)
        self.run_id = self._store.create_run(self.subject, name=self._name or self.subject.model)
        self._store.set_state(self.run_id, "running")
        self._sink = StoreSink(
            self._store, self.run_id, Control(), every=FLUSH_SECONDS, patient=False
        )
        self._optimizer_handles = [
            self._optimizer.register_step_pre_hook(self._before_update),
            self._optimizer.register_step_post_hook(self._after_update),
        ]
        self._open = True
        self._budget.begin()
        self._attach()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not self._open or self._store is None:
            return
        self._open = False
        self._detach()
        for handle in self._optimizer_handles:
            handle.remove()
        self._probe.on_signal = lambda: None
        self._sink.close()
        if self._board is not None:
            self._board.close()
        state = "finished" if error is None else "failed"
        if isinstance(error, (KeyboardInterrupt, Stopped)):
            state = "stopped"
        summary = self._summary()
        if state == "failed":
            summary["error"] = f"{type(error).__name__}: {error}"[:500]
        try:
            self._store.set_state(self.run_id, "diverged" if self._patient else state, **summary)
            if self._owns_store:
                self._store.close()
        except Exception as trouble:  # a store that is gone must not end what trained well
            log.warning("The end of the run can't be stored: %s", trouble)

    def _summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = {"steps": self._steps}
        if self._patient is not None:
            summary["patient_zero"] = asdict(self._patient)
        return summary

    def show(self, height: int = 900) -> Page:
        """The live page, which a notebook embeds; a server of it is started where none is."""
        if self._store is None:
            raise Unwatchable("There is no page here: the process of rank 0 watches.")
        return Page(self._store.url, self.run_id, height)

    # ---- a step ----

    def scaler(self, scaler: Any) -> None:
        """Name the ``GradScaler`` in use; one that calls the optimizer is found by itself."""
        self._scaler = scaler

    def step(self, loss: Any = None, **scalars: float) -> None:
        """After the optimizer's step: one step is over.

        Args:
            loss: of this step, a number or a tensor of one.
            scalars: any of ``accuracy``, ``heldout_loss`` and ``heldout_accuracy``.

        Raises:
            Stopped: a diagnosis that ``raise_on`` names.
            ValueError: a scalar that is not kept.
        """
        if not self._open:
            return
        self._steps += 1
        value = _number(loss)
        wrong = not math.isfinite(value) and loss is not None
        if self._measuring and self._values is not None:
            self._write(self._values, value, scalars)
        elif wrong and self._ready and not self._diverged:
            self._write(np.full(self._probe.shape, np.nan), value, scalars)
        if self._patient is None and wrong:
            self._patient = self._spoilt(self._steps)
        self._judge()
        self._budget.over(self._measuring, self._probe.seconds)
        self._probe.seconds = 0.0
        self._values = None
        self._passes = 0
        if self._budget.due != self._measuring:
            self._attach() if self._budget.due else self._detach()
        elif self._measuring:
            self._probe.forget()

    def _write(self, values: Floats, loss: float, scalars: dict[str, float]) -> None:
        row = np.full(len(SCALARS), np.nan)
        for key, number in {**self._scalars(loss), **scalars}.items():
            if key not in SCALAR_INDEX:
                raise ValueError(f"{key} is not kept: it must be one of {', '.join(SCALARS)}.")
            row[SCALAR_INDEX[key]] = number
        kept = sums.rounded(values[self._order])
        self._sink.write(self._steps, kept, row)
        self._recent.append((self._steps, kept, row))
        if self._board is not None:
            self._board.write(self._steps, self.subject.names, kept, row)

    def _scalars(self, loss: float) -> dict[str, float]:
        return {
            "loss": loss,
            "grad_norm": self._norm,
            "clipped_norm": self._after,
            "lr": float(self._optimizer.param_groups[0]["lr"]),
            "step_time": self._budget.bare,
            "probe_time": self._budget.share * self._budget.bare,
        }

    # ---- hooks ----

    def _attach(self) -> None:
        """From now on the step is measured."""
        self._measuring = True
        self._probe.attach()
        for i, layer in enumerate(self._probe.layers):
            if not type(layer.linear).__module__.startswith("torch."):
                begin = Hook(partial(self._probe.begun, i))
                self._beginnings.append(layer.linear.register_forward_pre_hook(begin))
        if self._listener is not None:
            listener = self._listener
            enter = self._model.register_forward_pre_hook(Hook(lambda *_: listener.enter()))
            leave = self._model.register_forward_hook(
                Hook(lambda *_: listener.leave()), always_call=True
            )
            self._handles = [enter, leave]

    def _detach(self) -> None:
        self._measuring = False
        self._probe.close()
        self._probe.forget()
        self._stop_listening()
        for handle in self._beginnings:
            handle.remove()
        self._beginnings = []

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.leave()  # no hook is called where Ctrl-C ends a forward pass
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def _backward_began(self) -> None:
        current = torch._C._current_graph_task_id()
        if current != self._backward:  # one that failed never came to its end
            self._backward = current
            _when_backward_ends(lambda: _when_backward_ends(self._backward_ended))

    def _backward_ended(self) -> None:
        """All gradients of a backward pass are there; others of the same step may follow."""
        self._backward = NO_PASS
        self._passes += 1
        self._norm = self._after = self._probe.gradients()

    def _before_update(self, optimizer: Any, args: object, kwargs: object) -> None:
        if not self._measuring:
            return
        if _will_skip(optimizer):
            self._passes = 0
            return
        if self._passes:
            self._settle()
        self._probe.remember()

    def _settle(self) -> None:
        """The gradients are those that the step applies: undo their scale, look at clipping."""
        self._settled = True
        if self._scaler is None and not self._ready:
            self._scaler = _find_scaler(sys._getframe())
        if self._scaler is not None:
            scale = float(self._scaler.get_scale())
            self._probe.unscale(scale)
            self._norm /= scale
            self._after = self._norm
        if self._probe.spoilt and self._patient is None:
            self._patient = self._spoilt(self._steps + 1)
        if self._probe.changed():
            self._after = self._probe.clipped()

    def _after_update(self, optimizer: object, args: object, kwargs: object) -> None:
        if not self._measuring or not self._passes:
            return
        if not self._settled:  # a closure computed them during the step
            self._settle()
        self._settled = False
        if not self._ready:
            self._describe()
        self._values = self._probe.finish()
        if self._after < CLIPPED * self._norm and self._after > self.subject.clip_threshold:
            self._know(clip="norm", clip_threshold=self._after)

    # ---- what is known ----

    def _describe(self) -> None:
        """After the first step: which layers were called, in which order, with what after them."""
        self._ready = True
        self._order = list(self._probe.order)
        probe, listener = self._probe, self._listener
        assert listener is not None
        layers = [
            WatchedLayer(
                name=probe.layers[i].name,
                kind=type(probe.layers[i].linear).__name__,
                activation=probe.kinds.get(i, ""),
            )
            for i in probe.order
        ]
        quiet = [x.name for i, x in enumerate(probe.layers) if i not in set(probe.order)]
        unseen = (f"Never called as a module: {', '.join(quiet[:5])}.",) if quiet else ()
        self._know(layers=tuple(layers), residual=listener.adds, unseen=unseen)
        if listener.heard <= probe.modules_heard:  # modules' hooks hear all there is
            self._stop_listening()
            self._listener = None

    def _know(self, **news: Any) -> None:
        self.subject = self.subject.model_copy(update=news)
        try:
            assert self._store is not None
            self._store.describe(self.run_id, self.subject)
        except Exception as trouble:
            log.warning("What is known of the model can't be stored: %s", trouble)

    def _spoilt(self, step: int) -> PatientZero:
        """The first tensor in which a non-finite number was seen; weights come before all."""
        if not self._probe.spoilt:
            return PatientZero(step, max(1, len(self._probe.order)), "loss")
        i, tensor = self._probe.spoilt[0]
        place = self._place(i)
        weights = self._probe.layers[i].linear.parameters(recurse=False)
        if not all(bool(torch.isfinite(weight).all()) for weight in weights):
            return PatientZero(step - 1, place, "weight")
        return PatientZero(step, place, tensor)

    def _place(self, i: int) -> int:
        """Where a layer stands; one that has no place is answered for by the one declared before.

        A module that is never called may yet lend its weights, as in attention.
        """
        order = self._order or self._probe.order
        shown = [k for k in order if k <= i] or order
        return order.index(max(shown, key=lambda k: (k <= i, k))) + 1 if shown else 1

    def _judge(self) -> None:
        """Tell of divergence at once, of all else every few seconds, if anybody wants to know."""
        if self._patient is not None and not self._diverged:
            self._diverged = True
            self._sink.event(Event(self._steps, "diverged", asdict(self._patient)))
        elif (
            not (self._on_alert or self._raise_on)
            or time.monotonic() - self._judged < JUDGE_SECONDS
        ):
            return
        self._judged = time.monotonic()
        for found in self.diagnoses():
            if found.severity == "ill" and found.rule not in self._alerted:
                self._alerted.add(found.rule)
                self._alert(found)

    def _alert(self, found: Diagnosis) -> None:
        if self._on_alert is not None:
            self._on_alert(found)
        if found.rule in self._raise_on:
            raise Stopped(f"{found.title}. {found.sentence}")

    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """What the recent measured steps say, the gravest first."""
        if not self._recent:
            return ()
        steps, values, scalars = zip(*self._recent, strict=True)
        same = [i for i, kept in enumerate(values) if kept.shape == values[-1].shape]
        batch = StepBatch(
            np.array([steps[i] for i in same]),
            np.stack([values[i] for i in same]),
            np.stack([scalars[i] for i in same]),
        )
        return diagnose(self.subject, batch, "running", self._patient)


def _when_backward_ends(act: Callable[[], None]) -> None:
    torch.autograd.Variable._execution_engine.queue_callback(act)


def _number(loss: Any) -> float:
    if loss is None:
        return math.nan
    return float(loss.detach()) if isinstance(loss, Tensor) else float(loss)


def _will_skip(optimizer: Any) -> bool:
    """Whether a fused optimizer was told by a GradScaler that its gradients are not finite."""
    found = getattr(optimizer, "found_inf", None)
    return found is not None and bool(found)


def _find_scaler(frame: FrameType | None) -> Any:
    """The GradScaler on whose behalf the optimizer steps, if there is one."""
    for _ in range(DEPTH_SEARCHED):
        if frame is None:
            return None
        owner = frame.f_locals.get("self")
        if isinstance(owner, torch.amp.GradScaler) and owner.is_enabled():
            return owner
        frame = frame.f_back
    return None


def _is_follower() -> bool:
    """Whether another process of the same training watches: rank 0 does."""
    distributed = torch.distributed
    ready = distributed.is_available() and distributed.is_initialized()
    return ready and distributed.get_rank() > 0


def _known_rules(names: Iterable[str]) -> frozenset[str]:
    names = (names,) if isinstance(names, str) else tuple(names)
    known = [rule.key for rule in RULES] + ["diverged"]
    for name in names:
        if name not in known:
            raise Unwatchable(f"raise_on={name} can't be used: it must be of {', '.join(known)}.")
    return frozenset(names)


def _board(folder: str | None) -> Any:
    if folder is None:
        return None
    from diagnostics.engine.board import Board

    return Board(folder)
