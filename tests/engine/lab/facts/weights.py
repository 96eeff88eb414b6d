"""Facts of the lessons on how gradients shrink on their way."""

import numpy as np

from tests.engine.lab.facts.shown import Fact, Scenes, Shown

TENTH = 1.0
"""A power of ten."""


def _falls_per_layer(s: Scenes) -> bool:
    return 0.27 < 1 - s["Glorot"].factor < 0.33


def _moves(s: Scenes) -> bool:
    """At the first step and at the last."""
    shown = s["Ten sigmoid layers"]
    ratios = np.array([shown.at(1, "update_ratio"), shown.end("update_ratio")])
    near, less = ratios[:, -1], ratios[:, -1] / ratios[:, 0]
    return bool(((near > 3e-3) & (near < 3e-2) & (less > 1e5) & (less < 1e6)).all())


def _ten_speeds(s: Scenes) -> bool:
    shown = s["Ten sigmoid layers"]
    speeds = shown.at(1, "update_ratio")
    rising = bool((np.diff(speeds) > 0).all()) and speeds[0] < 1e-6
    return rising and shown.first == shown.last == "vanishing"


def _spread(shown: Shown) -> float:
    """The last layer's over the first one's, before training."""
    std = shown.at(0, "activation_std")
    return float(std[-1] / std[0])


def _flat(values: np.ndarray) -> bool:
    return bool(np.ptp(np.log10(values)) < TENTH)


def _shrinks_both_ways(s: Scenes) -> bool:
    shown = s["Signal gradient"]
    back, forth = shown.decades()[0], np.log10(_spread(shown))
    return bool(back < -4 and abs(back - forth) < TENTH)


WEIGHTS: dict[str, Fact] = {
    # speeds
    "Near the output a step moves the weights by a hundredth, near the input by hundreds of "
    "thousands of times less.": _moves,
    "The first layers stand still, and the network only guesses.": lambda s: (
        s["Ten sigmoid layers"].end("update_ratio")[0] < 1e-6 and s["Ten sigmoid layers"].guesses
    ),
    "Now you have seen ten layers learn at ten speeds, the first one hardly at all.": _ten_speeds,
    # glorot
    "Before training, layer 1 receives 1/200 of the last layer's gradient with the old ones.": (
        lambda s: 150 < 10 ** -s["Uniform ±1/√n"].decades()[0] < 250
    ),
    "With Glorot's Var(W) = 2/(n_in + n_out) it receives almost a third.": lambda s: (
        0.25 < 10 ** s["Glorot"].decades()[0] < 0.34
    ),
    "Switch the chart to activation: its spread falls to an eighth from layer 1 to 10, or only to "
    "two fifths.": lambda s: (
        7 < 1 / _spread(s["Uniform ±1/√n"]) < 9 and 0.35 < _spread(s["Glorot"]) < 0.45
    ),
    "Now you have seen a gradient shrink at every tanh, and a network that hardly learns.": (
        lambda s: (
            bool((np.diff(s["Uniform ±1/√n"].decades()) > 0).all())
            and s["Uniform ±1/√n"].first == "vanishing"
            and s["Uniform ±1/√n"].accuracy < 0.6
        )
    ),
    "Now you have seen the same network learn: only its first weights were others.": lambda s: (
        s["Glorot"].last == "healthy"
        and s["Glorot"].accuracy > 0.95
        and s["Glorot"].config == s["Uniform ±1/√n"].config.changed(init="glorot_normal")
    ),
    # he
    "A ReLU stops half of what comes back; Glorot ignores that, and the gradient loses 30% at "
    "every layer.": _falls_per_layer,
    "He doubles the variance, and the line is flat.": lambda s: abs(1 - s["He"].factor) < 0.03,
    "After 500 steps one reads digits and the other guesses.": lambda s: (
        len(s["He"].batch) == 500 and s["He"].accuracy > 0.85 and s["Glorot"].guesses
    ),
    "Now you have seen thirty layers learn nothing: the first ones began with less than 1/10,000 "
    "of the gradient.": lambda s: (
        s["Glorot"].guesses
        and s["Glorot"].first == "vanishing"
        and s["Glorot"].last in ("vanishing", "stalled")
        and s["Glorot"].decades()[0] < -4
    ),
    "Now you have seen the same thirty layers learn, with first weights √2 times as large.": (
        lambda s: (
            s["He"].first == s["He"].last == "healthy"
            and s["He"].accuracy > 0.85
            and abs(_sizes(s) - np.sqrt(2)) < 0.02
        )
    ),
    # lie
    "This is the sick network of the lesson before, seen by its weight gradients.": lambda s: (
        s["Weight gradient"].first == "vanishing"
    ),
    "Before training they are flat, and most tools would call it healthy.": lambda s: _flat(
        s["Weight gradient"].at(0, "weight_grad_norm")
    ),
    "For the backward signal shrinks towards the input just as the forward signal shrinks "
    "towards the output.": _shrinks_both_ways,
    "Switch to the signal gradient ∂L/∂z, and the fall by four powers of ten is there.": lambda s: (
        -4.8 < s["Signal gradient"].decades()[0] < -4
    ),
    "Now you have seen a sick network whose weight gradients look well.": lambda s: (
        s["Weight gradient"].last == "vanishing"
        and _flat(s["Weight gradient"].at(1, "weight_grad_norm"))
    ),
    "Now you have seen the same network by the gradient that tells.": lambda s: (
        s["Signal gradient"].config == s["Weight gradient"].config
        and s["Signal gradient"].last == "vanishing"
    ),
}


def _sizes(s: Scenes) -> float:
    """He's weights over Glorot's, in the last hidden layer."""
    he, glorot = (s[label].at(0, "weight_norm")[-1] for label in ("He", "Glorot"))
    return float(he / glorot)
