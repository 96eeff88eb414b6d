"""One run of a watched loop, from entering to leaving: its steps, and where they are kept."""

import logging
import math
from dataclasses import asdict
from typing import Any

import numpy as np
from torch import nn
from torch.optim import Optimizer

from diagnostics.engine.measure.hooks import nothing
from diagnostics.engine.measure.kernels import Floats, rounded
from diagnostics.engine.watch import loop, pace
from diagnostics.engine.watch.alerts import Alerts
from diagnostics.engine.watch.anatomy import Anatomy, examine
from diagnostics.engine.watch.budget import Budget
from diagnostics.engine.watch.observer import Observer
from diagnostics.engine.watch.recorder import Chronicle, Unwritten
from diagnostics.engine.watch.together import Together
from diagnostics.engine.watch.told import Told
from diagnostics.store.records import SCALAR_INDEX, SCALARS, Diagnosis, Event, PatientZero, Step
from diagnostics.subject.watched import Stopped, Unwatchable, WatchedLayer, WatchedModel

MEASURED = [
    SCALAR_INDEX[key]
    for key in ("grad_norm", "clipped_norm", "left_norm", "lr", "step_time", "probe_time")
]
"""Scalars that watching knows by itself."""

log = logging.getLogger("diagnostics.watch")


class Session:
    """A run that goes on.

    Attributes:
        observer: what measures.
        patient: where a number that is not finite was seen first, once somebody was told.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizers: list[Optimizer],
        anatomy: Anatomy,
        chronicle: Chronicle | Unwritten,
        budget: Budget,
        alerts: Alerts,
        several: bool = False,
    ) -> None:
        self._model, self._optimizers = model, optimizers
        self._chronicle, self._budget, self._alerts = chronicle, budget, alerts
        self._known: tuple[Any, ...] = ()
        self._stored = self._passed = 0
        self._told = Told()
        self.patient: PatientZero | None = None
        self._together = Together(budget.ahead) if several else None
        earlier = chronicle.earlier
        self.observer = Observer(model, optimizers, anatomy, self._together or nothing)
        if earlier is not None:
            self.observer.take_up(earlier.subject.names, earlier.step)
            self._stored = len(earlier.recent)
            for step in earlier.recent:
                alerts.see(step)

    def begin(self) -> None:
        """The first step begins."""
        try:
            self._budget.begin(loop.compiling())
            self.observer.attach()
        except BaseException as error:
            self.end(error)
            raise

    def end(self, error: BaseException | None, stopped: str = "") -> None:
        """Leave model and optimizers as they were, and say how it went.

        Args:
            error: that ended the loop.
            stopped: why somebody else ended it.
        """
        observer = self.observer
        observer.look_again()
        observer.close()
        self._forget_divergence()
        self._tell_events()
        self.patient = observer.patient
        state = _state_after(error)
        summary: dict[str, Any] = {"steps": observer.step - 1}
        if stopped:
            state = "stopped"
            log.info("%s", stopped)
        if state == "failed":
            summary["error"] = f"{type(error).__name__}: {error}"[:500]
        elif not self._stored and state == "finished":
            state, summary["error"] = "failed", self._why_nothing()
            log.warning("%s", summary["error"])
        if self.patient is not None:
            state, summary["patient_zero"] = "diverged", asdict(self.patient)
        self._chronicle.close(state, summary)

    def concerns(self, model: nn.Module, optimizers: list[Optimizer]) -> bool:
        """Whether it watches the same model by one of the same optimizers."""
        own = set(map(id, self._optimizers))
        return model is self._model and not own.isdisjoint(map(id, optimizers))

    @property
    def subject(self) -> WatchedModel:
        """What is known of the model."""
        return self._chronicle.subject

    def step(self, loss: Any, scalars: dict[str, Any]) -> None:
        """A step is over. Raises ``Stopped``, ``ValueError`` for what can't be kept."""
        self._told.hear(scalars)
        observer = self.observer
        self._passed += 1
        self._budget.over(observer.measuring, observer.seconds, loop.compiling())
        known = loop.number(loss, observer.measuring)
        sound = known is None or math.isfinite(known)
        try:
            if observer.measuring:
                observer.finish(sound)
            elif known is not None and sound:
                observer.look_again()
            if observer.measuring or observer.events or not sound:
                self._account(sound, known)
        finally:
            self._go_on()

    def _account(self, sound: bool, loss: float | None) -> None:
        """Keep a step that was measured or went wrong, and tell of it."""
        observer = self.observer
        if not sound and observer.patient is None and not observer.sound:
            observer.blame_loss()
        self._forget_divergence()
        if observer.values is not None:
            self._write(observer.values, loss)
        elif observer.patient is not None and self.patient is None and len(observer.places):
            self._write(observer.nothing(), loss)
        self._tell_events()
        self._tell()

    def _forget_divergence(self) -> None:
        """Where weights were replaced, what goes on is judged by itself."""
        if self.observer.patient is None and self.patient is not None:
            self.patient = None
            self._alerts.forget()

    def _tell_events(self) -> None:
        events, self.observer.events = self.observer.events, []
        for event in events:
            self._chronicle.event(event)

    def _write(self, values: Floats, loss: float | None) -> None:
        observer, budget = self.observer, self._budget
        row = np.full(len(SCALARS), np.nan)
        told, own = self._told.take()
        for key, number in (told if loss is None else {**told, "loss": loss}).items():
            row[SCALAR_INDEX[key]] = number
        news = observer.news()
        if news != self._known:
            self._known = news
            before = {layer.name: layer for layer in self.subject.layers}
            self._chronicle.know(**observer.findings())
            self._tell_of_parts(before)
        left, bare = observer.left, budget.bare
        row[MEASURED] = (
            *(observer.norm, observer.clipped, left, observer.lr, bare, budget.share * bare),
        )
        step = Step(observer.step, rounded(values), row, own)
        self._stored += 1
        self._chronicle.write(step)
        self._alerts.see(step)
        budget.elsewhere = self._chronicle.seconds

    def _tell_of_parts(self, before: dict[str, WatchedLayer]) -> None:
        """Of layers that were frozen, or are moved only now."""
        same = ("frozen", "moved")
        changed = [
            layer.name
            for layer in self.subject.layers
            if layer.name in before
            and any(getattr(layer, key) != getattr(before[layer.name], key) for key in same)
        ]
        if changed:
            event = Event(self.observer.step, "followed", {"layers": changed[:5]})
            self._chronicle.event(event)

    def _tell(self) -> None:
        """Tell of divergence at once, of all else every few seconds, if anybody wants to know."""
        observer = self.observer
        news = observer.patient if self.patient is None else None
        if news is not None:
            self.patient = news
            self._chronicle.event(Event(observer.step, "diverged", asdict(news)))
        if news is not None or self._alerts.due:
            self._alerts.judge(self.subject, self.patient)

    def _go_on(self) -> None:
        """Begin the next step, measured or not."""
        observer = self.observer
        observer.go_on()
        measured = observer.measuring and (observer.ended or self._together is None)
        compiled = self._look_at_model() if measured else False
        if self._together is not None:
            pace.go_on_together(observer, self._together)
        else:
            pace.go_on_alone(observer, self._budget.due, measured, compiled)
        self._budget.go_on(observer.measuring)

    def _look_at_model(self) -> bool:
        """Follow it where it has other parts; whether it was found to be compiled meanwhile."""
        observer = self.observer
        if observer.stale:
            self._follow()
        compiled, observer.compiled = observer.compiled, False
        if compiled:
            observer.tap()
        return compiled

    def _follow(self) -> None:
        """The model has got other parts."""
        try:
            parts = self.observer.follow(examine(self._model))
        except Unwatchable as refusal:
            log.warning("The model has changed, and is watched as it was: %s", refusal)
        else:
            if parts:
                event = Event(self.observer.step, "followed", {"layers": parts[:5]})
                self._chronicle.event(event)

    def _why_nothing(self) -> str:
        if not self._passed:
            return "Nothing was measured. w.step() was never called."
        return f"Nothing was measured. {self.observer.why_nothing()}"

    def diagnoses(self) -> tuple[Diagnosis, ...]:
        """What the recent measured steps say, the gravest first."""
        return self._alerts.diagnoses(self.subject, self.observer.patient)


def _state_after(error: BaseException | None) -> str:
    if error is None:
        return "finished"
    left = isinstance(error, SystemExit) and not error.code
    if left or isinstance(error, (KeyboardInterrupt, GeneratorExit, Stopped)):
        return "stopped"
    return "failed"
