"""Who gets a worker, and who gives one back."""

from hypothesis import given
from hypothesis import strategies as st

from diagnostics.runs.line import (
    ABANDONED_SECONDS,
    PAUSED_SECONDS,
    Place,
    in_order,
    yielding,
)

TURN = 60.0
NOW = 1000.0


def _place(run: str, owner: str = "", since: float = 5, seen: float = 0, **more: float) -> Place:
    """Times are seconds ago."""
    paused = more.get("paused")
    return Place(run, owner, NOW - since, NOW - seen, None if paused is None else NOW - paused)


def _out(waiting: list[Place], going: list[Place], slots: int = 2) -> list[str]:
    return [place.run for place in yielding(waiting, going, slots, TURN, NOW)]


def test_who_has_no_worker_comes_before_who_has_one() -> None:
    going = [_place("a", "ann")]
    waiting = [_place("b", "ann"), _place("c", "bob"), _place("d", "cat")]
    assert [place.run for place in in_order(waiting, going, NOW)] == ["c", "d", "b"]


def test_who_waits_twice_comes_first_once() -> None:
    waiting = [_place("a", "ann"), _place("b", "ann"), _place("c", "bob"), _place("d", "ann")]
    assert [place.run for place in in_order(waiting, [], NOW)] == ["a", "c", "b", "d"]
    going = [_place("e", "ann")]
    assert [place.run for place in in_order(waiting, going, NOW)] == ["c", "a", "b", "d"]


def test_three_workers_of_one_go_to_two_who_have_none() -> None:
    going = [_place("a", "bob"), _place("b", "bob"), _place("c", "bob")]
    waiting = [_place("d", "ann"), _place("e", "ann"), _place("f", "cat")]
    gone = yielding(waiting, going, 3, TURN, NOW)
    assert len(gone) == 2
    left = [place for place in going if place not in gone]
    assert [place.run for place in in_order(waiting, left, NOW)[:2]] == ["d", "f"]


def test_the_abandoned_come_last() -> None:
    waiting = [_place("old", "ann", seen=ABANDONED_SECONDS + 1), _place("new", "bob")]
    assert [place.run for place in in_order(waiting, [], NOW)] == ["new", "old"]


def test_nobody_gives_way_where_nobody_waits_or_workers_are_free() -> None:
    going = [_place("a", since=1e4), _place("b", since=1e4, seen=1e4)]
    assert _out([], going) == []
    assert _out([_place("c")], going[:1]) == []


def test_a_paused_run_gives_its_worker_back_at_once_where_somebody_waits() -> None:
    going = [_place("a"), _place("b", paused=0.1)]
    assert _out([_place("c")], going) == ["b"]
    assert _out([], going) == []
    assert _out([], [_place("b", paused=PAUSED_SECONDS + 1)]) == ["b"]


def test_an_abandoned_run_makes_room_for_one_that_is_looked_at() -> None:
    going = [_place("a"), _place("b", seen=ABANDONED_SECONDS + 1)]
    assert _out([_place("c")], going) == ["b"]
    assert _out([_place("c", seen=ABANDONED_SECONDS + 1)], going) == []


def test_nobody_holds_two_workers_while_another_has_none() -> None:
    going = [_place("a", "ann", since=9), _place("b", "ann", since=3)]
    assert _out([_place("c", "bob")], going) == ["b"]
    assert _out([_place("c", "ann")], going) == []
    assert _out([_place("c", "bob")], [_place("a", "ann"), _place("b", "cat")]) == []


def test_a_turn_begins_with_the_first_step() -> None:
    place = _place("a", since=100)
    for state, steps in (("queued", 7), ("running", 0)):
        place.note(state, steps, NOW)
        assert place.since == NOW
    place.note("running", 1, NOW + 5)
    assert place.since == NOW and place.paused is None
    place.note("paused", 0, NOW + 6)
    place.note("paused", 0, NOW + 9)
    assert (place.since, place.paused) == (NOW, NOW + 6)


def test_a_turn_ends_where_somebody_waits() -> None:
    going = [_place("a", since=TURN + 1), _place("b", since=TURN + 9)]
    assert _out([_place("c")], going) == ["b"]
    assert _out([_place("c"), _place("d")], going) == ["b", "a"]


def test_who_was_asked_is_not_asked_again() -> None:
    going = [_place("a", since=TURN + 1), _place("b", since=TURN + 9)]
    going[1].asked = True
    assert _out([_place("c")], going) == []


places = st.builds(
    _place,
    st.uuids().map(str),
    st.sampled_from(["", "ann", "bob", "cat"]),
    since=st.floats(0, 200),
    seen=st.floats(0, 200),
    paused=st.none() | st.floats(0, 200),
)


@given(st.lists(places, max_size=6), st.lists(places, max_size=3))
def test_no_more_give_way_than_need_be_and_each_once(
    waiting: list[Place], going: list[Place]
) -> None:
    slots = max(1, len(going))
    out = _out(waiting, going, slots)
    assert len(set(out)) == len(out) and set(out) <= {place.run for place in going}
    idle = [one for one in going if one.paused and NOW - one.paused > PAUSED_SECONDS]
    free = slots - len(going)
    assert len(out) <= max(len(idle), len(waiting) - free)


@given(st.lists(places, min_size=1, max_size=6), st.lists(places, min_size=2, max_size=3))
def test_a_swap_is_not_undone(waiting: list[Place], going: list[Place]) -> None:
    """Who has given way would not get its worker back from the one that has it now."""
    for place in (*waiting, *going):
        place.paused, place.seen, place.since = None, NOW, NOW
    out = _out(waiting, going, len(going))
    left = [one for one in going if one.run not in out]
    came = in_order(waiting, left, NOW)[: len(out)]
    gone = [one for one in going if one.run in out]
    rest = [one for one in waiting if one not in came]
    assert not out or _out([*rest, *gone], [*left, *came], len(going)) == []
