"""Lessons 1 to 4: how gradients shrink on their way, and what the first weights do to it."""

from diagnostics.subject.lessons.lesson import Lesson, Scene, Sentence

_TANH = "activation=tanh depth=10 width=128 lr=0.05 steps=500"
_DEEP_RELU = "activation=relu depth=30 width=128 lr=0.01 batch_size=256"
_SICK = f"{_DEEP_RELU} init=glorot_normal"

WEIGHTS = (
    Lesson(
        "speeds",
        "Layers learn at different speeds",
        (
            Sentence("Train, and look at how fast each layer learns.", ("update_ratio",)),
            Sentence(
                "Near the output a step moves the weights by a hundredth, near the input by "
                "hundreds of thousands of times less.",
                ("update_ratio",),
            ),
            Sentence(
                "The first layers stand still, and the network only guesses.",
                ("update_ratio", "loss"),
            ),
            Sentence("Unstable gradients are why deep networks were given up for so long."),
        ),
        "Hochreiter 1991; Bengio, Simard & Frasconi 1994",
        (
            Scene(
                "Ten sigmoid layers",
                "activation=sigmoid depth=10 lr=0.5 steps=500",
                "Now you have seen ten layers learn at ten speeds, the first one hardly at all.",
                shows="vanishing",
            ),
        ),
    ),
    Lesson(
        "glorot",
        "Glorot initialization",
        (
            Sentence("Train with the old uniform weights, then with Glorot's."),
            Sentence(
                "Before training, layer 1 receives 1/200 of the last layer's gradient with the "
                "old ones.",
                ("lead",),
            ),
            Sentence(
                "With Glorot's Var(W) = 2/(n_in + n_out) it receives almost a third.", ("lead",)
            ),
            Sentence(
                "Switch the chart to activation: its spread falls to an eighth from layer 1 to "
                "10, or only to two fifths.",
                ("lead",),
            ),
            Sentence("Notes that print a minus in that formula carry a typo."),
        ),
        "Glorot & Bengio 2010, figures 6 and 7, equation 12",
        (
            Scene(
                "Uniform ±1/√n",
                f"{_TANH} init=torch_default",
                "Now you have seen a gradient shrink at every tanh, and a network that hardly "
                "learns.",
                shows="vanishing",
            ),
            Scene(
                "Glorot",
                f"{_TANH} init=glorot_normal",
                "Now you have seen the same network learn: only its first weights were others.",
                shows="healthy",
                spares="vanishing",
            ),
        ),
    ),
    Lesson(
        "he",
        "Why ReLU needs He",
        (
            Sentence("Train 30 ReLU layers with Glorot's weights, then with He's."),
            Sentence(
                "A ReLU stops half of what comes back; Glorot ignores that, and the gradient "
                "loses 30% at every layer.",
                ("lead",),
            ),
            Sentence("He doubles the variance, and the line is flat.", ("lead",)),
            Sentence("After 500 steps one reads digits and the other guesses.", ("loss",)),
        ),
        "He et al. 2015, figure 3",
        (
            Scene(
                "Glorot",
                f"{_SICK} steps=500",
                "Now you have seen thirty layers learn nothing: the first ones began with less "
                "than 1/10,000 of the gradient.",
                shows="vanishing",
            ),
            Scene(
                "He",
                f"{_DEEP_RELU} init=he_normal steps=500",
                "Now you have seen the same thirty layers learn, with first weights √2 times as "
                "large.",
                shows="healthy",
                spares="vanishing",
            ),
        ),
        "init=glorot_normal,he_normal&activation=relu,tanh,sigmoid&depth=5:30:5&steps=100",
    ),
    Lesson(
        "lie",
        "The chart that lies",
        (
            Sentence(
                "This is the sick network of the lesson before, seen by its weight gradients.",
                ("lead",),
            ),
            Sentence(
                "Before training they are flat, and most tools would call it healthy.", ("lead",)
            ),
            Sentence(
                "For the backward signal shrinks towards the input just as the forward signal "
                "shrinks towards the output.",
                ("lead",),
            ),
            Sentence(
                "Switch to the signal gradient ∂L/∂z, and the fall by four powers of ten is there.",
                ("lead",),
            ),
        ),
        "Glorot & Bengio 2010, section 4.2.2",
        (
            Scene(
                "Weight gradient",
                f"{_SICK} steps=100",
                "Now you have seen a sick network whose weight gradients look well.",
                shows="vanishing",
                view="weight",
            ),
            Scene(
                "Signal gradient",
                f"{_SICK} steps=100",
                "Now you have seen the same network by the gradient that tells.",
                shows="vanishing",
            ),
        ),
    ),
)
