"""The form: a control for every field, made from the tables."""

import json

from diagnostics.dashboard import controls, form
from diagnostics.subject.activations import ACTIVATIONS
from diagnostics.subject.config import RunConfig
from diagnostics.subject.initializations import INITIALIZATIONS


def test_every_field_has_a_control_with_its_default() -> None:
    tree = json.dumps(form.layout().to_plotly_json(), default=lambda part: part.to_plotly_json())
    for field in controls.SHOWN:
        assert f'"{controls.control_id(field)}"' in tree
    for choice in (*INITIALIZATIONS.values(), *ACTIVATIONS.values()):
        assert json.dumps(choice.label) in tree


def test_only_fields_that_mean_something_are_in_sight() -> None:
    shown = dict(zip(controls.DEPENDS, controls.visibility(RunConfig()), strict=True))
    assert [field for field, style in shown.items() if not style] == ["depth"]
    for field, (other, keys) in controls.DEPENDS.items():
        for key in keys:
            styles = controls.visibility(RunConfig.make({other: key}))
            assert styles[list(controls.DEPENDS).index(field)] == {}
