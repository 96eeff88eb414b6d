"""What is said to somebody whose run has no worker."""


def waits(ahead: int, going: int, slots: int, mine: int, turn: float) -> str:
    """Of a run in the queue.

    Args:
        ahead: runs that come before it.
        going: runs that train now, on so many ``slots``.
        mine: of them, those of the same person.
        turn: seconds after which each gives way.
    """
    order = "It is next" if not ahead else f"{_count(ahead, 'run')} come before it"
    longest = turn * (1 + ahead // slots)
    told = f"{order}, {_count(going, 'run')} train now; it begins in {_time(longest)} at most."
    meanwhile = "Its network before training can be looked at and changed meanwhile."
    return f"{told} {_own(mine) if mine else meanwhile}"


def _own(mine: int) -> str:
    return f"{_count(mine, 'run')} of yours train already: stop or pause one to go on with this."


def put_aside() -> str:
    """Of a run that has given its worker back and was paused."""
    return "Its worker is free for others; Resume goes on from this step, to the last bit."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
