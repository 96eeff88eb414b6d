"""What is done when somebody wishes something: sessions in, sessions out, free of Dash."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from diagnostics.dashboard.session import MOST_PINS, Session, controls_of, read_link
from diagnostics.dashboard.visitors import HERE, Refused
from diagnostics.dashboard.wire import Deed, Described, Look, Wish
from diagnostics.runs.runner import Runner
from diagnostics.store.catalogue import Catalogue
from diagnostics.store.records import Command
from diagnostics.store.store import Run, Store, StoreError
from diagnostics.subject.config import LIVE_FIELDS, RunConfig
from diagnostics.subject.lessons import LESSONS

VALUES: Mapping[Deed, TypeAdapter[Any]] = {
    "changes": TypeAdapter(dict[str, Any]),
    "scene": TypeAdapter(Look),
    "lesson": TypeAdapter(str | None),
    "run": TypeAdapter(str),
    "pin": TypeAdapter(str | None),
    "stop": TypeAdapter(str),
    "describe": TypeAdapter(Described),
    "delete": TypeAdapter(str),
    "restore": TypeAdapter(str),
    "link": TypeAdapter(str),
}
"""What is wished for with a value; anything else is a button."""

BUTTON: TypeAdapter[None] = TypeAdapter(None)

WAITING = {"pause": True, "step": True, "resume": False}
"""Whether a run waits that was told so."""


class Deeds:
    """What buttons, menus, links and controls of the page do."""

    def __init__(self, store: Store, runner: Runner) -> None:
        self._store, self._runner = store, runner
        self.catalogue = Catalogue(store)

    def open(self, search: str) -> tuple[Session, list[str]]:
        """What a link shows, and a sentence for each thing in it that can't be."""
        return read_link(search, self._store)

    def yours(self, session: Session) -> bool:
        """Whether the run in sight is the visitor's to change; where there is none, the next is."""
        run = self._run(session)
        return run is None or HERE.get().drives(run.owner)

    def do(self, session: Session, wish: Wish, pace: float) -> tuple[Session, list[str]]:
        """Grant a wish; with a sentence for each thing in it that can't be.

        Raises:
            InvalidConfig: what is wished is no configuration.
            Refused: this can't be had now.
            StoreError: there is no such run, or the store can't be written.
            ValidationError: this can't be wished with this value.
        """
        value = VALUES.get(wish.kind, BUTTON).validate_python(wish.value)
        if wish.kind == "link":
            return self.open(value)
        granted: Callable[..., Session] = getattr(self, wish.kind)
        return granted(session, pace, *([] if value is None else [value])), []

    # ---- the run ----

    def play(self, session: Session, pace: float) -> Session:
        """Pause a run that goes on, let a paused one go on, else start one."""
        run = self._driven(session)
        if run is None:
            return self.again(session, pace)
        if not run.watched:
            self._runner.send(run.id, Command("resume" if self._waits(run) else "pause"))
        return session

    def _waits(self, run: Run) -> bool:
        """Whether a run stands still, or will once it has heard what it was told last."""
        told = [one.kind for one in self._store.commands(run.id)[0] if one.kind in WAITING]
        return WAITING[told[-1]] if told else run.state == "paused"

    def again(self, session: Session, pace: float, *first: Command) -> Session:
        """A new run of the controls' configuration; the one shown stays behind it."""
        HERE.get().known()
        run = self._run(session)
        if run is not None and run.watched:
            session, run = replace(session, run=None), None
        new = self._runner.submit(session.config, _pace(pace), *first, owner=HERE.get().mark)
        self._end(run)
        return replace(session, run=new, before=_behind(session, run), at=None)

    def step(self, session: Session, pace: float) -> Session:
        """One step; without a run going, a new run that waits after its first."""
        run = self._driven(session)
        if run is None:
            return self.again(session, pace, Command("step"))
        if not run.watched:
            self._runner.send(run.id, Command("step"))
        return replace(session, at=None)

    def pin(self, session: Session, pace: float, run_id: str | None = None) -> Session:
        """Compare with a run, or with the one in sight; wished again, let it go."""
        chosen = run_id or session.run
        if chosen is None:
            raise Refused("There is no run to pin yet: press Train.")
        if chosen in session.pins:
            return replace(session, pins=_without(session.pins, chosen))
        if len(session.pins) >= MOST_PINS:
            raise Refused(f"{MOST_PINS} runs can be compared: let one of them go first.")
        return replace(session, pins=(*session.pins, self._store.run(chosen).id))

    def reset(self, session: Session, pace: float) -> Session:
        """Clear the charts; one's own run ends, one that is watched goes on. Controls stay."""
        self._end(self._run(session))
        return replace(session, run=None, before=None, pins=(), at=None, part="")

    def pace(self, session: Session, pace: float) -> Session:
        """Change the speed of the run that is going."""
        run = self._run(session)
        if run is not None and self._ends(run):
            self._runner.send(run.id, _pace(pace))
        return session

    def copy(self, session: Session, pace: float) -> Session:
        """Leave somebody else's run, which stays behind, for settings of one's own like its."""
        before = _behind(session, self._run(session))
        return replace(session, run=None, before=before, at=None)

    # ---- the list of runs ----

    def stop(self, session: Session, pace: float, run_id: str) -> Session:
        """End a run of the list; what is watched goes on."""
        run = self._decided(run_id)
        if run.live and not run.watched:
            self._runner.send(run.id, Command("stop"))
        return session

    def describe(self, session: Session, pace: float, told: Described) -> Session:
        """Give a run a name and a note."""
        self._decided(told.run)
        self.catalogue.describe(told.run, name=told.name, note=told.note)
        return session

    def delete(self, session: Session, pace: float, run_id: str) -> Session:
        """Take a run out of sight; for a while it can be had back."""
        self._decided(run_id)
        self.catalogue.delete(run_id)
        return replace(
            session,
            run=None if session.run == run_id else session.run,
            before=None if session.before == run_id else session.before,
            pins=_without(session.pins, run_id),
        )

    def restore(self, session: Session, pace: float, run_id: str) -> Session:
        """Have a deleted run back."""
        HERE.get().deciding(self.catalogue.owner(run_id), "It")
        self.catalogue.restore(run_id)
        return session

    # ---- the configuration ----

    def change(self, session: Session, config: RunConfig, pace: float) -> Session:
        """Controls changed: a live run follows, by a live change where it can, else anew."""
        before = session.config
        run = self._run(session)
        if config == before or (run is not None and run.watched):  # not ours to change
            return session
        run, changed = self._driven(session), replace(session, query=config.query())
        if run is None:
            return changed
        changes = {field: value for field, value in config if getattr(before, field) != value}
        if set(changes) <= set(LIVE_FIELDS):
            self._runner.send(run.id, Command("set", changes))
            return changed
        return self.again(changed, pace)

    def changes(self, session: Session, pace: float, changes: dict[str, Any]) -> Session:
        """A remedy was chosen; where a run is shown, a new one starts."""
        config = session.config.changed(**changes)
        return self._anew(replace(session, query=config.query()), pace)

    def scene(self, session: Session, pace: float, scene: Look) -> Session:
        """A lesson's scene was chosen; one that only looks elsewhere lets the run go on."""
        config = RunConfig.from_query(scene.query)
        seen = replace(session, view=scene.view, panel=scene.panel)
        if config == session.config:
            return seen
        return self._anew(replace(seen, query=config.query()), pace)

    def lesson(self, session: Session, pace: float, key: str = "") -> Session:
        """Open a lesson at its first scene, or leave lessons with everything as it stands."""
        if key not in LESSONS:
            return replace(session, lesson=None)
        scene = LESSONS[key].scenes[0]
        query = scene.config.query()
        cleared = self.reset(session, pace)
        return replace(cleared, query=query, lesson=key, view=scene.view, panel=scene.panel)

    def run(self, session: Session, pace: float, run_id: str) -> Session:
        """Bring a run of the store in sight, with its controls where it is the laboratory's."""
        run = self._store.run(run_id)
        query = controls_of(run, self._store)
        query = session.query if query is None else query
        return replace(session, query=query, run=run.id, at=None, lesson=None)

    def _anew(self, session: Session, pace: float) -> Session:
        return session if self._run(session) is None else self.again(session, pace)

    def _ends(self, run: Run) -> bool:
        """Whether a run goes on that is the visitor's to end by the way."""
        return run.live and not run.watched and HERE.get().drives(run.owner)

    def _end(self, run: Run | None) -> None:
        if run is not None and self._ends(run):
            self._runner.send(run.id, Command("stop"))

    def _driven(self, session: Session) -> Run | None:
        """The run in sight that goes on. Raises ``Refused`` where it is somebody else's."""
        run = self._run(session)
        if run is None or not run.live:
            return None
        HERE.get().driving(run.owner, f"Run #{run.number}")
        return run

    def _decided(self, run_id: str) -> Run:
        """A run of the list. Raises ``Refused`` where it is somebody else's."""
        run = self._store.run(run_id)
        HERE.get().deciding(run.owner, f"Run #{run.number}")
        return run

    def _run(self, session: Session) -> Run | None:
        try:
            return self._store.run(session.run) if session.run else None
        except StoreError:
            return None


def _without(pins: tuple[str, ...], run_id: str) -> tuple[str, ...]:
    return tuple(one for one in pins if one != run_id)


def _behind(session: Session, run: Run | None) -> str | None:
    """Which run stays behind the next: the one in sight, once it has made a step."""
    return session.before if run is None or run.steps == 0 else run.id


def _pace(steps_per_second: float) -> Command:
    return Command("pace", {"steps_per_second": steps_per_second})
