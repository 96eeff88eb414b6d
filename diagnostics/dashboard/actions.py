"""What controls and buttons do: callbacks that read and change the session and its run."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dash import Dash, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate

from diagnostics.dashboard import controls
from diagnostics.dashboard.controls import DEPENDS, PROPERTY, SHOWN, SLIDERS, TYPED, control_id
from diagnostics.dashboard.frames import title
from diagnostics.dashboard.session import Session, read_link
from diagnostics.runs.runner import Runner
from diagnostics.store.records import Command
from diagnostics.store.store import Run, Store, StoreError
from diagnostics.subject.config import LIVE_FIELDS, InvalidConfig, RunConfig
from diagnostics.subject.lessons import LESSONS

CONTROLS = [(control_id(field), PROPERTY[field]) for field in SHOWN]


PAGE = ("view", "panel", "lesson")
"""Controls of the page that are no field of a run, and attributes of the session."""

Wish = dict[str, Any]
"""``changes`` of the configuration, or a ``query`` with ``view`` and ``panel``, or a ``lesson``."""

Asked = Callable[[Any, Session], Wish | None]

WISHES: dict[tuple[str, str], Asked] = {
    ("wish", "data"): lambda wish, session: wish,
    ("lesson", "value"): lambda key, session: None if key == session.lesson else {"lesson": key},
    ("runs", "value"): lambda run, session: None if run in (None, session.run) else {"run": run},
}
"""What the value of a control asks for; None where the page itself set it."""

MENU = 40
"""Runs in the menu."""

BUTTONS = ("train", "pause", "step", "pin", "reset")
"""Each a method of ``Actions``."""


class Actions:
    """The deeds behind the callbacks, free of Dash: sessions in, sessions out."""

    def __init__(self, store: Store, runner: Runner) -> None:
        self._store, self._runner = store, runner

    def open(self, search: str) -> tuple[Session, list[str]]:
        """What a link shows."""
        return read_link(search, self._store)

    def change(self, session: Session, config: RunConfig, pace: float) -> Session:
        """Controls changed: a live run follows, by a live change where it can, else anew."""
        before = session.config
        if config == before:
            return session
        changed = replace(session, query=config.query())
        run = self._run(session)
        if run is not None and run.watched:  # not ours to change: the lab's network comes in sight
            return replace(changed, run=None)
        if run is None or not run.live:
            return changed
        changes = {field: value for field, value in config if getattr(before, field) != value}
        if set(changes) <= set(LIVE_FIELDS):
            self._runner.send(run.id, Command("set", changes))
            return changed
        return self.train(changed, pace)

    def wish(self, session: Session, wish: Wish, pace: float) -> Session:
        """A remedy, a scene or a lesson was chosen; where a run is shown, a new one starts."""
        if "lesson" in wish:
            return self.learn(session, wish["lesson"])
        if "run" in wish:
            return self.show(session, wish["run"])
        if "query" in wish:
            config = RunConfig.from_query(wish["query"])
        else:
            config = session.config.changed(**wish["changes"])
        seen = {key: wish[key] for key in ("view", "panel") if key in wish}
        changed = replace(session, query=config.query(), **seen)
        return changed if self._run(session) is None else self.train(changed, pace)

    def learn(self, session: Session, key: str | None) -> Session:
        """Open a lesson at its first scene, or leave lessons with everything as it stands."""
        if key is None:
            return replace(session, lesson=None)
        scene = LESSONS[key].scenes[0]
        query = scene.config.query()
        cleared = self.reset(session)
        return replace(cleared, query=query, lesson=key, view=scene.view, panel=scene.panel)

    def show(self, session: Session, run_id: str) -> Session:
        """Bring a run of the store in sight, with its controls where it is the laboratory's."""
        run = self._store.run(run_id)
        query = run.config.lab.query() if run.config.lab else session.query
        return replace(session, query=query, run=run.id, at=None, lesson=None)

    def runs(self) -> list[dict[str, str]]:
        """The menu of runs, newest first."""
        return [
            {"value": run.id, "label": f"{title(run)} · {run.state} · {run.steps} steps"}
            for run in self._store.runs(MENU)
        ]

    def train(self, session: Session, pace: float, *first: Command) -> Session:
        """A new run of the controls' configuration; the one shown becomes the pinned one."""
        run = self._run(session)
        if run is not None and run.watched:
            session, run = replace(session, run=None), None
        new = self._runner.submit(session.config, _pace(pace), *first)
        if run is not None and run.live:
            self._runner.send(run.id, Command("stop"))
        pin = session.pin if run is None or run.steps == 0 else run.id
        return replace(session, run=new, pin=pin, at=None)

    def pause(self, session: Session) -> Session:
        """Pause a running run, let a paused one go on."""
        run = self._run(session)
        if run is not None and run.live:
            paused = run.state == "paused"
            self._runner.send(run.id, Command("resume" if paused else "pause"))
        return session

    def step(self, session: Session, pace: float) -> Session:
        """One step; without a run going, a new run that waits after its first."""
        run = self._run(session)
        if run is None or not run.live:
            return self.train(session, pace, Command("step"))
        self._runner.send(run.id, Command("step"))
        return replace(session, at=None)

    def pin(self, session: Session) -> Session:
        """Keep the shown run behind the next; pressed again, let it go."""
        return replace(session, pin=None if session.pin == session.run else session.run)

    def reset(self, session: Session) -> Session:
        """End the run and forget both; the controls stay."""
        run = self._run(session)
        if run is not None and run.live:
            self._runner.send(run.id, Command("stop"))
        return replace(session, run=None, pin=None, at=None)

    def pace(self, session: Session, pace: float) -> None:
        """Change the speed of the run that is going."""
        run = self._run(session)
        if run is not None and run.live:
            self._runner.send(run.id, _pace(pace))

    def _run(self, session: Session) -> Run | None:
        try:
            return self._store.run(session.run) if session.run else None
        except StoreError:
            return None


