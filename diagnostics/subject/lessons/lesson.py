"""What a lesson is: sentences, each with the charts it speaks of, and scenes to switch between."""

from dataclasses import dataclass

from diagnostics.subject.config import RunConfig


@dataclass(frozen=True)
class Sentence:
    """One thought, short enough for a lecture hall, and the keys of the charts that show it."""

    words: str
    charts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """A configuration, the button that opens it, and what must be diagnosed there.

    Attributes:
        words: what it trains, as ``key=value``.
        seen: said when its run is over.
        shows: the rule that must speak before training or at the end,
        spares: and one that must not at the end.
        view, panel: what is in sight.
    """

    label: str
    words: str
    seen: str
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
    """A lesson: what to do, to see and to conclude, where it comes from, and its scenes.

    ``sweep`` is a link's query to what it says of many networks, empty where there is none.
    """

    key: str
    title: str
    sentences: tuple[Sentence, ...]
    source: str
    scenes: tuple[Scene, ...]
    sweep: str = ""

    def only_looks(self, scene: Scene) -> bool:
        """Whether it shows the run of a scene before it, seen otherwise."""
        before = self.scenes[: self.scenes.index(scene)]
        return any(other.config == scene.config for other in before)
