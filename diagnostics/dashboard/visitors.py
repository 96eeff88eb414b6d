"""Who asks: a browser by the secret in its cookie, and what it may do with whose run."""

import hashlib
import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass, field

from diagnostics.subject.printable import Refusal

COOKIE = "gradient_diagnostics"
YEAR = 31_536_000
"""Seconds that a browser keeps its secret."""

NOT_YOURS = "is somebody else's, to whom alone it listens."

SECRET = re.compile(r"[\w-]{43}", re.ASCII)


class Refused(Refusal, ValueError):
    """Why a wish can't be granted now, in a sentence."""


@dataclass(frozen=True)
class Visitor:
    """A browser.

    ``mark`` is what the store keeps of its secret, empty where it keeps no cookie; ``host`` says
    whether it is that of who started the server.
    """

    mark: str = ""
    host: bool = True

    def drives(self, owner: str) -> bool:
        """Whether it may pause, change and replace a run: its own; the host also what is nobody's.

        Not even the host does so with another's by the way, for whoever looks at a run would end
        it with Reset.
        """
        return owner == self.mark if owner else self.host

    def decides(self, owner: str) -> bool:
        """Whether it may stop, name and delete a run in the list: its own; the host any."""
        return self.host or self.drives(owner)

    def driving(self, owner: str, what: str) -> None:
        """Raises ``Refused`` where a run may not be changed; ``what`` it is called."""
        if not self.drives(owner):
            raise Refused(f"{what} {NOT_YOURS} Take a copy to change it.")

    def deciding(self, owner: str, what: str) -> None:
        """Raises ``Refused`` where a run may not be stopped, named or deleted."""
        if not self.decides(owner):
            raise Refused(f"{what} {NOT_YOURS}")

    def known(self) -> None:
        """Raises ``Refused`` where a run that it starts would not be its own."""
        if not self.host and not self.mark:
            raise Refused("This browser keeps no cookie for its runs: allow it here to train.")


HOST = Visitor()

HERE: ContextVar[Visitor] = ContextVar("visitor", default=HOST)
"""Who is being answered; in a process that answers nobody, its host."""


def new_secret() -> str:
    """For a browser to keep."""
    return secrets.token_urlsafe(32)


def mark_of(secret: str) -> str:
    """What is kept of a secret; nothing of what is none."""
    return hashlib.sha256(secret.encode()).hexdigest()[:32] if SECRET.fullmatch(secret) else ""


@dataclass
class Guests:
    """Who is who: the host asks from the server's own machine, or opened the presenter's link."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    _presenters: set[str] = field(default_factory=set)

    def visitor(self, secret: str, *, near: bool) -> Visitor:
        """Whose secret it is; ``near`` says that it is asked from the server's own machine."""
        mark = mark_of(secret)
        return Visitor(mark, near or mark in self._presenters)

    def welcome(self, visitor: Visitor, token: str) -> bool:
        """Whether a token is that of the presenter's link; whoever opens it is the host."""
        right = secrets.compare_digest(token.encode(), self.token.encode())
        if right and visitor.mark:
            self._presenters.add(visitor.mark)
        return right