def connect(app: Dash, actions: Actions) -> None:
    """Register all callbacks."""
    _open_link(app, actions)
    _controls(app, actions)
    _buttons(app, actions)
    _wishes(app, actions)
    _menu(app, actions)
    _browser_side(app)


def _open_link(app: Dash, actions: Actions) -> None:
    @app.callback(
        output={
            "values": _outputs(),
            "page": [Output(key, "value") for key in PAGE],
            "session": Output("session", "data"),
            "notice": Output("notice", "children"),
        },
        inputs={"search": Input("url", "search")},
    )
    async def opened(search: str | None) -> Any:
        session, notes = await asyncio.to_thread(actions.open, search or "")
        return {
            "values": controls.values(session.config),
            "page": [getattr(session, key) for key in PAGE],
            "session": session.data(),
            "notice": " ".join(notes),
        }


def _controls(app: Dash, actions: Actions) -> None:
    @app.callback(
        output={
            "session": Output("session", "data", allow_duplicate=True),
            "notice": Output("notice", "children", allow_duplicate=True),
            "styles": [Output(f"wrap-{field}", "style") for field in DEPENDS],
            "meanings": [Output(f"meaning-{field}", "children") for field in DEPENDS],
            "shown": [Output(f"shown-{field}", "children") for field in SLIDERS],
            "refusals": [Output(control_id(field), "error") for field in TYPED],
        },
        inputs={"values": [Input(*control) for control in CONTROLS]},
        state={"data": State("session", "data"), "pace": State("pace", "value")},
        prevent_initial_call=True,
    )
    async def changed(values: list[Any], data: dict[str, Any], pace: str) -> Any:
        session = Session.of(data)
        answer: dict[str, Any] = {"session": no_update, "notice": no_update}
        answer |= {key: [no_update] * len(DEPENDS) for key in ("styles", "meanings")}
        answer |= {"shown": [no_update] * len(SLIDERS), "refusals": controls.refusals("")}
        try:
            config = RunConfig.make(dict(zip(SHOWN, values, strict=True)))
            answer["styles"] = controls.visibility(config)
            answer["meanings"] = controls.meanings(config)
            answer["shown"] = [str(getattr(config, field)) for field in SLIDERS]
            if config != session.config:
                new = await asyncio.to_thread(actions.change, session, config, float(pace))
                answer |= {"session": new.data(), "notice": ""}
        except InvalidConfig as refusal:
            answer["refusals"] = controls.refusals(refusal.field)
            answer["notice"] = "" if refusal.field in TYPED else str(refusal)
        except StoreError as trouble:
            answer["notice"] = str(trouble)
        return answer

    @app.callback(
        Output("notice", "children", allow_duplicate=True),
        Input("pace", "value"),
        State("session", "data"),
        prevent_initial_call=True,
    )
    async def paced(pace: str, data: dict[str, Any]) -> Any:
        await asyncio.to_thread(actions.pace, Session.of(data), float(pace))
        return no_update


