"""Guided configurations, in the order of the lecture notes: what to do, to see, and to conclude.

Each lesson has scenes to switch between; ``shows`` names the diagnosis that must appear in a scene,
``spares`` one that must not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from diagnostics.subject.config import RunConfig


@dataclass(frozen=True)
class Scene:
    """A configuration, the button that opens it, and what must be diagnosed there."""

    label: str
    words: str
    shows: str = ""
    spares: str = ""
    view: str = "signal"
    panel: str = "run"

    @property
    def config(self) -> RunConfig:
        """What the scene trains."""
        return RunConfig.from_words(self.words.split())


@dataclass(frozen=True)
class Lesson:
    """A lesson: three or four short sentences, where they come from, and its scenes."""

    key: str
    title: str
    sentences: tuple[str, ...]
    source: str
    scenes: tuple[Scene, ...]


def _table(*lessons: Lesson) -> Mapping[str, Lesson]:
    return MappingProxyType({lesson.key: lesson for lesson in lessons})


_DEEP_RELU = "activation=relu depth=30 width=128 lr=0.01 steps=800"
_TANH = "activation=tanh depth=10 width=128 lr=0.05 steps=500"
_DYING = "init=he_normal depth=3 width=128 optimizer=adam steps=500"
_SELU = "init=lecun_normal depth=50 width=128 lr=0.01 steps=300"
_NORM = "activation=relu init=glorot_normal depth=30 width=128 lr=0.05 steps=300"
_RESIDUAL = "activation=tanh init=torch_default depth=50 width=64 lr=0.02 steps=400"
_CLIP = "activation=relu init=he_normal depth=3 width=128 lr=1 steps=500"
_RNN = "architecture=rnn activation=relu init=orthogonal width=64 lr=1 steps=400"
_RANDOM = (
    "dataset=gaussian activation=relu init=he_normal depth=3 width=64 "
    "optimizer=adamw lr=0.003 steps=600"
)

LESSONS = _table(
    Lesson(
        "speeds",
        "Layers learn at different speeds",
        (
            "Press Train and look at the chart Update : weight.",
            "Near the output a step moves the weights by a thousandth, near the input by a "
            "millionth of that: the first layers stand still.",
            "Unstable gradients are why deep networks were given up for so long.",
        ),
        "Hochreiter 1991; Bengio, Simard & Frasconi 1994",
        (
            Scene("Ten sigmoid layers", "activation=sigmoid depth=10 lr=0.5 steps=500",
                  shows="vanishing"),
        ),
    ),
    Lesson(
        "glorot",
        "Glorot initialization",
        (
            "Train with the old uniform weights, then with Glorot's.",
            "With the old ones both the signal and its gradient shrink at every tanh; with "
            "Var(W) = 2/(n_in + n_out) they keep their size.",
            "Switch the chart to activation: the std falls from layer to layer, or does not.",
            "Notes that print a minus in that formula carry a typo.",
        ),
        "Glorot & Bengio 2010, figures 6 and 7, equation 12",
        (
            Scene("Uniform ±1/√n", f"{_TANH} init=torch_default", shows="vanishing"),
            Scene("Glorot", f"{_TANH} init=glorot_normal", shows="healthy", spares="vanishing"),
        ),
    ),
    Lesson(
        "he",
        "Why ReLU needs He",
        (
            "Train 30 ReLU layers with Glorot's weights, then with He's.",
            "A ReLU stops half of the gradient. Glorot ignores that and loses 0.15 decades a "
            "layer; He doubles the variance, and the line is flat.",
            "After 800 steps one reads digits and the other guesses.",
        ),
        "He et al. 2015, figure 3",
        (
            Scene("Glorot", f"{_DEEP_RELU} init=glorot_normal", shows="vanishing"),
            Scene("He", f"{_DEEP_RELU} init=he_normal", shows="healthy", spares="vanishing"),
        ),
    ),
    Lesson(
        "lie",
        "The chart that lies",
        (
            "This is the sick network of the lesson before, seen by its weight gradients.",
            "They are flat, and most tools would call it healthy: the backward signal shrinks "
            "towards the input just as the forward signal shrinks towards the output.",
            "Switch to the signal gradient ∂L/∂z and the fall of four decades is there.",
        ),
        "Glorot & Bengio 2010, section 4.2.2",
        (
            Scene("Weight gradient", f"{_DEEP_RELU} init=glorot_normal", shows="vanishing",
                  view="weight"),
            Scene("Signal gradient", f"{_DEEP_RELU} init=glorot_normal", shows="vanishing"),
        ),
    ),
    Lesson(
        "saturation",
        "The sigmoid's top layer saturates",
        (
            "Train, and look at Saturated activations: the last hidden layer goes first.",
            "Its sigmoids are driven to 0 within a hundred steps, because that is the quickest way "
            "to silence what the random layers below send.",
            "At 0 the slope is almost 0 too, and the network cannot leave.",
        ),
        "Glorot & Bengio 2010, figure 2",
        (
            Scene("Four sigmoid layers",
                  "activation=sigmoid depth=4 width=100 lr=0.5 batch_size=10 steps=1000",
                  shows="saturated"),
        ),
    ),
    Lesson(
        "nonsaturating",
        "Nonsaturating activations",
        (
            "With large weights nearly every tanh sits at −1 or 1, where its slope is almost 0.",
            "A ReLU does not saturate above 0, and costs next to nothing to compute.",
            "Train both; the sentence above the chart tells which one learns.",
        ),
        "Glorot, Bordes & Bengio 2011",
        (
            Scene("Tanh, large weights", "activation=tanh init=normal init_std=1 depth=5 steps=300",
                  shows="saturated"),
            Scene("ReLU", "activation=relu init=he_normal depth=5 steps=300",
                  shows="healthy", spares="saturated"),
        ),
    ),
    Lesson(
        "dying",
        "Dying ReLUs",
        (
            "Train with this large learning rate and watch the units of one layer: each row is a "
            "unit, and it turns dark at the step at which it dies.",
            "A dead unit is 0 for every sample. No gradient passes it, so it hardly comes back.",
            "Almost half of the network is gone, and the accuracy does not tell.",
        ),
        "Lu et al. 2019; Maas, Hannun & Ng 2013",
        (
            Scene("Learning rate .03", f"{_DYING} activation=relu lr=0.03", shows="dead",
                  panel="units"),
            Scene("Learning rate .001", f"{_DYING} activation=relu lr=0.001",
                  shows="healthy", spares="dead", panel="units"),
        ),
    ),
    Lesson(
        "leaky",
        "Leaky ReLU and its alpha",
        (
            "The same network and learning rate, with a leak: max(αz, z).",
            "Below 0 the slope is α instead of 0, so no unit can die, and the strip stays empty.",
            "Alpha says how much the function leaks: 0.01 is usual, 0.3 is nearer to linear.",
        ),
        "Maas, Hannun & Ng 2013; Xu et al. 2015",
        (
            Scene("ReLU", f"{_DYING} activation=relu lr=0.03", shows="dead", panel="units"),
            Scene("α = 0.01", f"{_DYING} activation=leaky_relu lr=0.03", spares="dead",
                  panel="units"),
            Scene("α = 0.3", f"{_DYING} activation=leaky_relu lr=0.03 alpha=0.3", spares="dead",
                  panel="units"),
        ),
    ),
    Lesson(
        "selu",
        "ELU, SELU and self-normalization",
        (
            "Fifty layers with LeCun's weights and no normalization. Switch the chart to "
            "activation.",
            "With SELU the std stays at 1 in every layer, as if the network normalized itself.",
            "With ReLU and the same weights it dies out; ELU lies in between.",
        ),
        "Klambauer et al. 2017; Clevert et al. 2016",
        (
            Scene("SELU", f"{_SELU} activation=selu", shows="healthy", view="activation"),
            Scene("ELU", f"{_SELU} activation=elu", view="activation"),
            Scene("ReLU", f"{_SELU} activation=relu", shows="vanishing", view="activation"),
        ),
    ),
    Lesson(
        "batch_norm",
        "Batch normalization cures, yet explodes",
        (
            "Thirty ReLU layers with Glorot's weights do not learn. Switch batch norm on.",
            "Before the first step the gradient now explodes towards the input: .083 decades a "
            "layer, whatever the weights, as theory says.",
            "Train: a few steps calm it, and the network learns.",
        ),
        "Ioffe & Szegedy 2015; Yang et al. 2019",
        (
            Scene("Without", _NORM, shows="vanishing"),
            Scene("Batch norm", f"{_NORM} norm=batch", shows="bn_explosion", spares="vanishing"),
        ),
    ),
    Lesson(
        "residual",
        "Residual connections",
        (
            "Each layer adds to its input instead of replacing it, and the gradient gets a road of "
            "its own.",
            "Plain, fifty tanh layers lose eleven decades.",
            "With the road there is nothing left to lose.",
        ),
        "He et al. 2016; Yang & Schoenholz 2017",
        (
            Scene("Plain", _RESIDUAL, shows="vanishing"),
            Scene("Residual", f"{_RESIDUAL} residual=true", shows="healthy", spares="vanishing"),
        ),
    ),
    Lesson(
        "clipping",
        "Gradient clipping, by norm and by value",
        (
            "With this learning rate the loss diverges within twenty steps.",
            "Clipping limits the gradient and rescues it; the threshold is the dashed line.",
            "By norm the gradient is shortened, by value it is also turned: read the angle.",
        ),
        "Pascanu, Mikolov & Bengio 2013, algorithm 1",
        (
            Scene("Off", _CLIP, shows="diverged", panel="clipping"),
            Scene("By norm", f"{_CLIP} clip=norm", spares="diverged", panel="clipping"),
            Scene("By value", f"{_CLIP} clip=value clip_threshold=0.01", spares="diverged",
                  panel="clipping"),
        ),
    ),
    Lesson(
        "rnn",
        "The exploding recurrent network",
        (
            "A recurrent network reads a digit row by row; the chart now runs over time.",
            "The same weights act at every step, so that a gradient which grows, grows like a "
            "power.",
            "Clipping by norm was invented for this network, and rescues it.",
        ),
        "Pascanu, Mikolov & Bengio 2013, figure 6; Elman 1990",
        (
            Scene("Off", _RNN, shows="diverged", panel="clipping"),
            Scene("By norm", f"{_RNN} clip=norm", spares="diverged", panel="clipping"),
        ),
    ),
    Lesson(
        "overfitting",
        "Overfitting",
        (
            "Here inputs and labels are random: there is nothing to learn but the samples by "
            "heart. Train, and look at the loss.",
            "The training loss falls to 0 while the held-out loss climbs; the shaded gap between "
            "them is overfitting, and no gradient looks ill.",
            "Weight decay, dropout, max-norm and early stopping each keep the gap small.",
        ),
        "Zhang et al. 2017, figure 1; Srivastava et al. 2014; Prechelt 1998",
        (
            Scene("Nothing", _RANDOM, shows="overfitting"),
            Scene("Weight decay", f"{_RANDOM} weight_decay=3", spares="overfitting"),
            Scene("Dropout", f"{_RANDOM} dropout=0.5", spares="overfitting"),
            Scene("Max-norm", f"{_RANDOM} max_norm=0.3", spares="overfitting"),
            Scene("Early stopping", f"{_RANDOM} early_stopping=50", spares="overfitting"),
        ),
    ),
)  # fmt: skip
