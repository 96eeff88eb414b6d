"""Lessons 5 to 9: what activations do to units, and how others spare them."""

from diagnostics.subject.lessons.lesson import Lesson, Scene, Sentence

_ADAM = "init=he_normal depth=3 width=128 optimizer=adam steps=500"
_SELU = "init=lecun_normal depth=50 width=128 lr=0.01 steps=600"

UNITS = (
    Lesson(
        "saturation",
        "The sigmoid's top layer saturates",
        (
            Sentence(
                "Train, and look how many activations are stuck: the last hidden layer goes first.",
                ("saturated",),
            ),
            Sentence(
                "Within three hundred steps its sigmoids are driven to the lower end, 0.",
                ("saturated",),
            ),
            Sentence(
                "For that is the quickest way to silence what the random layers below send.",
                ("saturated",),
            ),
            Sentence(
                "At 0 the slope is almost 0 too, and the network cannot leave.",
                ("saturated", "loss"),
            ),
        ),
        "Glorot & Bengio 2010, figure 2",
        (
            Scene(
                "Four sigmoid layers",
                "activation=sigmoid depth=4 width=100 lr=0.5 batch_size=10 steps=1000",
                "Now you have seen a top layer shut, and a network that guesses to the end.",
                shows="saturated",
            ),
        ),
    ),
    Lesson(
        "nonsaturating",
        "Nonsaturating activations",
        (
            Sentence(
                "Large weights: three of four tanh sit at −1 or 1, where the slope is almost 0.",
                ("saturated",),
            ),
            Sentence("A ReLU does not saturate above 0, and costs next to nothing to compute."),
            Sentence(
                "Train both: one reads half of the digits, the other nineteen of twenty.", ("loss",)
            ),
        ),
        "Glorot, Bordes & Bengio 2011",
        (
            Scene(
                "Tanh, large weights",
                "activation=tanh init=normal init_std=1 depth=5 steps=300",
                "Now you have seen saturated units learn slowly, and stay saturated.",
                shows="saturated",
            ),
            Scene(
                "ReLU",
                "activation=relu init=he_normal depth=5 steps=300",
                "Now you have seen five layers that cannot saturate learn in 300 steps.",
                shows="healthy",
                spares="saturated",
            ),
        ),
    ),
    Lesson(
        "dying",
        "Dying ReLUs",
        (
            Sentence(
                "Train with this large learning rate and watch layer 1: each row is a unit, dark "
                "from when it dies.",
                ("units",),
            ),
            Sentence("A dead unit is 0 for every sample, and no gradient passes it.", ("dead",)),
            Sentence(
                "In layer 1 none comes back; higher up the layers below may wake one.",
                ("units", "dead"),
            ),
            Sentence("Almost half of the units die, and the accuracy does not tell.", ("dead",)),
        ),
        "Lu et al. 2019; Maas, Hannun & Ng 2013",
        (
            Scene(
                "Learning rate .03",
                f"{_ADAM} activation=relu lr=0.03",
                "Now you have seen almost half of a network die while it reads nine of ten digits.",
                shows="dead",
                panel="units",
            ),
            Scene(
                "Learning rate .001",
                f"{_ADAM} activation=relu lr=0.001",
                "Now you have seen smaller steps leave nearly every unit alive.",
                shows="healthy",
                spares="dead",
                panel="units",
            ),
        ),
    ),
    Lesson(
        "leaky",
        "Leaky ReLU and its alpha",
        (
            Sentence("The same network and learning rate, with a leak: max(αz, z)."),
            Sentence(
                "Below 0 the slope is α instead of 0, so no unit can die, and the strip stays "
                "empty.",
                ("units", "dead"),
            ),
            Sentence("Alpha says how much it leaks: 0.01 is usual, 0.3 is nearer to linear."),
            Sentence(
                "Against steps that are too large a leak does not help: with α = 0.3 the loss "
                "climbs again.",
                ("loss",),
            ),
        ),
        "Maas, Hannun & Ng 2013; Xu et al. 2015",
        (
            Scene(
                "ReLU",
                f"{_ADAM} lr=0.03 activation=relu",
                "Now you have seen almost half of the ReLUs die.",
                shows="dead",
                panel="units",
            ),
            Scene(
                "α = 0.01",
                f"{_ADAM} lr=0.03 activation=leaky_relu",
                "Now you have seen the same steps kill not one unit.",
                spares="dead",
                panel="units",
            ),
            Scene(
                "α = 0.3",
                f"{_ADAM} lr=0.03 activation=leaky_relu alpha=0.3",
                "Now you have seen no unit die, and the loss climb: the steps were too large.",
                spares="dead",
            ),
        ),
    ),
    Lesson(
        "selu",
        "ELU, SELU and self-normalization",
        (
            Sentence(
                "Fifty layers, LeCun's weights, no normalization: the chart shows activations.",
                ("lead",),
            ),
            Sentence(
                "With SELU their spread starts near 1 in every layer, as if the network "
                "normalized itself.",
                ("lead",),
            ),
            Sentence("With ReLU and the same weights it dies out; ELU lies in between.", ("lead",)),
        ),
        "Klambauer et al. 2017; Clevert et al. 2016",
        (
            Scene(
                "SELU",
                f"{_SELU} activation=selu",
                "Now you have seen fifty plain layers learn.",
                shows="healthy",
                view="activation",
            ),
            Scene(
                "ELU",
                f"{_SELU} activation=elu",
                "Now you have seen ELU learn as well, but take much longer.",
                view="activation",
            ),
            Scene(
                "ReLU",
                f"{_SELU} activation=relu",
                "Now you have seen fifty ReLU layers with the same weights learn nothing.",
                shows="vanishing",
                view="activation",
            ),
        ),
    ),
)
