"""What Dash's scripts ask of the form's callback: anything else would be a fault within Dash."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from starlette.types import ASGIApp, Receive, Scope, Send

from diagnostics.dashboard import posted
from diagnostics.dashboard.wire import Pace, Session

PATH = "/_dash-update-component"

UNREAD = "The form asked what can't be read. Load the page anew."


@dataclass(frozen=True)
class Kept:
    """What the form starts from."""

    session: Session
    pace: Pace = 0


KEPT: TypeAdapter[Kept] = TypeAdapter(Kept)


@dataclass(frozen=True)
class Prop:
    """A component's property, with its value where it is given."""

    id: str
    property: str
    value: Any = None


class Call(BaseModel):
    """A callback's request."""

    output: str
    outputs: Any
    inputs: list[Prop]
    state: list[Prop] = []
    changedPropIds: list[str] = []


PROP: TypeAdapter[Prop] = TypeAdapter(Prop)


def known(call: Call, callbacks: Mapping[str, Any]) -> bool:
    """Whether a page's form asks so: of a callback that there is, with all that it takes.

    Raises ``ValidationError`` where what is kept beside the controls is no session.
    """
    found = callbacks.get(call.output)
    if found is None or "callback" not in found:
        return False
    given = [[(one.id, one.property) for one in props] for props in (call.inputs, call.state)]
    taken = [[(one["id"], one["property"]) for one in found[key]] for key in ("inputs", "state")]
    for one in call.state:
        KEPT.validate_python(one.value)
    asked = [f"{one.id}.{one.property}" for one in _flat(call.outputs)]
    return given == taken and asked == call.output.strip(".").split("...")


def _flat(outputs: Any) -> Iterator[Prop]:
    """Outputs stand in lists as deep as a callback gives them."""
    if isinstance(outputs, list):
        for one in outputs:
            yield from _flat(one)
    else:
        yield PROP.validate_python(outputs)


class Callbacks:
    """Middleware before Dash's."""

    def __init__(self, app: ASGIApp, callbacks: Mapping[str, Any]) -> None:
        self._app, self._callbacks = app, callbacks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or not posted.posts(scope):
            await self._app(scope, receive, send)
            return
        body = await posted.read(receive) or b""
        if self._reads(body):
            await self._app(scope, posted.again(body, receive), send)
        else:
            await posted.refusal(UNREAD, 422)(scope, receive, send)

    def _reads(self, body: bytes) -> bool:
        try:
            return known(Call.model_validate_json(body), self._callbacks)
        except (ValidationError, RecursionError):
            return False
