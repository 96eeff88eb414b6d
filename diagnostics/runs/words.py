"""What is said to somebody whose run has no worker."""


def waits(ahead: int, going: int, slots: int, mine: int, turn: float) -> str:
    """Of a run in the queue.

    Args:
        ahead: runs that come before it.
        going: runs that train now, on so many ``slots``.
        mine: of them, those of the same person.
        turn: seconds after which each gives way.
    """
    order = f"{_count(ahead, 'run comes', 'runs come')} before it" if ahead else "It is next"
    longest = turn * (1 + ahead // slots)
    now = _count(going, "run trains", "runs train")
    told = f"{order}, {now} now; it begins in {_time(longest)} at most."
    meanwhile = "Until then its network is shown as it is before training."
    return f"{told} {_own(mine) if mine else meanwhile}"


def _own(mine: int) -> str:
    held = _count(mine, "run of yours trains", "runs of yours train")
    return f"{held} already: stop or pause one to go on with this."


def put_aside() -> str:
    """Of a run that has given its worker back and was paused."""
    return "Its worker is free for others; Resume goes on from this step, to the last bit."


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
