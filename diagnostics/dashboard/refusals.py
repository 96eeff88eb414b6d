"""What can't be answered is refused in one sentence, whoever refuses it."""

from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException

from diagnostics.dashboard.posted import refusal
from diagnostics.store.store import StoreError
from diagnostics.subject.printable import printable


def add_refusals(server: FastAPI) -> None:
    """Whatever a route raises, and a word for any other address, where Dash would show the page."""

    async def elsewhere(path: str) -> Response:
        return missing(f"/{path}")

    server.add_exception_handler(StoreError, _store)
    server.add_exception_handler(HTTPException, _http)
    server.add_exception_handler(RequestValidationError, _unread)
    server.add_api_route("/{path:path}", elsewhere)


async def _store(request: Request, trouble: Exception) -> Response:
    return refusal(str(trouble), 503)


async def _http(request: Request, trouble: Exception) -> Response:
    refused = cast(HTTPException, trouble)
    if refused.status_code == 404:
        return missing(request.url.path)
    if refused.status_code == 405:
        said = f"{_short(request.url.path)} takes no {_short(request.method)}."
    else:
        said = f"{_short(request.url.path)} can't be answered: {_short(refused.detail)}."
    answer = refusal(said, refused.status_code)
    answer.headers.update(refused.headers or {})
    return answer


async def _unread(request: Request, trouble: Exception) -> Response:
    first: dict[str, Any] = cast(RequestValidationError, trouble).errors()[0]
    name, why = first["loc"][-1], str(first["msg"])
    given = f"{name}={_short(first['input'])}"
    return refusal(f"{given} can't be used: {why[:1].lower()}{why[1:]}.", 422)


def missing(path: str) -> Response:
    """What is said of an address that there is not."""
    return PlainTextResponse(f"There is no {_short(path)}; the lab is at /\n", 404)


def _short(text: Any) -> str:
    return printable(f"{text!s:.200}")
