"""The wire: all that passes between server and browser, declared once.

Frozen dataclasses, as orjson writes them: NaN and infinities become null. The scripts' types are
made from this file (``python -m diagnostics.dashboard.typescript``), so that a field renamed here
is missed there before anybody opens a browser.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import Field

from diagnostics.store import run
from diagnostics.store.records import Diagnosis, Event, Metric, Tone
from diagnostics.subject.lessons import Sentence
from diagnostics.sweeps import tours

Numbers = Annotated[NDArray[np.floating[Any]], "(number | null)[]"]
Counts = Annotated[NDArray[np.integer[Any]], "number[]"]
Rows = Annotated[NDArray[np.number[Any]], "(number | null)[][]"]
"""Arrays, and what they are to the scripts."""

Count = Annotated[int, "number", Field(ge=0, le=2**53)]
"""As far as scripts count without a gap."""

Pace = Annotated[float, "number", Field(ge=0, le=1e6)]
"""Steps a second; 0 is as fast as possible."""

State = Literal[run.State, "preview"]
"""A run's, or that of a network before training."""


# ---- what is drawn: tables that come with the page ----

Kind = Literal[
    "profile",
    "layers",
    "network",
    "heat",
    "loss",
    "clipping",
    "ladder",
    "units",
    "histogram",
    "members",
    "updates",
    "told",
]
"""How a chart is drawn."""


@dataclass(frozen=True)
class Explained:
    """A word or an option in plain words, with its source where it has one."""

    label: str
    help: str
    source: str = ""


@dataclass(frozen=True)
class Stroke:
    """A line of a chart as its legend shows it: ``ink`` or ``amber``, drawn in ``dash``."""

    label: str
    dash: Literal["solid", "dash", "dot", "dashdot", "area"] = "solid"
    color: Literal["ink", "muted", "pinned", "amber"] = "ink"


@dataclass(frozen=True)
class Chart:
    """A chart: the question it answers, what it draws, how and where.

    Attributes:
        axis: what its numbers are, beside their axis.
        about: what its marks are, where no metric says it.
        legend: its lines, where there are several.
        kind: ``layers`` draws any metric as a point a layer, on an axis of the metric's scale.
        place: ``strip``, ``lead``, ``small``, the key of a panel; beneath them ``told`` and what is
            ``seldom``.
        metric: a key of ``METRICS`` or ``SCALARS``, which gives axis, band and tooltip.
        empty: what is said where nothing was measured.
        reported: whether a report has it.
        output: whether the output layer has a point.
        quantity: of a hidden layer, which a histogram shows.
    """

    key: str
    title: str
    hint: str
    kind: Kind
    place: str
    metric: str = ""
    empty: str = ""
    reported: bool = True
    output: bool = True
    quantity: str = ""
    axis: str = ""
    about: str = ""
    legend: tuple[Stroke, ...] = ()


@dataclass(frozen=True)
class Panel:
    """Charts of the whole run that are in sight together."""

    key: str
    label: str


@dataclass(frozen=True)
class View:
    """A metric that the leading chart can show.

    ``predicted`` is the field of ``Theory`` that speaks of it; ``hint`` stands beside it, empty
    where theory's words do. ``title`` and ``course`` are the questions that it answers, at one step
    and over the run.
    """

    key: str
    label: str
    metric: str
    title: str
    course: str
    hint: str = ""
    predicted: Literal["decades", "activation_std"] | None = None


@dataclass(frozen=True)
class Rung:
    """A rung of the ladder that a weight's gradient climbs down."""

    metric: str
    label: str


@dataclass(frozen=True)
class Shades:
    """The metrics that the drawn network shows beside its gradient: how bright wires are, which
    share of a box is dark, and which is pale."""

    wires: str
    dark: str
    pale: str


