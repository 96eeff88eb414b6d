"""Facts of the lessons on normalization, residual connections, clipping and regularization."""

import numpy as np

from tests.engine.lab.facts.shown import Fact, Scenes, Shown


def _all_weights_are_one(s: Scenes) -> bool:
    """At every time step they change by the same."""
    ratios = s["By norm"].at(1, "update_ratio")
    return bool(np.allclose(ratios, ratios[0], rtol=1e-4))


def _saved(shown: Shown) -> bool:
    """Healthy at the end, clipped at first and in none of the last 200 steps."""
    found = {diagnosis.rule for diagnosis in shown.after}
    early = shown.cut.any() and not shown.cut[-200:].any()
    return bool(early) and shown.last == "healthy" and "clipping_earlier" in found


def _largest(shown: Shown) -> float:
    signal = shown.batch.metric("signal_grad_norm").astype(np.float64)
    return float(signal[np.isfinite(signal)].max())


def _regular(s: Scenes, label: str) -> bool:
    """A gap less than a quarter of what it is with nothing, and nothing said against it."""
    return s[label].gap < s["Nothing"].gap / 4 and s[label].last == "healthy"


REMEDIES: dict[str, Fact] = {
    # batch norm
    "Thirty ReLU layers with Glorot's weights do not learn.": lambda s: (
        s["Without"].guesses and s["Without"].first == s["Without"].last == "vanishing"
    ),
    "Before the first step the gradient now grows by a fifth at every layer towards the input, "
    "as theory says.": lambda s: 0.17 < s["Batch norm"].factor - 1 < 0.25,
    "Train: ten steps calm it, and the network learns.": lambda s: bool(
        s["Batch norm"].decades(10)[0] < 1 and s["Batch norm"].accuracy > 0.85
    ),
    "Now you have seen thirty layers learn nothing.": lambda s: (
        s["Without"].guesses and s["Without"].last == "vanishing"
    ),
    "Now you have seen an explosion by a factor of hundreds end within ten steps.": lambda s: bool(
        100 < 10 ** s["Batch norm"].decades()[0] < 1000
        and abs(s["Batch norm"].decades(10)[0]) < 1
        and s["Batch norm"].first == "bn_explosion"
        and s["Batch norm"].last == "healthy"
    ),
    # residual
    "Plain, fifty tanh layers lose twelve powers of ten.": lambda s: (
        round(s["Plain"].decades()[0]) == -12
    ),
    "With the road nothing is lost: layer 1 receives even more than the last.": lambda s: (
        0 < s["Residual"].decades()[0] < 2
    ),
    "Now you have seen fifty layers learn nothing.": lambda s: (
        s["Plain"].first == s["Plain"].last == "vanishing" and s["Plain"].guesses
    ),
    "Now you have seen the same fifty layers learn, around which a road leads.": lambda s: (
        s["Residual"].last == "healthy" and s["Residual"].accuracy > 0.9
    ),
    # clipping
    "With this learning rate the loss diverges within twenty steps.": lambda s: (
        s["Off"].last == "diverged" and s["Off"].summary.steps <= 20
    ),
    "Clipping limits the gradient, and rescues the same network.": lambda s: (
        min(s["By norm"].accuracy, s["By value"].accuracy) > 0.95
        and {s["By norm"].config.lr, s["By value"].config.lr} == {s["Off"].config.lr}
    ),
    "By norm the whole gradient is shortened to the threshold: its direction stays.": lambda s: (
        bool((s["By norm"].batch.scalar("clipped_norm") <= 1.0001).all())
        and bool((s["By norm"].batch.scalar("clip_cosine") > 0.9999).all())
    ),
    "By value each entry is cut alone, and the gradient is turned: read the angle.": lambda s: bool(
        np.degrees(np.arccos(s["By value"].batch.scalar("clip_cosine").min())) > 30
    ),
    "Now you have seen a gradient pass 10¹² and stop being a number.": lambda s: (
        s["Off"].last == "diverged" and _largest(s["Off"]) > 1e12
    ),
    "Now you have seen it saved: clipped at first, and in none of the last 200 steps.": lambda s: (
        _saved(s["By norm"])
    ),
    "Now you have seen it saved by turned gradients, and none of the last 200 turned.": lambda s: (
        _saved(s["By value"])
    ),
    # rnn
    "A recurrent network reads a digit row by row; the chart now runs over time.": lambda s: (
        s["Off"].config.recurrent and s["Off"].config.layer_word == "time step"
    ),
    "The same weights act at every step: a gradient that grows, grows like a power.": (
        _all_weights_are_one
    ),
    "Sooner or later it explodes, and the run ends.": lambda s: s["Off"].last == "diverged",
    "Clipping by norm was invented for this network, and rescues it.": lambda s: (
        s["By norm"].summary.state == "finished" and s["By norm"].accuracy > 0.9
    ),
    "Now you have seen one step too far throw everything away.": lambda s: (
        s["Off"].summary.state == "diverged" and s["Off"].guesses
    ),
    "Now you have seen the same network read nine of ten digits, clipped.": lambda s: bool(
        s["By norm"].accuracy > 0.9 and s["By norm"].cut.mean() > 0.1
    ),
    # overfitting
    "Inputs and labels are random: there is nothing to learn but the samples by heart.": lambda s: (
        all(abs(one.accuracy - 0.1) < 0.05 for one in s.values())
    ),
    "Train: the training loss falls to 0 while the held-out loss climbs.": lambda s: (
        s["Nothing"].loss < 0.05
        and s["Nothing"].heldout > 2 * s["Nothing"].batch.scalar("heldout_loss").min()
    ),
    "The shaded gap between them is overfitting, and no gradient looks ill.": lambda s: (
        s["Nothing"].gap > 5 and s["Nothing"].said <= {"overfitting", "healthy", "sparse"}
    ),
    "Weight decay, dropout, max-norm and early stopping each keep the gap small.": lambda s: all(
        _regular(s, label) for label in s if label != "Nothing"
    ),
    "Now you have seen 1,500 samples learned by heart, and nothing understood.": lambda s: bool(
        s["Nothing"].last == "overfitting"
        and s["Nothing"].batch.scalar("accuracy")[-20:].mean() > 0.99
        and s["Nothing"].accuracy < 0.15
    ),
    "Now you have seen small weights remember little.": lambda s: bool(
        _regular(s, "Weight decay")
        and (s["Weight decay"].end("weight_norm") < s["Nothing"].end("weight_norm") / 2).all()
    ),
    "Now you have seen units that come and go remember nothing.": lambda s: (
        _regular(s, "Dropout") and abs(s["Dropout"].loss - np.log(10)) < 0.05
    ),
    "Now you have seen weights of limited length remember little.": lambda s: bool(
        _regular(s, "Max-norm")
        and (s["Max-norm"].end("weight_norm") < s["Nothing"].end("weight_norm") / 2).all()
    ),
    "Now you have seen training end before much was learned by heart.": lambda s: (
        _regular(s, "Early stopping") and s["Early stopping"].summary.steps < 200
    ),
}
