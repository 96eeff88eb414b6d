"""What comes in and goes out: requests of foreign pages are turned away, answers say what browsers
may do with them."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from diagnostics.dashboard import posted
from diagnostics.dashboard.place import Place, here, name_of
from diagnostics.dashboard.rate import Rate
from diagnostics.dashboard.visitors import COOKIE, HERE, YEAR, Guests, Visitor, mark_of, new_secret
from diagnostics.subject.printable import printable

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
TOO_OFTEN = "That was asked too often: wait a moment."
TOO_LONG = f"What was sent is longer than {posted.LONGEST} bytes."

PAGES = ("/", "/sweep")

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def policy(framed: str, nonce: str = "") -> str:
    """What a page may load: what is the server's, and the scripts inside it that bear the nonce.

    Dash's components style by attributes and elements of their own. Strings may be evaluated: no
    script of ours does so, but whoever drives the page from outside waits for one to become true.
    """
    scripts = f"'self' 'unsafe-eval' 'nonce-{nonce}'" if nonce else "'self'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {framed}"
    )


class Door:
    """Middleware before all others."""

    def __init__(self, app: ASGIApp, place: Place, guests: Guests) -> None:
        self._app, self._place, self._guests = app, place, guests
        self._rate = Rate()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        said = self._refusal(scope)
        if said:
            await _turn_away(scope, receive, self._sealed(send, ""), said)
            return
        visitor, secret = self._visitor(scope)
        sealed = self._sealed(send, secret and _cookie(secret, scope["scheme"]))
        if posted.posts(scope):
            if not (visitor.host or self._rate.allows(visitor.mark or _address(scope))):
                await posted.refusal(TOO_OFTEN, 429)(scope, receive, sealed)
                return
            body = await posted.read(receive)
            if body is None:
                await posted.refusal(TOO_LONG, 413)(scope, receive, sealed)
                return
            receive = posted.again(body, receive)
        here = HERE.set(visitor)
        try:
            await self._app(scope, receive, sealed)
        finally:
            HERE.reset(here)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """A status and a sentence for what is not let in."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._place.knows(host):
            name = printable(f"{host:.80}")
            return 403, f"{name} is no name of this server: give it with --names to allow it."
        if origin is not None and not self._place.trusts(origin, host):
            return 403, f"Pages of {printable(f'{origin:.80}')} may not ask this server."
        if not _is_text(scope["query_string"]):
            return 400, "What follows the ? of this address is not UTF-8."
        if posted.posts(scope) and _media(headers) != "application/json":
            return 415, "Only JSON is taken here: send it as application/json."
        return None

    def _visitor(self, scope: Scope) -> tuple[Visitor, str]:
        """Who asks, and the secret to keep where a page is opened without one."""
        headers = Headers(scope=scope)
        kept = HTTPConnection(scope).cookies.get(COOKIE, "")
        new = ""
        opens = scope["type"] == "http" and scope["path"] in PAGES and not posted.posts(scope)
        if opens and not mark_of(kept):
            kept = new = new_secret()
        return self._guests.visitor(kept, near=self._near(scope, headers)), new

    def _near(self, scope: Scope, headers: Headers) -> bool:
        """Whether the server's own machine asks; what a proxy passes on may come from anywhere."""
        if any(key in headers for key in FORWARDED):
            return False
        named = (headers.get("host", ""), headers.get("origin", "").partition("://")[2])
        if not all(here(name_of(one)) for one in named if one):
            return False
        return self._place.home or here(_address(scope))

    def _sealed(self, send: Send, cookie: str) -> Send:
        """Answers with the headers that all have."""

        async def sealed(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                rules = {**ALWAYS, "Content-Security-Policy": policy(self._place.framed)}
                for key, value in rules.items():
                    headers.setdefault(key, value)
                if cookie:
                    headers.append("Set-Cookie", cookie)
                message["headers"] = headers.raw
            await send(message)

        return sealed


def _cookie(secret: str, scheme: str) -> str:
    """Lax, since who follows a link from elsewhere must not become another."""
    secure = "; Secure" if scheme == "https" else ""
    return f"{COOKIE}={secret}; Path=/; Max-Age={YEAR}; HttpOnly; SameSite=Lax{secure}"


def _is_text(query: bytes) -> bool:
    try:
        query.decode()
    except UnicodeDecodeError:
        return False
    return True


def _media(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


async def _turn_away(scope: Scope, receive: Receive, send: Send, said: tuple[int, str]) -> None:
    status, sentence = said
    answer: Response = PlainTextResponse(sentence + "\n", status)
    if scope["type"] == "http" and posted.posts(scope):  # a page shows what a notice says
        answer = posted.refusal(sentence, status)
    if scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
        await answer(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": sentence[:120]})


def _address(scope: Scope) -> str:
    """From which somebody asks."""
    return (scope.get("client") or ("",))[0]
