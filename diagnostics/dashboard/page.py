"""The page's layout: header, form, the sentence, the leading picture and the charts under it."""

from collections.abc import Mapping

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from diagnostics.dashboard import charts, controls, embedded, wire
from diagnostics.dashboard.theme import FONT
from diagnostics.dashboard.wire import Chart, Panel, View
from diagnostics.subject.lessons import LESSONS, Lesson, Scene

PACES = {"20": "20 /s", "100": "100 /s", "0": "full"}
"""Steps per second; 0 is as fast as possible."""

DEFAULT_PACE = "100"

RUNS_EVERY = 4
"""Seconds after which the menu of runs is read again: others may write into the store too."""

DEFAULTS = "/?seed=0"
"""A bare address would show the run that is going."""

TITLE = "Gradient Diagnostics"

SHORTCUTS = "keys: T train · space pause · . one step · P pin · R reset"


def layout() -> Component:
    """The whole page."""
    return dmc.MantineProvider(
        [
            dcc.Location(id="url", refresh=False),
            dcc.Store(id="session", data={}),
            dcc.Store(id="wish"),
            dcc.Store(id="painted"),
            dcc.Store(id="turned"),
            _header(),
            html.Div([_form(), html.Main(_charts(), className="charts")], className="lab"),
        ],
        theme={"fontFamily": FONT, "primaryColor": "dark", "defaultRadius": "sm"},
        defaultColorScheme="auto",
    )


RELOAD = """<script>
let began = "";
setInterval(async () => {
  const now = await fetch("/healthz").then((answer) => answer.json()).catch(() => ({ began }));
  if (began && now.began !== began) location.reload();
  began = now.began;
}, 500);
</script>"""


def index_string(reload: bool = False) -> str:
    """The HTML around the page; what the scripts draw comes along."""
    return f"""<!DOCTYPE html>
<html lang="en">
  <head>
    {{%metas%}}
    <title>{TITLE}</title>
    <link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
    {{%css%}}
    {embedded.drawing()}
    {embedded.data("lessons", _lessons())}
    {RELOAD if reload else ""}
  </head>
  <body>
    {{%app_entry%}}
    <footer>{{%config%}}{{%scripts%}}{{%renderer%}}</footer>
  </body>
</html>"""


def _lessons() -> list[wire.Lesson]:
    """The lessons as the script shows them."""
    return [
        wire.Lesson(
            lesson.key,
            lesson.title,
            tuple(wire.Sentence(**vars(sentence)) for sentence in lesson.sentences),
            lesson.source,
            tuple(_scene(lesson, scene) for scene in lesson.scenes),
        )
        for lesson in LESSONS.values()
    ]


def _scene(lesson: Lesson, scene: Scene) -> wire.Scene:
    looks = lesson.only_looks(scene)
    query = scene.config.query()
    return wire.Scene(scene.label, query, scene.view, scene.panel, scene.seen, looks)


def _header() -> Component:
    return html.Header(
        [
            html.A([html.Span("∇", className="logo"), html.H1(TITLE)], href="/", className="brand"),
            html.Span("ready", id="badge", className="badge", role="status"),
            html.Span(className="spring"),
            html.Span(SHORTCUTS, className="shortcuts"),
            dmc.Select(
                id="runs",
                data=[],
                placeholder="Runs",
                size="xs",
                comboboxProps={"width": 360},
                className="runs",
                **{"aria-label": "runs in the store"},
            ),
            dcc.Interval(id="soon", interval=RUNS_EVERY * 1000),
            dmc.Select(
                id="lesson",
                data=[
                    {"value": lesson.key, "label": f"{number}. {lesson.title}"}
                    for number, lesson in enumerate(LESSONS.values(), 1)
                ],
                placeholder="Lessons",
                clearable=True,
                size="xs",
                comboboxProps={"width": 320},
                className="lessons",
                **{"aria-label": "lessons"},
            ),
            _button("share", "Share", "copy the link to this state"),
            _button("projector", "Projector", "larger type for a lecture hall"),
            dmc.ColorSchemeToggle(
                lightIcon=html.Span("☀"),
                darkIcon=html.Span("☾"),
                size="md",
                variant="subtle",
                color="gray",
                **{"aria-label": "light or dark"},
            ),
        ],
        className="top",
    )


def _button(key: str, label: str, help: str, variant: str = "default") -> Component:
    return html.Span(dmc.Button(label, id=key, variant=variant, size="xs", n_clicks=0), title=help)


def _form() -> Component:
    buttons = [
        _button("train", "Train", "start a run (T)", "filled"),
        _button("pause", "Pause", "pause or go on (space)"),
        _button("step", "Step", "one step (.)"),
        _button("pin", "Pin", "keep this run dotted behind the next (P)"),
        _button("reset", "Reset", "end the run and clear the charts (R)"),
    ]
    return html.Nav(
        [
            html.Div(buttons, className="buttons"),
            _section("The four remedies", "remedies"),
            html.Details(
                [
                    html.Summary("Network and training"),
                    _section("Network", "network"),
                    _section("Training", "training"),
                    _pace(),
                    html.A("Back to the defaults", href=DEFAULTS, className="quiet"),
                ],
                id="more",
                open=True,
            ),
        ],
        className="form",
        id="lab-form",
        **{"aria-label": "settings"},
    )


