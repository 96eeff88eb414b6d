"""Lessons 10 to 14: normalization, roads around layers, clipping, regularization."""

from diagnostics.subject.lessons.lesson import Lesson, Scene, Sentence

_NORM = "activation=relu init=glorot_normal depth=30 width=128 lr=0.05 steps=300"
_RESIDUAL = "activation=tanh init=torch_default depth=50 width=64 lr=0.02 steps=400"
_CLIP = "activation=relu init=he_normal depth=3 width=128 lr=1.5 steps=600"
_RNN = "architecture=rnn activation=relu init=orthogonal width=64 lr=1 steps=400"
_RANDOM = (
    "dataset=gaussian activation=relu init=he_normal depth=3 width=64 "
    "optimizer=adamw lr=0.003 steps=600"
)

REMEDIES = (
    Lesson(
        "batch_norm",
        "Batch normalization cures, yet explodes",
        (
            Sentence("Thirty ReLU layers with Glorot's weights do not learn.", ("lead", "loss")),
            Sentence("Switch batch norm on."),
            Sentence(
                "Before the first step the gradient now grows by a fifth at every layer towards "
                "the input, as theory says.",
                ("lead",),
            ),
            Sentence("Train: ten steps calm it, and the network learns.", ("heat", "loss")),
        ),
        "Ioffe & Szegedy 2015; Yang et al. 2019",
        (
            Scene(
                "Without",
                _NORM,
                "Now you have seen thirty layers learn nothing.",
                shows="vanishing",
            ),
            Scene(
                "Batch norm",
                f"{_NORM} norm=batch",
                "Now you have seen an explosion by a factor of hundreds end within ten steps.",
                shows="bn_explosion",
                spares="vanishing",
            ),
        ),
    ),
    Lesson(
        "residual",
        "Residual connections",
        (
            Sentence(
                "Each layer adds to its input instead of replacing it: the gradient gets a road "
                "of its own."
            ),
            Sentence("Plain, fifty tanh layers lose twelve powers of ten.", ("lead",)),
            Sentence(
                "With the road nothing is lost: layer 1 receives even more than the last.",
                ("lead",),
            ),
        ),
        "He et al. 2016; Yang & Schoenholz 2017",
        (
            Scene(
                "Plain",
                _RESIDUAL,
                "Now you have seen fifty layers learn nothing.",
                shows="vanishing",
            ),
            Scene(
                "Residual",
                f"{_RESIDUAL} residual=true",
                "Now you have seen the same fifty layers learn, around which a road leads.",
                shows="healthy",
                spares="vanishing",
            ),
        ),
    ),
    Lesson(
        "clipping",
        "Gradient clipping, by norm and by value",
        (
            Sentence("With this learning rate the loss diverges within twenty steps.", ("clip",)),
            Sentence("Clipping limits the gradient, and rescues the same network.", ("clip",)),
            Sentence(
                "By norm the whole gradient is shortened to the threshold: its direction stays.",
                ("clip",),
            ),
            Sentence(
                "By value each entry is cut alone, and the gradient is turned: read the angle.",
                ("clip",),
            ),
        ),
        "Pascanu, Mikolov & Bengio 2013, algorithm 1",
        (
            Scene(
                "Off",
                _CLIP,
                "Now you have seen a gradient pass 10¹² and stop being a number.",
                shows="diverged",
                panel="clipping",
            ),
            Scene(
                "By norm",
                f"{_CLIP} clip=norm",
                "Now you have seen it saved: clipped at first, and in none of the last 200 steps.",
                shows="clipping_earlier",
                spares="diverged",
                panel="clipping",
            ),
            Scene(
                "By value",
                f"{_CLIP} clip=value clip_threshold=0.01",
                "Now you have seen it saved by turned gradients, and none of the last 200 turned.",
                shows="clipping_earlier",
                spares="diverged",
                panel="clipping",
            ),
        ),
    ),
    Lesson(
        "rnn",
        "The exploding recurrent network",
        (
            Sentence(
                "A recurrent network reads a digit row by row; the chart now runs over time.",
                ("lead",),
            ),
            Sentence(
                "The same weights act at every step: a gradient that grows, grows like a power.",
                ("lead",),
            ),
            Sentence("Sooner or later it explodes, and the run ends.", ("clip",)),
            Sentence("Clipping by norm was invented for this network, and rescues it.", ("clip",)),
        ),
        "Pascanu, Mikolov & Bengio 2013, figure 6; Elman 1990",
        (
            Scene(
                "Off",
                _RNN,
                "Now you have seen one step too far throw everything away.",
                shows="diverged",
                panel="clipping",
            ),
            Scene(
                "By norm",
                f"{_RNN} clip=norm",
                "Now you have seen the same network read nine of ten digits, clipped.",
                spares="diverged",
                panel="clipping",
            ),
        ),
    ),
    Lesson(
        "overfitting",
        "Overfitting",
        (
            Sentence(
                "Inputs and labels are random: there is nothing to learn but the samples by heart."
            ),
            Sentence(
                "Train: the training loss falls to 0 while the held-out loss climbs.", ("loss",)
            ),
            Sentence(
                "The shaded gap between them is overfitting, and no gradient looks ill.",
                ("loss", "lead"),
            ),
            Sentence(
                "Weight decay, dropout, max-norm and early stopping each keep the gap small.",
                ("loss",),
            ),
        ),
        "Zhang et al. 2017, figure 1; Srivastava et al. 2014; Prechelt 1998",
        (
            Scene(
                "Nothing",
                _RANDOM,
                "Now you have seen 1,500 samples learned by heart, and nothing understood.",
                shows="overfitting",
            ),
            Scene(
                "Weight decay",
                f"{_RANDOM} weight_decay=3",
                "Now you have seen small weights remember little.",
                spares="overfitting",
            ),
            Scene(
                "Dropout",
                f"{_RANDOM} dropout=0.5",
                "Now you have seen units that come and go remember nothing.",
                spares="overfitting",
            ),
            Scene(
                "Max-norm",
                f"{_RANDOM} max_norm=0.5",
                "Now you have seen weights of limited length remember little.",
                spares="overfitting",
            ),
            Scene(
                "Early stopping",
                f"{_RANDOM} early_stopping=50",
                "Now you have seen training end before much was learned by heart.",
                spares="overfitting",
            ),
        ),
    ),
)