@dataclass(frozen=True)
class Tables:
    """What there is to draw; places that are ``seldom`` are there where a run has their numbers."""

    charts: tuple[Chart, ...]
    panels: tuple[Panel, ...]
    seldom: tuple[str, ...]
    views: tuple[View, ...]
    rungs: tuple[Rung, ...]
    shades: Shades
    metrics: Mapping[str, Metric]


@dataclass(frozen=True)
class Figure:
    """A chart in Plotly's words, without its numbers."""

    data: list[dict[str, Any]]
    layout: dict[str, Any]


Skeletons = Mapping[str, Mapping[str, Figure]]
"""By theme, by the chart's key."""


# ---- a frame ----


@dataclass(frozen=True)
class Layers:
    """One step: a value for each layer, the output layer last.

    Attributes:
        metrics: by key, those that charts, rungs and the chosen view draw.
        marks: of the chosen view's values: 0 a number, 1 zero, 2 below float range, 3 non-finite.
        decades: log10 of each value of the chosen view over the last hidden layer's.
    """

    step: int
    metrics: Mapping[str, Numbers]
    marks: Counts
    decades: Numbers


@dataclass(frozen=True)
class Spread:
    """What lies around the medians of a metric, one for each group; null where nothing does.

    ``low`` and ``high`` are percentiles between which most layers lie, ``least`` and ``most`` what
    is far beyond; a ``least`` of 0 is there wherever a logarithm can't be taken of some.
    """

    low: Numbers
    high: Numbers
    least: Numbers
    most: Numbers


@dataclass(frozen=True)
class Folded(Layers):
    """One step of a large model: a value for each group of layers in sight, the output last.

    Attributes:
        metrics: medians, of those in sight.
        marks: the gravest in each group.
        part: the group that is open, whose layers stand by themselves; empty for none.
        names: what the groups' paths have in common.
        first: their layers from 1, ``first`` to ``last``.
        lost: how many layers of each have a signal that is no number.
        anchor: the last hidden layer's signal.
    """

    part: str
    names: tuple[str, ...]
    first: Counts
    last: Counts
    lost: Counts
    spread: Mapping[str, Spread]
    anchor: float


@dataclass(frozen=True)
class Theory:
    """The profile predicted at initialization, or a sentence why there is none.

    ``spread`` is the deviation of ``decades`` from network to network; ``slope`` is in decades a
    layer.
    """

    why_not: str = ""
    decades: Numbers | None = None
    spread: Numbers | None = None
    activation_std: Numbers | None = None
    slope: float | None = None


@dataclass(frozen=True)
class Series:
    """Loss and held-out numbers over steps."""

    steps: Counts
    loss: Numbers
    heldout: Numbers
    accuracy: Numbers


@dataclass(frozen=True)
class Own:
    """A scalar of a watched loop's own over the steps at which it was told."""

    name: str
    steps: Counts
    values: Numbers


@dataclass(frozen=True)
class Heat:
    """Decades of the chosen view, [layers − 1, steps]; of groups the layer farthest from 0."""

    steps: Counts
    decades: Rows


@dataclass(frozen=True)
class Clipping:
    """Global norms before and after; ``share`` of steps clipped, mean ``angle`` in degrees."""

    steps: Counts
    before: Numbers
    after: Numbers
    share: float
    angle: float | None
    method: str
    threshold: float | None


@dataclass(frozen=True)
class Lives:
    """A layer's units, 1 where dead, [units, steps]; how many died, and came back."""

    steps: Counts
    dead: Rows
    died: int
    revived: int


@dataclass(frozen=True)
class Moment:
    """A step that one may want to jump to, and what happened then."""

    step: int
    words: str


@dataclass(frozen=True)
class History(Series):
    """The whole run, thinned; what another panel draws is left out.

    ``beside`` are the other runs', in the order of the frame's; ``updates`` the chosen layer's
    update ratios, ``own`` a watched loop's own scalars.
    """

    heat: Heat
    events: tuple[Event, ...]
    moments: tuple[Moment, ...]
    beside: tuple[Series, ...]
    clipping: Clipping | None
    lives: Lives | None
    updates: Numbers | None
    own: tuple[Own, ...]


