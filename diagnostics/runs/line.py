"""Who gets a worker next, and who gives one back: fair shares, without clock or processes."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

ABANDONED_SECONDS = 60.0
"""Without anybody looking, after which a run makes room for those that somebody looks at."""

PAUSED_SECONDS = 10.0
"""A paused run keeps its worker so long where nobody waits: steps made one by one stay quick."""


@dataclass
class Place:
    """A run that wants a worker, has one, or has given one back.

    Attributes:
        owner: whose it is; empty where that is not known, which is somebody of its own.
        since: when it came where it is, in seconds of any clock.
        seen: when somebody last looked.
        paused: since when it pauses; None while it doesn't.
        trained: seconds that it had a worker before.
        asked: whether it was asked to give its worker back.
        wish: what has come for it since it was asked: ``stop``, or ``go`` on.
    """

    run: str
    owner: str
    since: float
    seen: float
    paused: float | None = None
    trained: float = 0.0
    asked: bool = False
    wish: str = ""

    @property
    def whose(self) -> str:
        """Its owner, or itself."""
        return self.owner or self.run

    def note(self, state: str, steps: int, now: float) -> None:
        """How its run is: a turn begins with the first step, however long starting takes."""
        self.paused = (self.paused or now) if state == "paused" else None
        if state == "queued" or (state == "running" and not steps):
            self.since = now

    def abandoned(self, now: float) -> bool:
        """Whether nobody has looked for a while."""
        return now - self.seen > ABANDONED_SECONDS


def in_order(waiting: Collection[Place], going: Collection[Place], now: float) -> list[Place]:
    """Who waits: who is looked at first, of them who has fewest workers, of them who came first.

    Whoever comes has a worker more from then on, so that somebody's second run is behind all
    others' first.
    """
    looked_at_first = sorted(waiting, key=lambda one: one.abandoned(now))
    held, before = Counter(place.whose for place in going), dict[str, int]()
    for place in looked_at_first:
        before[place.run] = held[place.whose]
        held[place.whose] += 1
    return sorted(looked_at_first, key=lambda one: (one.abandoned(now), before[one.run]))


def yielding(
    waiting: Collection[Place], going: Collection[Place], slots: int, turn: float, now: float
) -> list[Place]:
    """Who gives a worker back now.

    Args:
        waiting: in the order of their coming.
        slots: workers that there are.
        turn: seconds that a run may keep one while others wait.
    """
    held = [place for place in going if not place.asked]
    found = [place for place in held if place.paused and now - place.paused > PAUSED_SECONDS]
    rest = [place for place in held if place not in found]
    free, came = slots - len(rest), list[Place]()
    for after in in_order(waiting, rest, now):
        if len(came) < free:
            came.append(after)
        elif out := _out(after, rest, came, turn, now):
            found.append(out)
            rest.remove(out)
            came.append(after)
            free += 1
    return found


def _out(
    after: Place, held: list[Place], came: list[Place], turn: float, now: float
) -> Place | None:
    """Who makes room: who pauses, else is abandoned, has too many workers, or had a turn.

    Who ``came`` for others that made room has a worker as well.
    """
    shares = Counter(place.whose for place in (*held, *came))
    fits = {
        "paused": [one for one in held if one.paused],
        "abandoned": [one for one in held if one.abandoned(now) and not after.abandoned(now)],
        "many": [one for one in held if shares[one.whose] > shares[after.whose] + 1],
        "turn": [
            one
            for one in held
            if now - one.since > turn and one.abandoned(now) >= after.abandoned(now)
        ],
    }
    for why, candidates in fits.items():
        if candidates:
            newest = why == "many"
            return (max if newest else min)(candidates, key=lambda one: one.since)
    return None