def _section(title: str, place: str) -> Component:
    fields = html.Div(controls.group(place), className="fields")
    return html.Section([html.H2(title), fields])


def _pace() -> Component:
    data = [{"value": key, "label": label} for key, label in PACES.items()]
    control = dmc.SegmentedControl(
        id="pace", data=data, value=DEFAULT_PACE, size="xs", fullWidth=True
    )
    return html.Div([html.Div("Speed, steps", className="field-title"), control], className="field")


def _charts() -> list[Component]:
    return [
        html.Div(id="notice", className="notice", role="alert"),
        _lesson_card(),
        html.Section(
            [
                html.Div(className="sign", id="sign"),
                html.Div(
                    [
                        html.H2(id="verdict-title"),
                        html.P(id="verdict-text"),
                        html.Div(id="also", className="also"),
                    ]
                ),
                html.Div(id="remedies", className="remedies"),
            ],
            id="verdict",
            className="verdict",
            **{"aria-live": "polite"},
        ),
        _parts(),
        *map(_lead_card, charts.placed("lead")),
        _row(charts.placed("small"), "small"),
        _panels(),
        _scrubber(),
    ]


def _parts() -> Component:
    """Which part of a large model is in sight; the script fills the menu."""
    return html.Div(
        [
            html.Label("Part", htmlFor="part"),
            html.Select(id="part"),
            html.Button("← All layers", id="whole", title="key Esc", hidden=True),
            html.Span("click a block's name, or the heatmap", id="parts-hint", className="hint"),
        ],
        id="parts",
        className="parts",
        hidden=True,
    )


def _lesson_card() -> Component:
    words = [
        html.H2(id="lesson-title"),
        html.P([html.Span(id="lesson-text"), " ", html.Cite(id="lesson-source")]),
    ]
    buttons = html.Div([html.Div(id="scenes"), html.Div(id="turns")], className="lesson-buttons")
    return html.Section(
        [html.Div(words), buttons], id="lesson-card", className="lesson", hidden=True
    )


def _panels() -> Component:
    """Charts of the whole run, one panel's in sight at a time."""
    rows = [_row(charts.placed(key), id=f"panel-{key}") for key in charts.PANELS]
    return html.Div(rows, className="panels")


def _row(shown: list[Chart], name: str = "", **more: str) -> Component:
    cards = [_card(chart) for chart in shown]
    return html.Div(cards, className=f"row {name}", style={"--columns": len(cards)}, **more)


def _switch(key: str, table: Mapping[str, Panel] | Mapping[str, View]) -> Component:
    data = [{"value": row.key, "label": row.label} for row in table.values()]
    return dmc.SegmentedControl(id=key, data=data, value=data[0]["value"], size="xs")


def _panel_switch() -> Component:
    number = dcc.Input(id="layer", type="number", min=1, step=1, value=1, className="layer")
    label = html.Label(["of layer", number], htmlFor="layer", id="layer-label", className="hint")
    return html.Div([_switch("panel", charts.PANELS), label], className="panel-switch")


def _lead_card(chart: Chart) -> Component:
    hint = html.Span(chart.hint, id=f"{chart.key}-hint", className="hint")
    legend = html.Span(id="legend", className="legend")
    head = html.Div(
        [
            html.H3(chart.title),
            _switch("view", charts.VIEWS),
            hint,
            html.Span(className="spring"),
            legend,
        ],
        className="card-head",
    )
    return html.Section([head, _plot(chart)], id=f"card-{chart.key}", className="card lead")


def _card(chart: Chart) -> Component:
    title = html.H3(chart.title, title=charts.help(chart))
    hint = html.Span(chart.hint, id=f"hint-{chart.key}", className="hint")
    head = html.Div([title, hint], className="card-head")
    empty = html.Div(id=f"none-{chart.key}", className="none")
    return html.Section([head, _plot(chart), empty], id=f"card-{chart.key}", className="card")


def _plot(chart: Chart) -> Component:
    """A plain element that the script draws into; callbacks never touch it."""
    return html.Div(
        id=f"plot-{chart.key}",
        className=f"plot {chart.place}",
        role="img",
        **{"aria-label": chart.spoken or chart.title},
    )


def _scrubber() -> Component:
    scrub = dcc.Input(
        id="scrub", type="range", min=1, max=1, step=1, value=1, className="scrub", debounce=False
    )
    return html.Div(
        [
            _panel_switch(),
            html.Label("step 0", htmlFor="scrub", id="scrub-label"),
            scrub,
            _button("latest", "Live", "follow the newest step"),
        ],
        className="scrubber",
    )
