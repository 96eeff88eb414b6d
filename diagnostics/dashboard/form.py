"""The form of settings: the one part of the page that Dash lays out."""

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from diagnostics.dashboard import controls
from diagnostics.dashboard.theme import FONT

DEFAULTS = "/?seed=0"
"""A bare address would show the run that is going."""

STORES = ("session", "answer", "changed", "heard")
"""What form and scripts tell each other."""


def layout() -> Component:
    """The form, and the stores by which the scripts reach it."""
    return dmc.MantineProvider(
        [*(dcc.Store(id=key) for key in STORES), html.Div(_sections(), id="settings")],
        theme={"fontFamily": FONT, "primaryColor": "dark", "defaultRadius": "sm"},
        defaultColorScheme="auto",
    )


def _sections() -> list[Component]:
    more = [
        html.Summary("Network and training"),
        _section("Network", "network"),
        _section("Training", "training"),
        html.Details(
            [html.Summary("More settings"), _section("", "advanced")], id="advanced", open=False
        ),
        html.A("Back to the defaults", href=DEFAULTS, className="quiet"),
    ]
    return [_section("The four remedies", "remedies"), html.Details(more, id="more", open=True)]


def _section(title: str, place: str) -> Component:
    fields = html.Div(controls.group(place), className="fields")
    return html.Section([html.H2(title), fields] if title else fields)
