"""Where a server is reached: by which addresses and names, from which pages."""

import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

NEARBY = "'self' http://localhost:* http://127.0.0.1:*"
"""Pages that may show this one within theirs: those of this machine, as notebooks are."""

ANY = ("0.0.0.0", "::")
"""Addresses to bind to that are all which a machine has."""

NOWHERE = "192.0.2.1"
"""An address of documentation: aimed there, a socket tells the way out and sends nothing."""


@dataclass(frozen=True)
class Place:
    """Where a server is reached: the address it is bound to, and names beside it."""

    host: str = "127.0.0.1"
    names: Collection[str] = ()
    framed: str = NEARBY

    @property
    def home(self) -> bool:
        """Whether only this machine reaches it."""
        return here(self.host)

    def address(self, port: int) -> str:
        """Where others open it, or who sits here: by its first name, else by an address."""
        name = next(iter(self.names), "") or (_way_out() if self.host in ANY else self.host)
        return f"http://{f'[{name}]' if ':' in name else name}:{port}"

    def knows(self, host: str) -> bool:
        """Whether a request's ``Host`` is this server's.

        A page that has its own name point here afterwards (DNS rebinding) comes with that name; an
        address can't be pointed anywhere.
        """
        name = name_of(host)
        if here(name) or name in (self.host, *self.names):
            return True
        return not self.home and (_is_address(name) or name in _machine())

    def trusts(self, origin: str, host: str) -> bool:
        """Whether what comes from pages of an origin comes from the lab's own."""
        scheme, _, netloc = origin.lower().partition("://")
        if scheme not in ("http", "https") or not netloc:
            return False
        return netloc == host.lower() or name_of(netloc) in self.names


LOCAL = Place()


def name_of(host: str) -> str:
    """Without a port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def here(name: str) -> bool:
    """Whether a name or address means the machine itself."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    return _is_address(name) and ipaddress.ip_address(name).is_loopback


def _machine() -> tuple[str, ...]:
    """The machine's own names."""
    name = socket.gethostname().lower()
    return name, f"{name.partition('.')[0]}.local"


def _way_out() -> str:
    """By which others in its network reach the machine; its own where there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect((NOWHERE, 9))
        except OSError:
            return "127.0.0.1"
        return str(way.getsockname()[0])
