"""What one of several processes has seen of a step, in sums that can be put together."""

from typing import TYPE_CHECKING, NamedTuple

from diagnostics.engine.measure.kernels import Floats, Records
from diagnostics.engine.measure.measured import Measured

if TYPE_CHECKING:
    from diagnostics.engine.measure.parameters import Parameters


class Parts(NamedTuple):
    """Whoever puts them together writes the whole in their place.

    Attributes:
        signals: rows of ``SIZE``, [layers].
        outputs: rows of ``TALLY``, [layers].
        changes: rows of ``CHANGE``, [weights].
        strange: entries that are not finite, [layers].
        parameters: their norms, as they are known of the step.
        step: the rest.
    """

    signals: Records
    outputs: Records
    changes: Records
    strange: Floats
    parameters: "Parameters"
    step: Measured
