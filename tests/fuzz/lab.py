"""A lab that strangers ask: two visitors' runs in it, and what must never come of what one asks."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, true
from starlette.types import Message, Scope

from diagnostics.dashboard.door import Place
from diagnostics.dashboard.server import make_app
from diagnostics.dashboard.visitors import COOKIE, mark_of, new_secret
from diagnostics.runs.limits import Limits
from diagnostics.runs.runner import Runner
from diagnostics.store.records import Event
from diagnostics.store.schema import commands, events, runs
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig
from tests.conftest import NoWorkers, picture, steps

HOST = b"192.0.2.1:8050"
GUEST = "192.0.2.7"
CONFIG = RunConfig(depth=3)
CHANGES = ("heartbeat", "outline", "seal")
"""Of a run that nobody touches."""

LONGEST_ANSWER = 20.0
"""Seconds, on a machine that has much else to do."""


@dataclass
class Said:
    """An answer."""

    status: int = 0
    body: bytes = b""


class Lab:
    """A server without a network, asked by somebody who is a guest.

    Attributes:
        foreign: ids of somebody else's runs; ``own``: of the guest's, as a link may name them.
    """

    def __init__(self, folder: Path) -> None:
        self.store = Store(f"sqlite:///{folder / 'store.sqlite'}")
        limits = Limits(turn=1e6, runs_each=30)
        self.runner = Runner(self.store, NoWorkers(), limits=limits)
        secrets = new_secret(), new_secret()
        self.mark, other = map(mark_of, secrets)
        self.cookie = f"{COOKIE}={secrets[0]}".encode()
        self.foreign, self.own = self._runs(other), self._runs(self.mark)
        self.app = make_app(self.store, self.runner, place=Place("0.0.0.0"))
        self.loop = asyncio.Runner()
        self._life = self.app.router.lifespan_context(self.app)
        self.loop.run(self._life.__aenter__())

    def close(self) -> None:
        self.loop.run(self._life.__aexit__(None, None, None))
        self.loop.close()
        self.runner.close()
        self.store.close()

    def _runs(self, owner: str) -> list[str]:
        found = [self.runner.submit(CONFIG, owner=owner)]
        for state in ("running", "paused", "finished", "diverged"):
            run = self.store.create_run(CONFIG, owner=owner, name=f"{state} run")
            told = [Event(2, "set", {"lr": 0.1})]
            self.store.append(run, steps(1, 5), told, taken=[picture(1)])
            self.store.set_state(run, state)
            found.append(run)
        return found

    # ---- what must be so, whatever was asked ----

    @contextmanager
    def unharmed(self) -> Iterator[None]:
        """Nothing of somebody else is changed, and no fault is logged."""
        before = self.others()
        with no_fault_logged():
            yield
        assert self.others() == before, "somebody else's runs were changed"

    def others(self) -> list[Any]:
        """All that is known of runs that are not the guest's."""
        kept = [column for column in runs.c if column.name not in CHANGES]
        told = commands.c.kind != "aside"  # the server's own wish
        counts = [
            select(func.count()).where(table.c.run == runs.c.id, more).scalar_subquery()
            for table, more in ((commands, told), (events, true()))
        ]
        query = select(*kept, *counts).where(runs.c.owner != self.mark)
        with self.store.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]

    # ---- asking ----

    def ask(
        self,
        path: str,
        query: bytes = b"",
        method: str = "GET",
        body: bytes = b"",
        headers: list[tuple[bytes, bytes]] | None = None,
    ) -> Said:
        """An answer; it is none of a fault, and a refusal is one sentence."""
        named = {b"host": HOST, b"cookie": self.cookie, b"content-type": b"application/json"}
        named |= dict(headers or [])
        with self.unharmed():
            said = self.loop.run(self._ask(_scope(path, query, method, list(named.items())), body))
        assert 200 <= said.status < 500 or said.status == 503, (said.status, said.body[:300])
        if said.status >= 400 and method != "HEAD":
            assert_one_sentence(said.body)
        return said

    async def _ask(self, scope: Scope, body: bytes) -> Said:
        said = Said()
        told = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Message:
            return next(told, None) or await asyncio.Event().wait()  # type: ignore[return-value]

        async def send(message: Message) -> None:
            said.status = message.get("status", said.status)
            said.body += message.get("body", b"")

        async with asyncio.timeout(LONGEST_ANSWER):
            await self.app(scope, receive, send)
        return said

    def talk(self, told: list[str | bytes], path: str = "/live") -> list[bytes]:
        """What is sent to somebody who says so much, and then what a page says, on a socket.

        Nothing where the socket was closed on him before.
        """
        with self.unharmed():
            return self.loop.run(self._talk(path, told))

    async def _talk(self, path: str, told: list[str | bytes]) -> list[bytes]:
        inbox: asyncio.Queue[Message] = asyncio.Queue()
        outbox: asyncio.Queue[Message] = asyncio.Queue()
        inbox.put_nowait({"type": "websocket.connect"})
        for one in told:
            kind = "text" if isinstance(one, str) else "bytes"
            inbox.put_nowait({"type": "websocket.receive", kind: one})
        scope = _scope(path, b"", "GET", [(b"host", HOST), (b"cookie", self.cookie)])
        scope |= {"type": "websocket", "scheme": "ws", "subprotocols": []}
        task = asyncio.ensure_future(self.app(scope, inbox.get, outbox.put))
        heard: list[bytes] = []
        try:
            async with asyncio.timeout(LONGEST_ANSWER):
                while not inbox.empty() and not task.done():
                    await asyncio.sleep(0)
                right = {"run": self.own[-1], "query": CONFIG.query()}
                inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(right)})
                while not self._answered(heard) and not task.done():
                    await self._hear(task, outbox, inbox, heard)
        finally:
            inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
            await asyncio.wait_for(task, LONGEST_ANSWER)
        return heard

    async def _hear(self, task: Any, outbox: Any, inbox: Any, heard: list[bytes]) -> None:
        getting = asyncio.ensure_future(outbox.get())
        await asyncio.wait([getting, task], return_when=asyncio.FIRST_COMPLETED)
        if not getting.done():
            getting.cancel()
            return
        message = getting.result()
        if message["type"] == "websocket.send":
            heard.append(message["text"].encode())
            ack = {"ack": json.loads(message["text"])["sequence"]}
            inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(ack)})

    def _answered(self, heard: list[bytes]) -> bool:
        return any(f'"run":"{self.own[-1]}"'.encode() in one for one in heard)


class _Heard(logging.Handler):
    """Logs of faults: errors, and whatever comes with a traceback."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.faults: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.faults.append(logging.Formatter().format(record))


@contextmanager
def no_fault_logged() -> Iterator[None]:
    """A sentence may be logged, but no traceback."""
    heard = _Heard()
    logging.getLogger().addHandler(heard)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(heard)
    assert not heard.faults, heard.faults[0]


def _scope(path: str, query: bytes, method: str, headers: list[tuple[bytes, bytes]]) -> Scope:
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "path": path, "raw_path": path.encode(errors="replace"), "query_string": query,
        "headers": headers, "scheme": "http", "server": ("192.0.2.1", 8050),
        "client": (GUEST, 9), "root_path": "",
    }  # fmt: skip


def assert_one_sentence(body: bytes) -> None:
    """As JSON under ``notice``, or as a line of text."""
    text = body.decode()
    said = json.loads(text)["notice"] if text.startswith("{") else text.removesuffix("\n")
    assert said.endswith((".", "/")) and "\n" not in said and "Traceback" not in said, said