@dataclass(frozen=True)
class Beside:
    """Another run at the same step; ``ghost`` where it is the one before, else it was chosen."""

    run: str
    name: str
    ghost: bool
    now: Layers | Folded | None


@dataclass(frozen=True)
class Outcome:
    """A run in the table: what was chosen in each column, and what came of it.

    ``decades`` are the first layer's signal over the last hidden one's, at the last step.
    """

    run: str
    name: str
    values: tuple[str, ...]
    diagnosis: str
    tone: Tone | None
    state: State
    steps: int
    best: float | None
    decades: float | None


@dataclass(frozen=True)
class Compared:
    """Runs side by side: columns of what differs between them."""

    columns: tuple[str, ...]
    rows: tuple[Outcome, ...]


@dataclass(frozen=True)
class Verdict(Diagnosis):
    """A diagnosis, and when its rule speaks."""

    help: str = ""


@dataclass(frozen=True)
class Placed(Verdict):
    """A diagnosis of a large model's layers, of which the first and the last are told.

    ``part`` is the group of the layer that it names first; empty where that stands by itself.
    """

    part: str = ""


@dataclass(frozen=True)
class Frame:
    """A run, or a network before training, as one browser sees it.

    Attributes:
        newest: the newest step, 0 before the first.
        steps: the length of its axis.
        word: what a layer is called.
        names: the layers' paths, where they have any; those of a large model's groups are told by
            ``now``.
        inputs: the features of a sample, 0 where they are not known.
        name: what tells it from the runs beside it; empty where there are none.
        now: the step in sight.
        controls: the query of what the run trains now, as it was changed; empty where it is not the
            laboratory's.
        last: whether ``now`` is the last step of numbers, before they left the range.
        away: whether training has left the initialization that theory speaks of.
        watched: whether it is of a model that is not the laboratory's.
        cost: what watching it costs.
        said: of its place in a queue, and of what can't be read; mostly empty.
        verdict: of the step in sight, the gravest first; once a second, and when that step is
            another.
        history: once a second, and so is ``compared``; it is the same for all steps in sight.
    """

    run: str | None
    query: str
    view: str
    state: State
    label: str
    newest: int
    steps: int
    layers: int
    word: str
    names: tuple[str, ...]
    inputs: int
    theory: Theory
    away: bool
    now: Layers | Folded | None
    controls: str = ""
    last: bool = False
    name: str = ""
    beside: tuple[Beside, ...] = ()
    watched: bool = False
    cost: str = ""
    said: str = ""
    history: History | None = None
    compared: Compared | None = None
    verdict: tuple[Verdict | Placed, ...] | None = None


@dataclass(frozen=True)
class Unshown:
    """In a frame's place where there is no such run, or where it can't be drawn."""

    run: str | None
    query: str
    state: Literal["unknown", "undrawn"]
    verdict: tuple[Verdict, ...] = ()


# ---- what is learned ----


@dataclass(frozen=True)
class Ground:
    """Points of the plane, [samples, 2], or pixels of held-out digits, [samples, 64].

    ``heldout`` is 1 for samples kept from training; ``reach`` half the side of the square that is
    looked at, 0 for digits.
    """

    inputs: Rows
    labels: Counts
    heldout: Counts
    reach: float


@dataclass(frozen=True)
class Histogram:
    """Entries by value, those of 0 and those that are no number apart.

    ``predicted`` is the share of all entries that theory expects in each bin at initialization.
    """

    low: float
    width: float
    counts: Counts
    zeros: int
    nonfinite: int
    predicted: Numbers | None


