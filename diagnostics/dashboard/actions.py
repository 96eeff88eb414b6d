"""The form's callbacks: Dash's controls on one side, sessions on the other.

The page's scripts own everything else. They hand over what is in sight through the store
``answer``, and take what a control changed from the store ``session``.
"""

import asyncio
from dataclasses import asdict
from typing import Any

from dash import Dash, Input, Output, State, no_update

from diagnostics.dashboard import controls
from diagnostics.dashboard.controls import DEPENDS, PROPERTY, SHOWN, SLIDERS, TYPED, control_id
from diagnostics.dashboard.deeds import Deeds
from diagnostics.dashboard.session import Session
from diagnostics.dashboard.visitors import Refused
from diagnostics.store.store import StoreError
from diagnostics.subject.config import InvalidConfig, RunConfig

CONTROLS = {field: (control_id(field), PROPERTY[field]) for field in SHOWN}


def connect(app: Dash, deeds: Deeds) -> None:
    """Register all callbacks."""
    _controls(app, deeds)
    _browser_side(app)


def _controls(app: Dash, deeds: Deeds) -> None:
    @app.callback(
        output={
            "changed": Output("changed", "data"),
            "styles": [Output(f"wrap-{field}", "style") for field in DEPENDS],
            "meanings": [Output(f"meaning-{field}", "children") for field in DEPENDS],
            "shown": [Output(f"shown-{field}", "children") for field in SLIDERS],
            "refusals": [Output(control_id(field), "error") for field in TYPED],
        },
        inputs={"values": {field: Input(*control) for field, control in CONTROLS.items()}},
        state={"session": State("session", "data")},
        prevent_initial_call=True,
    )
    async def changed(values: dict[str, Any], session: dict[str, Any]) -> Any:
        answer: dict[str, Any] = {"changed": _told(None), "refusals": controls.refusals("")}
        answer |= {key: [no_update] * len(DEPENDS) for key in ("styles", "meanings")}
        answer |= {"shown": [no_update] * len(SLIDERS)}
        before = Session.of(session["session"])
        try:
            config = RunConfig.make(values)
            answer["styles"] = controls.visibility(config)
            answer["meanings"] = controls.meanings(config)
            answer["shown"] = [str(getattr(config, field)) for field in SLIDERS]
            if config != before.config:
                new = await asyncio.to_thread(deeds.change, before, config, session["pace"])
                answer["changed"] = _told(new)
        except InvalidConfig as refusal:
            answer["refusals"] = controls.refusals(refusal.field)
            answer["changed"] = _told(None, "" if refusal.field in TYPED else str(refusal))
        except (Refused, StoreError) as trouble:
            answer["changed"] = _told(None, str(trouble))
        return answer


def _told(session: Session | None, notice: str = "") -> Any:
    """For the scripts: a session where a control changed it, for another may be in sight by now."""
    return {"session": asdict(session.linked()) if session else None, "notice": notice}


def _browser_side(app: Dash) -> None:
    """A callback of its own for each direction, so that neither waits for the other."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        "function (told) { return form.changed(told); }",
        Output("heard", "data"),
        Input("changed", "data"),
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        "function (answer) { return form.values(answer); }",
        [Output(*control) for control in CONTROLS.values()],
        Input("answer", "data"),
        prevent_initial_call=True,
    )
