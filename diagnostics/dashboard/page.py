"""The page's layout: header, form, the sentence, the leading picture and the charts under it."""

import json
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from diagnostics.dashboard import controls, figures
from diagnostics.dashboard.theme import FONT
from diagnostics.subject.lessons import LESSONS

PACES = {"20": "20 /s", "100": "100 /s", "0": "full"}
"""Steps per second; 0 is as fast as possible."""

DEFAULT_PACE = "100"

RUNS_EVERY = 4
"""Seconds after which the menu of runs is read again: others may write into the store too."""

DEFAULTS = "/?seed=0"
"""A bare address would show the run that is going."""

TITLE = "Gradient Diagnostics"

CARDS = {
    "lead": ("Per layer", "one point a layer, log scale"),
    "saturated": ("Saturated activations", "ends of the range"),
    "dead": ("Dead units", "0 for every sample"),
    "update_ratio": ("Update : weight", "healthy near 10⁻³"),
    "heat": ("Gradient over time", "each layer over the last hidden one, decades"),
    "loss": ("Loss and accuracy", "— loss (amber: held-out)  - - accuracy  ··· pinned"),
    "clip": ("Global gradient norm", ""),
    "ladder": ("Gradient ladder", "of the chosen layer's weights"),
    "units": ("Lives of units", ""),
}
"""A title and a hint for each chart."""

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


def index_string() -> str:
    """The HTML around the page; the charts' skeletons come along for the script."""
    skeletons, guided = _embedded(figures.skeletons()), _embedded(_lessons())
    return f"""<!DOCTYPE html>
<html lang="en">
  <head>
    {{%metas%}}
    <title>{TITLE}</title>
    <link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
    {{%css%}}
    <script id="skeletons" type="application/json">{skeletons}</script>
    <script id="lessons" type="application/json">{guided}</script>
  </head>
  <body>
    {{%app_entry%}}
    <footer>{{%config%}}{{%scripts%}}{{%renderer%}}</footer>
  </body>
</html>"""


def _embedded(data: object) -> str:
    return json.dumps(data, ensure_ascii=False).replace("</", "<\\/")


def _lessons() -> list[dict[str, Any]]:
    """The lessons as the script shows them."""
    return [
        {
            "key": lesson.key,
            "title": lesson.title,
            "sentences": lesson.sentences,
            "source": lesson.source,
            "scenes": [
                {"label": s.label, "query": s.config.query(), "view": s.view, "panel": s.panel}
                for s in lesson.scenes
            ],
        }
        for lesson in LESSONS.values()
    ]


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
        _lead_card(),
        html.Div(
            [_card(key) for key in ("saturated", "dead", "update_ratio")],
            className="row three",
        ),
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
    """Charts of the whole run, one pair in sight at a time."""
    pairs = {"run": ("heat", "loss"), "clipping": ("clip", "ladder"), "units": ("units",)}
    rows = [
        html.Div(
            [_card(key) for key in cards],
            id=f"panel-{panel}",
            className="row two" if len(cards) > 1 else "row",
        )
        for panel, cards in pairs.items()
    ]
    return html.Div(rows, className="panels")


def _panel_switch() -> Component:
    labels = {"run": "Run", "clipping": "Clipping and ladder", "units": "Units"}
    switch = dmc.SegmentedControl(
        id="panel",
        data=[{"value": key, "label": label} for key, label in labels.items()],
        value="run",
        size="xs",
    )
    number = dcc.Input(id="layer", type="number", min=1, step=1, value=1, className="layer")
    label = html.Label(["of layer", number], htmlFor="layer", id="layer-label", className="hint")
    return html.Div([switch, label], className="panel-switch")


def _lead_card() -> Component:
    switch = dmc.SegmentedControl(
        id="view",
        data=[
            {"value": "signal", "label": "signal ∂L/∂z"},
            {"value": "weight", "label": "weight ∂L/∂W"},
            {"value": "activation", "label": "activation std"},
        ],
        value="signal",
        size="xs",
    )
    title, words = CARDS["lead"]
    hint = html.Span(words, id="lead-hint", className="hint")
    legend = html.Span(id="legend", className="legend")
    head = html.Div(
        [html.H3(title), switch, hint, html.Span(className="spring"), legend],
        className="card-head",
    )
    plot = _plot("lead", "Gradient norm per layer")
    return html.Section([head, plot], id="card-lead", className="card lead")


def _card(key: str) -> Component:
    title, hint = CARDS[key]
    words = [html.H3(title), html.Span(hint, id=f"hint-{key}", className="hint")]
    head = html.Div(words, className="card-head")
    empty = html.Div(id=f"none-{key}", className="none")
    return html.Section([head, _plot(key, title), empty], id=f"card-{key}", className="card")


def _plot(key: str, title: str) -> Component:
    """A plain element that the script draws into; callbacks never touch it."""
    return html.Div(id=f"plot-{key}", className=f"plot {key}", role="img", **{"aria-label": title})


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
