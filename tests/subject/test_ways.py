"""Ways through layers, of graphs as large as anybody's."""

from hypothesis import strategies as st

from diagnostics.subject.ways import sparse, ways
from tests.fuzz.cases import fuzz

MANY = 2_000
GRAPHS = st.integers(1, 9).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, n - 1), max_size=n), min_size=n, max_size=n)
)
"""Of layers, circles and doubles among them."""


@fuzz(GRAPHS)
def test_what_is_told_by_others_is_no_part_of_a_way(after: list[list[int]]) -> None:
    dense = tuple(tuple(found) for found in after)
    assert ways(tuple(sparse(after))) == ways(dense)
    assert {i for way in ways(dense) for i in way} == set(range(len(after)))


def test_a_deep_residual_network_is_told_in_as_many_pairs_as_it_has_layers() -> None:
    after = [tuple(range(i)) for i in range(MANY)]
    assert sparse(after) == [(i - 1,) if i else () for i in range(MANY)]
    assert ways(tuple(sparse(after))) == (tuple(range(MANY)),)
