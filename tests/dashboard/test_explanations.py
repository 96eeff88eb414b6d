"""Whatever needs a dictionary has one where it stands."""

import json
import re

import pytest

from diagnostics.dashboard import charts, embedded, form
from diagnostics.dashboard.explanations import explanations
from diagnostics.diagnosis.rules import RULES
from diagnostics.subject.choices import CLIPS
from diagnostics.subject.config import FIELDS, choices_of
from diagnostics.subject.glossary import GLOSSARY, Term, terms_of

MANY = 8
"""Options of which only the common ones are in sight at first."""


@pytest.mark.parametrize("term", GLOSSARY.values(), ids=lambda term: term.key)
def test_every_term_is_explained_somewhere_on_the_page(term: Term) -> None:
    assert term.help.endswith(".")
    told = {(one.label, one.help) for found in explanations().values() for one in found}
    assert (term.label, term.help) in told


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("as accumulated, before clipping", "accumulation"),
        ("0 for every sample: dead", "dead"),
        ("ends of the range", "saturated"),
        ("falls by 3 decades", "decade"),
        ("Glorot normal", "glorot"),
        ("with He initialization", "he"),
        ("update : weight", "update_ratio"),
    ],
)
def test_a_term_is_known_where_it_is_used(text: str, key: str) -> None:
    assert GLOSSARY[key] in terms_of(text)


def test_a_word_within_another_is_not_taken_for_it() -> None:
    found = terms_of("when he had regained the shed")
    assert not found, found


@pytest.mark.parametrize("key", charts.CHARTS)
def test_each_chart_has_its_question_mark(key: str) -> None:
    html = embedded.TEMPLATES.get_template("cards.html").module.card(charts.CHARTS[key])  # type: ignore[attr-defined]
    assert re.search(rf'class="ask"[^>]*data-help="chart-{key}"', html)
    assert explanations()[f"chart-{key}"]


@pytest.mark.parametrize("key", RULES)
def test_each_diagnosis_says_when_it_speaks(key: str) -> None:
    assert explanations()[f"rule-{key}"][0].label == RULES[key].title


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_says_what_it_is_and_each_option_what_it_does(field: str) -> None:
    def plain(part: object) -> object:
        return part.to_plotly_json()  # type: ignore[attr-defined]

    layout = json.dumps(form.layout(), default=plain)
    assert f"field-{field}" in explanations() and f'"data-help": "field-{field}"' in layout
    for key in choices_of(field) or {}:
        assert explanations()[f"choice-{field}-{key}"]


def test_few_options_are_in_sight_at_first() -> None:
    for field in ("init", "activation"):
        options = choices_of(field) or {}
        common = [choice for choice in options.values() if choice.common]
        assert 3 < len(common) < MANY < len(options)
    assert len(CLIPS) < MANY
