"""Rules on what was forgotten around a model: gradients, optimizer, what comes behind it."""

import numpy as np

from diagnostics.diagnosis.case import RECENT, Case, Finding
from diagnostics.diagnosis.rule import Rule
from diagnostics.diagnosis.way import Floats

ROUNDED = 1e-6
"""Of a weight: an update that is smaller is lost in rounding."""


def _unzeroed(case: Case) -> Finding | None:
    if not case.subject.unzeroed:
        return None
    return case.throughout(
        "When a backward pass begins, gradients of steps before still lie there: they are summed "
        "up over all steps and never set to 0.",
    )


def _unmoved(case: Case) -> Finding | None:
    update, weight = (case.batch.metric(key) for key in ("update_norm", "weight_norm"))
    if len(case.batch) < 3 or (update > 0).any():
        return None
    if (np.ptp(weight, axis=0) > 0).any():  # somebody copies weights, as of masters in float32
        return None
    if case.subject.unmoved or _should_move(case):
        return case.throughout(
            "Gradients come, and no step of the optimizer changes a weight of this model: it was "
            "made of other parameters.",
        )
    computed, applied = (case.batch.metric(f"{key}_grad_norm") for key in ("weight", "clipped"))
    nothing = not np.nan_to_num(applied).any() and not (computed == 0).all()
    if nothing and (update[-1] == 0).any():
        return case.throughout(
            "The optimizer steps, and finds no gradient: zero_grad() comes between backward() and "
            "its step, or the loss is cut off from the weights.",
        )
    return None


def _should_move(case: Case) -> bool:
    """Whether the learning rate and the gradients are such that weights would be seen to change."""
    lr = case.batch.scalar("lr")[:, None]
    gradient, weight = (case.batch.metric(key) for key in ("clipped_grad_norm", "weight_norm"))
    expected = lr * (gradient > 0) if case.subject.scales_steps else lr * gradient / weight
    return bool((np.nan_to_num(expected)[-RECENT:] > ROUNDED).any(axis=1).all())


def _dead_output(case: Case) -> Finding | None:
    """A last layer behind which all is 0 gets no gradient, and nothing before it either."""
    signal = case.batch.metric("signal_grad_norm")[-RECENT:]
    nothing = case.batch.metric("sparsity")[-RECENT:, -1] == 1
    if len(signal) < RECENT or not nothing.all() or signal.any():
        return None
    return Finding(
        "Every output is 0 for every sample: no gradient leaves the loss, and no layer learns.",
        (case.batch.layers,),
        _silent(case) == 1,
        {},
    )


def _silent(case: Case) -> Floats:
    """The share of outputs that are 0, [steps]."""
    return np.asarray(np.nan_to_num(case.batch.metric("sparsity")[:, -1]))


UNZEROED = Rule(
    key="unzeroed",
    title="Gradients never set to 0",
    severity="ill",
    help="backward passes that add to the gradients of steps already taken",
    find=_unzeroed,
    tone="exploding",
    silences=(
        "too_large",
        "exploding",
        "dead",
        "born_dead",
        "dying",
        "saturated",
        "vanishing",
        "stalled",
        "clipping_always",
        "dead_output",
    ),
    advice=(("Each step", "call optimizer.zero_grad() before loss.backward()"),),
)

UNMOVED = Rule(
    key="unmoved",
    title="Nothing is moved",
    severity="ill",
    help="no step changes a weight: the optimizer is of another model, or finds no gradient",
    find=_unmoved,
    chart="update_ratio",
    silences=("stalled", "dying", "vanishing"),
    advice=(
        ("Optimizer", "make it of this model's parameters(), after moving or copying it"),
        ("Each step", "zero_grad(), backward(), step(), in this order"),
    ),
)

DEAD_OUTPUT = Rule(
    key="dead_output",
    title="Dead output",
    severity="ill",
    help=f"all outputs 0 for every sample of the last {RECENT} steps, and no gradient anywhere",
    find=_dead_output,
    chart="dead",
    silences=("dead", "born_dead", "dying", "stalled", "unmoved", "vanishing"),
    advice=(("Last layer", "no ReLU behind it; what comes out should go to the loss as it is"),),
)