@dataclass(frozen=True)
class Inside:
    """A hidden layer at a step.

    Attributes:
        histograms: of its ``activation``, ``weight``, and the decimal logarithm of its ``signal``.
        mean: of each unit's activations over the batch.
        saturated: of each unit, the share of the batch at an end of the activation's range.
        dead: 1 for units that are 0 for every sample.
    """

    layer: int
    histograms: Mapping[str, Histogram]
    mean: Numbers
    saturated: Numbers
    dead: Counts


@dataclass(frozen=True)
class Learned:
    """What a network has learned at a step; ``step`` is None where there is no picture.

    Attributes:
        query: of a network before training; empty for a run.
        ground: what ``guesses`` are of; left out where the browser has it.
        guesses: the class at each place of the plane, row by row from the lower left, or of each
            digit.
        sure: the probability given to each.
        heldout: accuracy at the step in sight.
        inside: the chosen layer's, where it is in sight and hidden.
    """

    run: str | None
    query: str
    step: int | None = None
    ground: Ground | None = None
    guesses: Counts | None = None
    sure: Numbers | None = None
    heldout: float | None = None
    inside: Inside | None = None


# ---- the list of runs ----


@dataclass(frozen=True)
class Listed:
    """A run in the list.

    Attributes:
        title: its name, or what it trains: how it differs from the defaults.
        number: in order of creation, so that no two look alike.
        created: seconds since 1970.
        live: whether it may still change.
        yours: whether to stop, name and delete it is this browser's.
        best: held-out accuracy, None where none was measured.
        loss: thinned.
    """

    id: str
    number: int
    title: str
    name: str
    note: str
    state: State
    steps: int
    created: float
    live: bool
    watched: bool
    yours: bool
    best: float | None
    loss: Annotated[tuple[float | None, ...], "(number | null)[]"]


@dataclass(frozen=True)
class Runs:
    """Some of the runs, newest first; ``more`` where there are older ones."""

    runs: tuple[Listed, ...]
    more: bool


# ---- messages ----


@dataclass(frozen=True)
class Message:
    """To the browser, one at a time: the next is sent when this one is acknowledged.

    The frame was encoded before, once for all who watch the same. What is learned comes by itself,
    about once a second, where it has changed: no frame waits for it. Who follows a presenter is
    told where that ``led``, before the frame. Whoever asked for packed messages is sent them
    compressed, the same to all, and counts them: the first is 1.
    """

    sequence: int = 0
    frame: Annotated[orjson.Fragment | None, "Frame | Unshown | null"] = None
    learned: Learned | None = None
    led: "Answer | None" = None


@dataclass(frozen=True)
class Ack:
    """From the browser: it has painted the message with this number."""

    ack: int


Role = Literal["alone", "presents", "follows"]
"""A page's in a class room; anywhere else it is alone."""


@dataclass(frozen=True)
class Watch:
    """From the browser: what it wants to see.

    ``at`` is the step scrubbed to, None for the newest; ``layer`` the one whose units are shown,
    ``part`` the open group of a large model;
    ``pins`` are runs to compare with, ``before`` the one that was in sight before.
    """

    run: str | None = None
    pins: tuple[str, ...] = ()
    before: str | None = None
    view: str = "signal"
    at: Count | None = None
    query: str = ""
    panel: str = "run"
    part: str = ""
    layer: Count = 1
    visible: bool = True
    role: Role = "alone"


# ---- the page ----


@dataclass(frozen=True)
class Session:
    """A page's state, kept by the browser. ``query`` spells the configuration of the controls."""

    query: str = ""
    run: str | None = None
    pins: tuple[str, ...] = ()
    before: str | None = None
    view: str = "signal"
    panel: str = "run"
    part: str = ""
    layer: Count = 1
    lesson: str | None = None
    at: Count | None = None


@dataclass(frozen=True, kw_only=True)
class Linked(Session):
    """A session as the scripts get it, with the query of the link that brings it back.

    ``yours`` says whether the run in sight is this browser's to change.
    """

    link: str
    yours: bool = True


