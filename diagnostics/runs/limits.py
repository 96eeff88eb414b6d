"""What one person may ask of a server: refused in one sentence before anything is entered."""

from dataclasses import dataclass

from diagnostics.store.settings import Settings
from diagnostics.subject.config import InvalidConfig, RunConfig


class Refused(InvalidConfig):
    """More than this server allows: one sentence with what is allowed."""


@dataclass(frozen=True)
class Limits:
    """Of a server; 0 for none.

    Attributes:
        turn: seconds that a run may keep its worker while others wait.
        runs_each: that one person may have waiting, training or paused.
        steps: of a run.
        seconds: of training, of a run.
        units: depth × width of a network.
        megabytes: of the store.
    """

    turn: float = 60.0
    runs_each: int = 0
    steps: int = 0
    seconds: float = 0.0
    units: int = 0
    megabytes: int = 0

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """What the settings say."""
        return cls(
            settings.turn,
            settings.most_runs,
            settings.most_steps,
            settings.most_seconds,
            settings.most_units,
            settings.most_megabytes,
        )

    def check(self, config: RunConfig, runs: int, size: int) -> None:
        """Whether a run may be entered.

        Args:
            runs: that its owner has; 0 where nobody knows who that is.
            size: bytes of the store.

        Raises:
            Refused: it may not.
        """
        units = config.hidden_layers * config.width
        if self.steps and config.steps > self.steps:
            raise Refused(
                f"steps={config.steps} is more than this server allows: at most {self.steps}.",
                "steps",
            )
        if self.units and units > self.units:
            raise Refused(
                f"depth × width = {units} is more than this server allows: at most {self.units}.",
                "depth",
            )
        if self.runs_each and runs >= self.runs_each:
            raise Refused(
                f"You have {runs} runs waiting, training or paused, as many as this server allows: "
                "stop one of them first."
            )
        if full := self.full(size):
            raise Refused(full)

    def full(self, size: int) -> str:
        """What is said where a store holds more bytes than it may; empty where it doesn't."""
        if not self.megabytes or size <= 1e6 * self.megabytes:
            return ""
        return (
            f"The store holds {size / 1e6:.1f} MB, and this server allows {self.megabytes}: "
            "delete runs that nobody needs."
        )

    def over(self) -> str:
        """What is said of a run that has trained for as long as it may."""
        return f"It has trained for {self.seconds:g} s, as long as this server allows."
