"""Sweeps worth a look, each with what there is to see."""

from typing import NamedTuple


class Preset(NamedTuple):
    """A sweep by its words; ``source`` says who saw it first."""

    title: str
    words: str
    seen: str
    source: str = ""

    @property
    def query(self) -> str:
        """Of a link to it."""
        return "&".join(self.words.split())


PRESETS = (
    Preset(
        "Which initialization for which activation?",
        "init=glorot_normal,he_normal activation=relu,tanh,sigmoid depth=5:30:5 steps=100",
        "He's initialization holds ReLU's gradients at every depth, Glorot's those of tanh; "
        "nothing of the two holds a sigmoid's.",
        "Glorot & Bengio 2010; He et al. 2015",
    ),
    Preset(
        "Order and chaos",
        "gain=0.5:2.45:0.05 depth=2:80:2 init=orthogonal activation=tanh steps=0",
        "Left of the edge gradients vanish, right of it they explode, the faster the deeper the "
        "network: only near the edge can a deep one be trained. It nears a gain of 1 with depth.",
        "Poole et al. 2016; Schoenholz et al. 2017",
    ),
    Preset(
        "How large may steps be?",
        "lr=0.003:10:x3 depth=2:20:3 init=he_normal activation=relu steps=100",
        "The deeper the network, the smaller the learning rate that learns most in these steps; "
        "from about 0.7 on networks of five layers and more diverge, or their units die.",
    ),
    Preset(
        "What normalization repairs",
        "norm=none,batch,layer activation=sigmoid,tanh,relu depth=10:50:10 steps=0",
        "Layer norm holds ReLU's gradients at any depth and lets a sigmoid's vanish; batch norm "
        "holds a sigmoid's, and ReLU's explode slowly, by a fifth a layer.",
        "Yang et al. 2019",
    ),
)
