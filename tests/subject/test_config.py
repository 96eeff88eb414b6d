"""Configurations: the words that spell them, and the sentences for what can't be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.subject.config import FIELDS, InvalidConfig, RunConfig, allowed, choices_of, limits


def _value(field: str) -> st.SearchStrategy[object]:
    options = choices_of(field)
    if options is not None:
        return st.sampled_from(sorted(options))
    kind, bounds = FIELDS[field].annotation, limits(field)
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(int(bounds["ge"]), int(bounds["le"]))
    low = bounds.get("ge", bounds.get("gt", 0.0))
    return st.floats(low, bounds["le"], exclude_min="gt" in bounds)


ANY = st.fixed_dictionaries({field: _value(field) for field in FIELDS}).map(
    lambda values: values | {"batch_size": max(2, int(str(values["batch_size"])))}
)


@given(ANY)
def test_link_and_words_bring_a_configuration_back(values: dict[str, object]) -> None:
    config = RunConfig.make(values)
    assert RunConfig.from_query(config.query()) == config
    assert RunConfig.from_words(config.words()) == config


def test_defaults_need_no_words() -> None:
    assert RunConfig().query() == ""
    assert RunConfig.from_query("") == RunConfig()


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("depth=0", ("depth=0", "whole number from 1 to 100")),
        ("depth=101", ("depth=101", "1 to 100")),
        ("depth=2.5", ("depth=2.5", "whole number")),
        ("lr=nan", ("lr=nan", "number above 0")),
        ("lr=inf", ("lr=inf",)),
        ("lr=-1", ("lr=-1",)),
        ("activation=rleu", ("activation=rleu", "relu", "sigmoid")),
        ("residual=maybe", ("residual=maybe", "true or false")),
        ("actvation=relu", ("actvation", "Did you mean activation?")),
        ("depth", ("'depth'", "key=value")),
        ("depth=3 depth=4", ("depth is given twice",)),
        ("norm=batch batch_size=1", ("batch_size=1", "norm=batch", "from 2")),
        ("width=", ("width=",)),
    ],
)
def test_one_sentence_names_field_value_and_what_is_allowed(
    words: str, parts: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidConfig) as refusal:
        RunConfig.from_words(words.split())
    assert all(part in str(refusal.value) for part in parts)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("values", [{"residual": 1.0}, {"seed": True}, {"depth": None}, {"lr": []}])
def test_nothing_is_cast_in_silence(values: dict[str, object]) -> None:
    with pytest.raises(InvalidConfig):
        RunConfig.make(values)


def test_every_field_says_what_it_is() -> None:
    for field, info in FIELDS.items():
        assert info.title and info.description and allowed(field)


def test_a_configuration_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        RunConfig().depth = 3


@pytest.mark.parametrize(
    ("field", "typed", "value"),
    [
        *[
            ("lr", text, 1e-3)
            for text in ("1e-3", "1E-3", ".001", "0.001", "0,001", ",001", "1,0e-3")
        ],
        *[("lr", text, 0.25) for text in (" 0.25 ", "0,25", "+.25", "2.5e-1")],
        *[("lr", text, 1.2345) for text in ("1.2345", "1,2345")],
        *[("lr", text, 3.0) for text in ("3", "3.", "3,0", "3e0")],
        *[("steps", text, 1000) for text in ("1000", "1e3", "1E3", "1.0e3", "10e2", "+1e3")],
    ],
)
def test_numbers_as_people_type_them(field: str, typed: str, value: float) -> None:
    for config in (RunConfig.make({field: typed}), RunConfig.from_words([f"{field}={typed}"])):
        assert getattr(config, field) == value


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        *[
            ("lr", text)
            for text in ("1,000", "1.000,5", "1,5,5", "e3", "1e", "--1", "1 e3", "0x10")
        ],
        *[("lr", text) for text in ("1e400", "inf", "nan", "", "ten", "1e-400")],
        *[("steps", text) for text in ("1,000", "2,5", "2.5", "1e-3", "1.5e0", "1e99", "1e9", "")],
    ],
)
def test_what_can_be_read_in_two_ways_or_in_none_is_refused(field: str, typed: str) -> None:
    """Never a silent other number."""
    with pytest.raises(InvalidConfig) as refused:
        RunConfig.make({field: typed})
    assert refused.value.field == field and f"{field}={typed}" in str(refused.value)
