"""Whatever comes over the network: a server answers others afterwards, and logs no fault."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from hypothesis import strategies as st

from diagnostics.dashboard import live
from diagnostics.dashboard.server import make_app
from diagnostics.runs.runner import Runner
from diagnostics.store.store import Store
from tests.conftest import NoWorkers
from tests.fuzz.cases import fuzz
from tests.fuzz.lab import no_fault_logged
from tests.fuzz.odd import torn

NAME = b"Host: 127.0.0.1\r\n"
UPGRADE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
FRAME = b'\x81\x8b\x00\x00\x00\x00{"ack":  1}'
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
JSON = b"Content-Type: application/json\r\n"

REQUESTS = (
    b"GET / HTTP/1.1\r\n" + NAME + b"\r\n",
    b"GET /runs?search=a&limit=3 HTTP/1.1\r\n" + NAME + b"Accept-Encoding: gzip\r\n\r\n",
    b"POST /wish HTTP/1.1\r\n" + NAME + JSON + b"Content-Length: 2\r\n\r\n{}",
    b"POST /wish HTTP/1.1\r\n"
    + NAME
    + JSON
    + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"GET /live HTTP/1.1\r\n" + NAME + UPGRADE + b"\r\n" + FRAME,
)
"""What browsers send."""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where a server listens."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('lab') / 'store.sqlite'}")
    runner = Runner(store, NoWorkers())
    config = uvicorn.Config(
        make_app(store, runner), log_config=None, log_level="warning", ws_max_size=live.LONGEST
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()
    runner.close()
    store.close()


@fuzz(sent=st.one_of(torn(st.sampled_from(REQUESTS)), st.binary(max_size=60)))
def test_any_bytes_harm_nobody(port: int, sent: bytes) -> None:
    with no_fault_logged():
        assert b" 500 " not in _said(port, sent, leaves=True)[:40]
        assert _said(port, REQUESTS[1], leaves=False).startswith(b"HTTP/1.1 200 ")


def _said(port: int, sent: bytes, *, leaves: bool) -> bytes:
    """The beginning of an answer; empty where there is none, as for who has left."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
        one.sendall(sent)
        if leaves:
            one.shutdown(socket.SHUT_WR)
        try:
            return one.recv(4096)
        except (TimeoutError, ConnectionResetError):
            return b""
