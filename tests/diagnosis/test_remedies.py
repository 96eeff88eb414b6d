"""What is offered while remedies are tried: buttons keep their places, and what failed is gone."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.diagnosis.remedies import SHOWN, Outcome, helpful, offered
from diagnostics.diagnosis.rule import Rule
from diagnostics.diagnosis.rules import RULES
from diagnostics.store.records import Remedy
from diagnostics.subject.config import RunConfig
from diagnostics.subject.watched import WatchedModel
from tests.subject.test_config import ANY

TRIED_RULES = [rule for rule in RULES.values() if rule.yardstick is not None]
OUTCOMES = st.lists(st.booleans(), min_size=12, max_size=12)


def _moments(candidates: tuple[Remedy, ...], helps: list[bool]) -> list[tuple[Remedy, ...]]:
    """What is offered before each trial, while it goes on, and after the last."""
    tried: list[Remedy | None] = []
    seen = []
    for candidate, well in zip(candidates, helps, strict=False):
        seen += [offered(candidates, tried), offered(candidates, tried, trying=True)]
        tried.append(replace(candidate, effect="better", trial="helped") if well else None)
    return [*seen, offered(candidates, tried)]


@pytest.mark.parametrize("rule", TRIED_RULES, ids=lambda rule: rule.key)
@settings(max_examples=25, deadline=None)
@given(values=ANY, helps=OUTCOMES)
def test_a_remedy_keeps_its_place_until_it_is_found_not_to_help(
    rule: Rule, values: dict[str, object], helps: list[bool]
) -> None:
    candidates = tuple(rule.candidates(RunConfig.make(values)))
    failed = {c.label for c, well in zip(candidates, helps, strict=False) if not well}
    moments = _moments(candidates, helps)
    for before, after in pairwise(moments):
        places = {remedy.label: remedy.place for remedy in after}
        for remedy in before:
            kept = places.get(remedy.label) == remedy.place
            assert kept or (remedy.label not in places and remedy.label in failed)
    for moment in moments:
        assert len({remedy.place for remedy in moment}) == len(moment) <= SHOWN
        assert all((remedy.trial == "helped") == bool(remedy.effect) for remedy in moment)
    last = moments[-1]
    assert not failed & {remedy.label for remedy in last}
    assert len(last) == min(SHOWN, len(candidates) - len(failed))


def test_what_does_not_cure_or_does_not_help_is_no_remedy() -> None:
    rod, config = RULES["vanishing"].yardstick, RunConfig()
    assert rod is not None
    remedy, before = Remedy("He normal", {"init": "he_normal"}), Outcome(-12.0, False)
    assert helpful(rod, config, before, remedy, Outcome(-7.0, False)) is None
    assert helpful(rod, config, before, remedy, Outcome(5.0, False)) is None
    assert helpful(rod, config, before, remedy, Outcome(-0.2, True, learns=False)) is None
    assert helpful(rod, config, before, remedy, Outcome(-4.0, False)) is not None
    assert helpful(rod, config, before, remedy, Outcome(float("nan"), True)) is None
    assert helpful(rod, config, before, remedy, Outcome(-12.0, True)) is None
    found = helpful(rod, config, before, remedy, Outcome(-0.2, True))
    assert found == replace(remedy, effect="layer 1: 1 × 10⁻¹² → 0.63", trial="helped")


@pytest.mark.parametrize(
    ("words", "hopeless"),
    [
        ("init=glorot_uniform depth=19 seed=1", {"glorot_normal", "he_normal", "orthogonal"}),
        ("init=he_normal depth=19", {"glorot_normal", "orthogonal"}),
        ("activation=relu depth=30", {"orthogonal"}),
    ],
)
def test_what_theory_knows_not_to_cure_is_not_proposed(words: str, hopeless: set[str]) -> None:
    config = RunConfig.from_words(words.split())
    proposed = [remedy.changes for remedy in RULES["vanishing"].candidates(config)]
    assert len(proposed) >= SHOWN
    assert not hopeless & {change.get("init") for change in proposed if set(change) == {"init"}}


def test_advice_on_a_model_of_ones_own_is_words_in_places() -> None:
    advice = tuple(RULES["vanishing"].candidates(WatchedModel(model="Net")))
    assert [remedy.place for remedy in offered(advice, ())] == list(range(SHOWN))
    assert all(remedy.effect and not remedy.changes for remedy in advice)
