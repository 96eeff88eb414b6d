"""Facts of the lessons on activations and their units."""

import numpy as np

from tests.engine.lab.facts.shown import Fact, Scenes, Shown

SIGMOID, TANH, LARGE, SMALL = (
    "Four sigmoid layers",
    "Tanh, large weights",
    "Learning rate .03",
    "Learning rate .001",
)


def _dead(shown: Shown) -> float:
    return float(shown.end("dead").mean())


def _half_died(shown: Shown) -> bool:
    return 0.35 < _dead(shown) < 0.55 and shown.last == "dead"


def _top_first(s: Scenes) -> bool:
    saturated = s[SIGMOID].batch.metric("saturated")[:, :-1]
    crossed = [np.flatnonzero(layer > 0.5) for layer in saturated.T]
    return len(crossed[3]) > 0 and not any(len(found) for found in crossed[:3])


def _until(shown: Shown, share: float) -> int:
    """The step from which on so many held-out samples are read."""
    return int((shown.batch.scalar("heldout_accuracy") > share).argmax()) + 1


def _climbs(shown: Shown) -> bool:
    """Training and held-out loss both end far above the best they had been."""
    loss, heldout = shown.batch.scalar("loss"), shown.batch.scalar("heldout_loss")
    best = int(heldout.argmin())
    then = loss[max(0, best - 9) : best + 10].mean()
    highest = np.convolve(loss[best:], np.ones(20) / 20, "valid").max()
    return bool(highest > 10 * then and heldout[-1] > 10 * heldout[best])


def _near_one(s: Scenes) -> bool:
    return bool((np.abs(s["SELU"].at(0, "activation_std") - 1) < 0.1).all())


def _in_between(s: Scenes) -> bool:
    relu, elu, selu = (s[k].at(0, "activation_std")[-1] for k in ("ReLU", "ELU", "SELU"))
    return bool(relu < 1e-5 and 0.02 < elu < 0.1 and selu > 0.9)


UNITS: dict[str, Fact] = {
    # saturation
    "Train, and look how many activations are stuck: the last hidden layer goes first.": _top_first,
    "Within three hundred steps its sigmoids are driven to the lower end, 0.": lambda s: bool(
        s[SIGMOID].at(300, "saturated")[3] > 0.5 and s[SIGMOID].at(300, "activation_mean")[3] < 0.06
    ),
    "At 0 the slope is almost 0 too, and the network cannot leave.": lambda s: bool(
        s[SIGMOID].end("saturated")[3] > 0.9 and s[SIGMOID].guesses
    ),
    "Now you have seen a top layer shut, and a network that guesses to the end.": lambda s: (
        s[SIGMOID].last == "saturated"
        and bool((s[SIGMOID].batch.scalar("heldout_accuracy")[300:] < 0.2).all())
    ),
    # nonsaturating
    "Large weights: three of four tanh sit at −1 or 1, where the slope is almost 0.": lambda s: (
        bool((np.abs(s[TANH].at(0, "saturated") - 0.77) < 0.05).all())
    ),
    "Train both: one reads half of the digits, the other nineteen of twenty.": lambda s: (
        0.4 < s[TANH].accuracy < 0.65 and s["ReLU"].accuracy > 0.94
    ),
    "Now you have seen saturated units learn slowly, and stay saturated.": lambda s: (
        s[TANH].first == s[TANH].last == "saturated"
        and bool((s[TANH].end("saturated") > s[TANH].at(0, "saturated")).all())
    ),
    "Now you have seen five layers that cannot saturate learn in 300 steps.": lambda s: (
        s["ReLU"].last == "healthy" and s["ReLU"].accuracy > 0.9
    ),
    # dying
    "Train with this large learning rate and watch layer 1: each row is a unit, dark from when "
    "it dies.": lambda s: s[LARGE].end("dead")[0] > 0.5,
    "A dead unit is 0 for every sample, and no gradient passes it.": lambda s: bool(
        (s[LARGE].end("sparsity") >= s[LARGE].end("dead") - 0.01).all()
    ),
    "In layer 1 none comes back; higher up the layers below may wake one.": lambda s: (
        s[LARGE].revived(1) == 0 and s[LARGE].revived(2) > 0.3
    ),
    "Almost half of the units die, and the accuracy does not tell.": lambda s: (
        _half_died(s[LARGE]) and s[SMALL].accuracy - s[LARGE].accuracy < 0.08
    ),
    "Now you have seen almost half of a network die while it reads nine of ten digits.": (
        lambda s: _half_died(s[LARGE]) and s[LARGE].accuracy > 0.9
    ),
    "Now you have seen smaller steps leave nearly every unit alive.": lambda s: (
        _dead(s[SMALL]) < 0.1 and s[SMALL].last == "healthy"
    ),
    # leaky
    "The same network and learning rate, with a leak: max(αz, z).": lambda s: (
        s["ReLU"].config.changed(activation="leaky_relu") == s["α = 0.01"].config
    ),
    "Below 0 the slope is α instead of 0, so no unit can die, and the strip stays empty.": (
        lambda s: (
            not any(s[label].batch.metric("dead")[:, :-1].any() for label in s if "α" in label)
        )
    ),
    "Against steps that are too large a leak does not help: with α = 0.3 the loss climbs again.": (
        lambda s: _climbs(s["α = 0.3"])
    ),
    "Now you have seen almost half of the ReLUs die.": lambda s: _half_died(s["ReLU"]),
    "Now you have seen the same steps kill not one unit.": lambda s: (
        not s["α = 0.01"].end("dead").any()
    ),
    "Now you have seen no unit die, and the loss climb: the steps were too large.": lambda s: (
        not s["α = 0.3"].end("dead").any()
        and _climbs(s["α = 0.3"])
        and "overfitting" not in s["α = 0.3"].said
    ),
    # selu
    "Fifty layers, LeCun's weights, no normalization: the chart shows activations.": lambda s: all(
        (one.config.depth, one.config.init, one.config.norm) == (50, "lecun_normal", "none")
        for one in s.values()
    ),
    "With SELU their spread starts near 1 in every layer, as if the network normalized itself.": (
        _near_one
    ),
    "With ReLU and the same weights it dies out; ELU lies in between.": _in_between,
    "Now you have seen fifty plain layers learn.": lambda s: (
        s["SELU"].last == "healthy" and s["SELU"].accuracy > 0.9
    ),
    "Now you have seen ELU learn as well, but take much longer.": lambda s: (
        s["ELU"].last == "healthy"
        and s["ELU"].accuracy > 0.8
        and all(_until(s["ELU"], share) >= 1.5 * _until(s["SELU"], share) for share in (0.5, 0.8))
    ),
    "Now you have seen fifty ReLU layers with the same weights learn nothing.": lambda s: (
        s["ReLU"].first == s["ReLU"].last == "vanishing" and s["ReLU"].guesses
    ),
}
