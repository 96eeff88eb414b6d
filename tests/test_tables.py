"""Whatever a table lists works everywhere: whoever adds a row is told here what is missing."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics import profile
from diagnostics.cli.commands import fields_help
from diagnostics.dashboard import charts, controls, form
from diagnostics.dashboard.frames import Sketch, Whole, compose, diagnoses
from diagnostics.dashboard.wire import Watch, encode
from diagnostics.diagnosis.remedies import Outcome, helpful
from diagnostics.diagnosis.rules import RULES, explained
from diagnostics.engine.lab.profiler import profile_batch
from diagnostics.store.records import METRICS, SCALARS, Metric
from diagnostics.subject import theory
from diagnostics.subject.config import FIELDS, RunConfig, choices_of
from diagnostics.subject.watched import WatchedModel
from tests.engine.helpers import trained
from tests.subject.test_config import ANY

CHOICES = [(field, key) for field in FIELDS for key in choices_of(field) or ()]
SIZE = {"dataset": "gaussian", "width": 128, "depth": 8, "batch_size": 32, "activation": "tanh"}
SEEDS = 8


def _config(field: str, key: str, **more: object) -> RunConfig:
    return RunConfig.make({**SIZE, **more, field: key})


@pytest.mark.parametrize(("field", "key"), CHOICES)
def test_every_choice_trains_and_profiles(field: str, key: str) -> None:
    config = _config(field, key, width=8, depth=3, steps=3, lr=0.01)
    run = trained(" ".join(config.words()))
    assert run.summary.state == "finished"
    assert np.isfinite(run.batch.scalar("loss")).all()
    assert np.isfinite(run.batch.metric("signal_grad_norm")).all()
    assert np.isfinite(profile(config).signal_grad_norm).all()


@pytest.mark.thorough
@pytest.mark.parametrize(("field", "key"), CHOICES)
def test_theory_predicts_what_is_measured_or_says_why_it_does_not(field: str, key: str) -> None:
    """The tolerance of the mean over 8 networks: 3% of the decades + ½√(depth/width)."""
    for init in ("glorot_normal", "he_normal"):
        config = _config(field, key, **{} if field == "init" else {"init": init})
        predicted = theory.predict(config)
        if predicted is None:
            assert len(theory.unfounded(config) or "") > 20
            continue
        found = [profile(config, seed=seed).signal_grad_norm.to_numpy() for seed in range(SEEDS)]
        measured = np.mean([np.log10(signal[0] / signal[-2]) for signal in found])
        expected, layers = predicted.decades[0], config.hidden_layers
        tolerance = 0.03 * abs(expected) + 0.5 * np.sqrt(layers / config.width)
        assert measured == pytest.approx(expected, abs=tolerance)


SMALL = {"depth": st.sampled_from([1, 2, 30]), "width": st.sampled_from([2, 3, 32])}


@settings(max_examples=60, deadline=None)
@given(ANY, st.fixed_dictionaries(SMALL))
def test_any_configuration_profiles(values: dict[str, object], small: dict[str, object]) -> None:
    """Numbers at either end of the range of floats are results, and no warning is printed."""
    frame = profile(RunConfig.make({**values, **small}))
    assert len(frame) >= 2 and frame.signal_grad_norm.notna().all()


def _text(component: object) -> str:
    def plain(part: object) -> object:
        return part.to_plotly_json()

    return json.dumps(component, default=plain, ensure_ascii=False)


@pytest.mark.parametrize(("field", "key"), CHOICES)
def test_its_control_and_its_parameters_are_on_the_page(field: str, key: str) -> None:
    layout, choice = _text(form.layout()), (choices_of(field) or {})[key]
    assert json.dumps(choice.label, ensure_ascii=False) in layout
    if choice.parameter:
        assert f'"{controls.control_id(choice.parameter)}"' in layout
        style = controls.visibility(_config(field, key))
        place = list(controls.DEPENDS).index(choice.parameter)
        assert style[place] == {}
        assert controls.meanings(_config(field, key))[place] == choice.meaning


@pytest.mark.parametrize(("field", "key"), CHOICES)
def test_a_frame_with_it_is_composed_and_sent(field: str, key: str) -> None:
    config = _config(field, key, width=8, depth=3)
    sketch = Sketch(config, profile_batch(config))
    told, whole = diagnoses(None, sketch), Whole(charts.kinds(list(charts.CHARTS.values())))
    for view in charts.VIEWS:
        sent = json.loads(encode(compose(None, (), sketch, Watch(view=view), told, whole)))
        assert sent["label"] and sent["verdict"] and len(sent["names"]) == 0
        assert set(sent["now"]["metrics"]) >= {charts.VIEWS[view].metric}
        assert sent["theory"]["decades"] or sent["theory"]["why_not"]


@pytest.mark.parametrize(("field", "key"), CHOICES)
def test_help_names_it(field: str, key: str) -> None:
    assert key in fields_help() and (choices_of(field) or {})[key].help


def test_the_remedies_are_never_behind_a_menu(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many options there are, each is one click."""
    options = dict(choices_of("clip") or {})
    more = {f"{key}{n}": choice for key, choice in options.items() for n in range(3)}
    monkeypatch.setattr(controls, "choices_of", lambda field: more if field == "clip" else None)
    assert "Select" not in _text(controls._control("clip"))


SUBJECTS = (
    RunConfig(),
    RunConfig(activation="relu", init="he_normal", norm="batch", clip="value", residual=True),
    RunConfig(architecture="rnn", optimizer="adam", lr=1000),
    WatchedModel(model="Net"),
)


@pytest.mark.parametrize("key", RULES)
def test_every_rules_remedies_can_be_asked_for(key: str) -> None:
    rule = RULES[key]
    assert rule.title and rule.help and rule.help in explained(key)
    assert set(rule.silences) <= set(RULES)
    for subject in SUBJECTS:
        for remedy in rule.candidates(subject):
            assert remedy.label and (subject.lab is None) == bool(remedy.effect)
            assert subject.lab is None or subject.lab.changed(**remedy.changes) != subject.lab
    if rule.yardstick is not None:
        config = RunConfig(clip="norm")
        ill, well = Outcome(0.9, False), Outcome(0.0, True)
        for remedy in (candidates := tuple(rule.candidates(config))):
            told = helpful(rule.yardstick, config, ill, remedy, well)
            assert told is not None and told.effect
        assert candidates
    assert (rule.yardstick is None) == (not rule.remedies)


@pytest.mark.parametrize("metric", [*METRICS.values(), *SCALARS.values()], ids=lambda m: m.key)
def test_every_metric_says_what_it_is(metric: Metric) -> None:
    assert metric.label and metric.help
