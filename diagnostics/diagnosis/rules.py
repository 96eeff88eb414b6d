"""Records → diagnoses: pure functions that name what is wrong, where, since when, and why."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from diagnostics.diagnosis import remedies, symptoms
from diagnostics.diagnosis.case import Case, Finding, since
from diagnostics.diagnosis.wording import called, capital, times
from diagnostics.store.records import Diagnosis, PatientZero, Severity, StepBatch, Tone
from diagnostics.subject.watched import Subject, WatchedModel

UPDATES = ("stalled", "too_large")
LIVELESS = ("vanishing", "dead", "born_dead", "dying", *UPDATES)


@dataclass(frozen=True)
class Rule:
    """A rule: what it is called, how grave it is, the chart that shows it, and its test.

    Diagnoses in ``silences`` say the same in other words, and are left out beside this one.
    """

    key: str
    title: str
    severity: Severity
    chart: str
    help: str
    find: Callable[[Case], Finding | None]
    silences: tuple[str, ...] = ()
    tone: Tone = "lost"


def diagnose(
    config: Subject, batch: StepBatch, state: str, patient_zero: PatientZero | None = None
) -> tuple[Diagnosis, ...]:
    """What a run says now, the gravest first; empty before the first step."""
    if patient_zero is not None:
        return (_diverged(config, patient_zero),)
    if not len(batch) or np.isnan(batch.metric("signal_grad_norm")).all():
        return ()
    case = Case(config, batch)
    with np.errstate(all="ignore"):  # numbers at the edge of floats are what rules are for
        found = [(rule, finding) for rule in RULES if (finding := rule.find(case))]
    silent = {key for rule, _ in found for key in rule.silences}
    said = [_said(case, rule, finding) for rule, finding in found if rule.key not in silent]
    said.sort(key=lambda diagnosis: ("ill", "watch", "fine").index(diagnosis.severity))
    trouble = tuple(diagnosis for diagnosis in said if diagnosis.severity != "fine")
    if trouble or not np.isfinite(batch.metric("signal_grad_norm")[-1]).all():
        return trouble
    return (_healthy(case), *said)


def explained(key: str) -> str:
    """When a rule speaks, and how often it was right where that is known."""
    help = {rule.key: rule.help for rule in RULES}.get(key, "")
    n = _reliability().get(key)
    if n is None or not n["broken"]:
        return help
    return (
        f"{help}. On networks its threshold was not chosen on it found {n['found']} of "
        f"{n['broken']} broken ones, and was wrong on {n['alarms']} of {n['healthy']} healthy ones."
    )


@cache
def _reliability() -> dict[str, dict[str, int]]:
    """What `make corpus` counted on its held-out half."""
    text = files(__package__).joinpath("reliability.json").read_text()
    found: dict[str, dict[str, int]] = json.loads(text)
    return found


def _said(case: Case, rule: Rule, finding: Finding) -> Diagnosis:
    return Diagnosis(
        rule.key,
        rule.severity,
        rule.title,
        finding.sentence,
        finding.layers,
        since(case.batch, finding.ill),
        finding.evidence,
        remedies.candidates(rule.key, case.config)[: remedies.SHOWN],
        rule.chart,
        rule.tone,
    )


RULES = (
    Rule("symmetric", "Symmetric start", "ill", "lead",
         "hidden layers whose weights are all 0 at the first step", symptoms.symmetric,
         (*LIVELESS, "sparse")),
    Rule("vanishing", "Vanishing gradients", "ill", "lead",
         "the signal gradient falls by 3 decades on its way to layer 1, or by 0.1 a layer in "
         "SGD networks of less than 30 layers, and by 1.25 at least",
         symptoms.vanishing, ("stalled",), "vanishing"),
    Rule("exploding", "Exploding gradients", "ill", "lead",
         "the signal gradient grows by as much as vanishing says it falls", symptoms.exploding,
         tone="exploding"),
    Rule("bn_explosion", "Batch norm explodes at the start", "watch", "lead",
         "batch norm, in the first 10 steps, with more than 0.05 decades a layer and one in all",
         symptoms.norm_explosion, ("exploding",), "exploding"),
    Rule("saturated", "Saturated activations", "ill", "saturated",
         "more than half of a layer's activations in the outermost 5% of a bounded range",
         symptoms.saturated),
    Rule("born_dead", "Born dead", "ill", "dead",
         "more than a third of all hidden units 0 for every probe sample at the first step",
         symptoms.born_dead, ("dead", "dying", "stalled")),
    Rule("dead", "Dead units", "ill", "dead",
         "more than a third of all hidden units, or all of one layer's, 0 for every probe sample",
         symptoms.dead, ("dying", "stalled")),
    Rule("dying", "Dying units", "watch", "dead",
         "more than a tenth of all hidden units died since the first step", symptoms.dying),
    Rule("stalled", "Stalled", "ill", "update_ratio",
         "half of the layers change by less than 1e-5 of their spread a step, and accuracy is "
         "below 95%", symptoms.stalled),
    Rule("too_large", "Too large steps", "ill", "update_ratio",
         "half of the layers change by more than 1e-1 of their spread a step", symptoms.too_large),
    Rule("clipping_always", "Always clipped", "watch", "clip",
         "95% of the last 100 steps are clipped", symptoms.clipping_always),
    Rule("clipping_never", "Never clipped", "fine", "clip",
         "1% of the last 100 steps at most are clipped", symptoms.clipping_never),
    Rule("overfitting", "Overfitting", "watch", "loss",
         "the held-out loss is 0.1 and 10% above its minimum, and twice the training loss",
         symptoms.overfitting),
    Rule("sparse", "Sparse, and well", "fine", "dead",
         "30% to 70% of activations are 0, but less than a tenth of the units are dead",
         symptoms.sparse),
)  # fmt: skip


def _diverged(config: Subject, patient: PatientZero) -> Diagnosis:
    names = {
        "weight": "weights",
        "activation": "activations",
        "signal_grad": "signal gradient",
        "weight_grad": "weight gradient",
        "bias_grad": "bias gradient",
        "loss": "loss",
    }
    where = f"the {names[patient.tensor]} of {called(patient.layer, config)}"
    watched = isinstance(config, WatchedModel)
    if not watched and patient.layer == config.hidden_layers + 1:
        where = f"the {names[patient.tensor]} of the output layer"
    return Diagnosis(
        "diverged",
        "ill",
        "Diverged",
        f"At step {patient.step} numbers left the range of floats, first in {where}. "
        + (
            "Nothing computed since means anything."
            if watched
            else "Training on would be pointless, so the run ended."
        ),
        (patient.layer,),
        patient.step,
        {"step": patient.step, "layer": patient.layer},
        remedies.candidates("diverged", config)[: remedies.SHOWN],
        "loss",
        "exploding",
    )


def _healthy(case: Case) -> Diagnosis:
    last, travelled = case.batch.layers - 1, float(case.travel[-1])
    sentence = (
        f"{capital(called(1, case.config))} receives {times(travelled)} the gradient that reaches "
        f"{called(last, case.config)}: all {case.config.layer_word}s can learn."
    )
    return Diagnosis(
        "healthy",
        "fine",
        "Healthy gradients",
        sentence if last > 1 else "A single hidden layer learns from the output at once.",
        evidence={"decades": travelled},
        tone="healthy",
    )