Deed = Literal[
    "play",
    "again",
    "step",
    "pin",
    "reset",
    "pace",
    "copy",
    "changes",
    "scene",
    "lesson",
    "run",
    "link",
    "stop",
    "describe",
    "delete",
    "restore",
]
"""What can be wished; each a method of ``Deeds``."""


@dataclass(frozen=True)
class Look:
    """A configuration, and what is in sight of it."""

    query: str
    view: str
    panel: str


@dataclass(frozen=True)
class Described:
    """What somebody calls a run, and notes of it."""

    run: str
    name: str
    note: str


@dataclass(frozen=True)
class Wish:
    """What somebody wants: ``value`` is what a remedy changes, a look, a lesson's key, a run's id,
    what it is called, or a link's query; nothing for a button."""

    kind: Deed
    value: Any = None


@dataclass(frozen=True)
class Asked:
    """From the browser: a wish, what was in sight when it was made, and steps a second."""

    session: Session
    wish: Wish
    pace: Pace = 0


@dataclass(frozen=True)
class Answer:
    """To the browser: what is in sight now, what each control shows, and what could not be."""

    session: Linked
    values: Mapping[str, Any]
    notice: str = ""


@dataclass(frozen=True)
class Room:
    """A class room as a page finds it: where students come in, and what part the page takes."""

    link: str
    role: Role


@dataclass(frozen=True)
class Tile:
    """A run in small on the presenter's wall.

    ``decades`` are its layers' distances from the last hidden one, ``tone`` and ``verdict`` what is
    diagnosed, empty before there is a step.
    """

    run: str
    number: int
    title: str
    state: State
    step: int
    tone: Tone | None
    verdict: str
    decades: Numbers
    loss: tuple[float | None, ...]


@dataclass(frozen=True)
class Wall:
    """Students' runs, newest last; ``following`` pages follow, ``more`` runs have no room."""

    tiles: tuple[Tile, ...]
    following: int
    more: int


@dataclass(frozen=True)
class SweepWish:
    """From the browser: to start or to stop the sweep that a link's query spells."""

    query: str
    kind: Literal["start", "stop"]


@dataclass(frozen=True)
class Swept:
    """How a sweep stands.

    ``told`` says so in words, ``html`` is its picture where ``version`` is another than was seen;
    ``columns``, ``rows`` and ``show`` are how it is laid out, ``varied`` what they may be.
    Of what can't be there is only a ``notice``, with the ``field`` to be mended.
    """

    count: int = 0
    done: int = 0
    state: tours.State = "ready"
    told: str = ""
    version: str = ""
    columns: str = ""
    rows: str = ""
    show: str = ""
    varied: tuple[str, ...] = ()
    html: str | None = None
    yours: bool = True
    notice: str = ""
    field: str = ""


@dataclass(frozen=True)
class Scene(Look):
    """A lesson's button; ``seen`` is said when its run is over."""

    label: str
    seen: str


@dataclass(frozen=True)
class Lesson:
    """A lesson: what to do and to see, where it comes from, its scenes, and maybe its sweep."""

    key: str
    title: str
    sentences: tuple[Sentence, ...]
    source: str
    scenes: tuple[Scene, ...]
    sweep: str


def encode(sent: object) -> bytes:
    """As JSON; NaN and infinities become null."""
    return orjson.dumps(sent, option=orjson.OPT_SERIALIZE_NUMPY, default=_plain)


def packed(sent: object) -> bytes:
    """As compressed JSON. Level 1: of 30 kB a fifth is left, after a third of a millisecond."""
    return gzip.compress(encode(sent), compresslevel=1, mtime=0)


def _plain(value: Any) -> Any:
    """What orjson does not know: arrays that are no block of memory, and read-only tables.

    As an array a number keeps its type: of Python's floats float32 would be written in 17 digits.
    """
    if not isinstance(value, np.ndarray):
        return dict(value)
    return value.tolist() if value.flags.c_contiguous else np.ascontiguousarray(value)
