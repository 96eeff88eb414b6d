"""What is posted: read once, answered in JSON, refused in a sentence where no page sends it."""

from starlette.responses import Response
from starlette.types import Message, Receive, Scope

from diagnostics.dashboard.wire import encode

LONGEST = 262_144
"""Bytes of what a page posts: some hundred, or some thousand from the form."""

UNREAD = "This wish can't be read. Load the page anew."

READING = ("GET", "HEAD", "OPTIONS")


def posts(scope: Scope) -> bool:
    """Whether a request may change something."""
    return scope["type"] == "http" and scope["method"] not in READING


async def read(receive: Receive) -> bytes | None:
    """What is posted, None where it is too long."""
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if len(body) > LONGEST:
            return None
        if not message.get("more_body"):
            break
    return body


def again(body: bytes, receive: Receive) -> Receive:
    """What was read, once more; then whatever else comes."""
    told: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def told_again() -> Message:
        return told.pop() if told else await receive()

    return told_again


def in_json(sent: object, status: int = 200) -> Response:
    """An answer in JSON, as the wire writes it."""
    return Response(encode(sent), status, media_type="application/json")


def refusal(sentence: str, status: int) -> Response:
    """As the page shows it."""
    return in_json({"notice": sentence}, status)
