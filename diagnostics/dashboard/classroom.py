"""A class room: a link with a QR code, a presenter whose page students follow, a wall of runs."""

from dataclasses import dataclass, field, replace

import segno
from markupsafe import Markup

from diagnostics.dashboard import wire
from diagnostics.dashboard.place import here, name_of
from diagnostics.dashboard.visitors import HERE
from diagnostics.dashboard.wire import Role, Room, Watch

LED = ("run", "pins", "before", "query", "at")
"""What of a presenter's page others follow: the run and its step, not how it is looked at."""


@dataclass
class Classroom:
    """``link`` is where students come in; ``shown`` what the presenter's page shows."""

    link: str
    shown: Watch | None = None
    followers: set[object] = field(default_factory=set)

    def enter(self, session: wire.Session, search: str) -> Room:
        """The part that a page takes which opens with a link: a bare one, and no run, follow."""
        role: Role = "alone"
        if HERE.get().host:
            role = "presents"
        elif not search and session.run is None:
            role = "follows"
        return Room(self.link, role)

    def hear(self, watch: Watch, who: object) -> bool:
        """What a page says that it watches; whether others follow it there."""
        if watch.role == "follows":
            self.followers.add(who)
        else:
            self.followers.discard(who)
        presents = watch.role == "presents" and watch.visible and HERE.get().host
        news = presents and watch != self.shown
        if news:
            self.shown = watch
        return news

    def seen(self, watch: Watch) -> Watch:
        """What a page gets to see: who follows, the presenter's run and step in its own view."""
        if watch.role != "follows" or self.shown is None:
            return watch
        return replace(watch, **{key: getattr(self.shown, key) for key in LED})


def place(watch: Watch) -> tuple[object, ...]:
    """Where a page is."""
    return tuple(getattr(watch, key) for key in LED)


NEAR = "with a phone or laptop in the same network"
ALONE = "this machine is in no network: nobody else can come in"


def hint(link: str) -> str:
    """Who can come in."""
    return ALONE if here(name_of(link.partition("://")[2].rstrip("/"))) else NEAR


def code(link: str) -> Markup:
    """A QR code of a link, as SVG."""
    made = segno.make_qr(link, error="m")
    return Markup(made.svg_inline(border=3, dark="#000", light="#fff", omitsize=True))
