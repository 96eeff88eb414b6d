"""The live page inside a notebook."""

import atexit
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from functools import cache

PATIENCE = 30.0
"""Seconds in which a server must have started."""

NOTEBOOKS = "http: https: vscode-webview:"
"""Whatever page a notebook is: it is on another address than the lab's, and may be anywhere."""


@dataclass(frozen=True)
class Page:
    """A run's page: notebooks show it as it stands, everything else has its ``url``."""

    store: str
    run: str
    height: int = 900

    @property
    def url(self) -> str:
        """Its address; the store's server is started at the first asking."""
        return f"{_served(self.store)}?run={self.run}"

    def _repr_html_(self) -> str:
        style = f"width: 100%; height: {self.height}px; border: 0"
        return f'<iframe src="{self.url}" style="{style}"></iframe>'


@cache
def _served(store: str) -> str:
    """The address of a server of a store, which ends with this process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "diagnostics", "serve", "--store", store, "--port", str(port)]
    command += ["--workers", "1", "--embed", NOTEBOOKS]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    atexit.register(server.terminate)
    address = f"http://127.0.0.1:{port}/"
    _wait(address)
    return address


def _wait(address: str) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(f"{address}healthz", timeout=1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
