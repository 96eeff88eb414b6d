"""What the lessons say, each sentence with what must be measured where it is true.

``FACTS`` asks the scenes of a lesson, by their labels; ``UNMEASURED`` is what a run can't tell.
"""

from tests.engine.lab.facts.remedies import REMEDIES
from tests.engine.lab.facts.shown import Fact
from tests.engine.lab.facts.units import UNITS
from tests.engine.lab.facts.weights import WEIGHTS

FACTS: dict[str, Fact] = WEIGHTS | UNITS | REMEDIES

UNMEASURED = {
    # to do
    "Train, and look at how fast each layer learns.",
    "Train with the old uniform weights, then with Glorot's.",
    "Train 30 ReLU layers with Glorot's weights, then with He's.",
    "Switch batch norm on.",
    # history
    "Unstable gradients are why deep networks were given up for so long.",
    "Notes that print a minus in that formula carry a typo.",
    # by definition
    "A ReLU does not saturate above 0, and costs next to nothing to compute.",
    "Alpha says how much it leaks: 0.01 is usual, 0.3 is nearer to linear.",
    "Each layer adds to its input instead of replacing it: the gradient gets a road of its own.",
    # the papers' explanation
    "For that is the quickest way to silence what the random layers below send.",
}