def _buttons(app: Dash, actions: Actions) -> None:
    @app.callback(
        Output("session", "data", allow_duplicate=True),
        Output("notice", "children", allow_duplicate=True),
        inputs={
            "clicks": [Input(key, "n_clicks") for key in BUTTONS],
            "view": Input("view", "value"),
        },
        state={"data": State("session", "data"), "pace": State("pace", "value")},
        prevent_initial_call=True,
    )
    async def pressed(clicks: list[int], view: str, data: dict[str, Any], pace: str) -> Any:
        session, pressed = Session.of(data), str(ctx.triggered_id)
        if pressed == "view":
            return replace(session, view=view).data(), no_update
        paced = (float(pace),) if pressed in ("train", "step") else ()
        try:
            new = await asyncio.to_thread(getattr(actions, pressed), session, *paced)
        except StoreError as trouble:
            return no_update, str(trouble)
        return new.data(), ""


def _wishes(app: Dash, actions: Actions) -> None:
    """Whatever changes several controls at once: buttons of remedies and scenes, and the menus.

    A callback each: what one still computes is dropped when it is called again, and the menu of
    runs is set by the page itself.
    """
    for control, wish in WISHES.items():
        _wish(app, actions, Input(*control), wish)


def _wish(app: Dash, actions: Actions, control: Input, wish: Asked) -> None:
    @app.callback(
        output={
            "values": _outputs(allow_duplicate=True),
            "page": [Output(key, "value", allow_duplicate=True) for key in PAGE],
            "session": Output("session", "data", allow_duplicate=True),
            "notice": Output("notice", "children", allow_duplicate=True),
        },
        inputs={"value": control},
        state={"data": State("session", "data"), "pace": State("pace", "value")},
        prevent_initial_call=True,
    )
    async def wished(value: Any, data: dict[str, Any], pace: str) -> Any:
        session = Session.of(data)
        asked = wish(value, session)
        if asked is None:
            raise PreventUpdate
        try:
            new = await asyncio.to_thread(actions.wish, session, asked, float(pace))
        except (InvalidConfig, StoreError) as refusal:
            return {
                "values": [no_update] * len(CONTROLS),
                "page": [no_update] * len(PAGE),
                "session": no_update,
                "notice": str(refusal),
            }
        return {
            "values": controls.values(new.config),
            "page": [getattr(new, key) for key in PAGE],
            "session": new.data(),
            "notice": "",
        }


def _menu(app: Dash, actions: Actions) -> None:
    @app.callback(
        Output("runs", "data"),
        Output("runs", "value"),
        Input("soon", "n_intervals"),
        Input("session", "data"),
        State("runs", "data"),
    )
    async def listed(beat: int, data: dict[str, Any], shown: list[Any]) -> Any:
        found = await asyncio.to_thread(actions.runs)
        return (no_update if found == shown else found), (data or {}).get("run")


def _outputs(**more: Any) -> list[Output]:
    return [Output(*control, **more) for control in CONTROLS]


def _browser_side(app: Dash) -> None:
    app.clientside_callback(  # type: ignore[no-untyped-call]
        "function (panel) { return lab.turnTo(panel); }",
        Output("turned", "data"),
        Input("panel", "value"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        "function (session) { return lab.show(session); }",
        Output("painted", "data"),
        Input("session", "data"),
    )


def _pace(steps_per_second: float) -> Command:
    return Command("pace", {"steps_per_second": steps_per_second})
