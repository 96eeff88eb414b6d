"""The form, made from the tables of fields and choices."""

from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from diagnostics.subject.choices import Choices
from diagnostics.subject.config import (
    FIELDS,
    RunConfig,
    allowed,
    choices_of,
    dependence,
    is_slider,
    limits,
    place_of,
    word,
)

SHOWN = tuple(FIELDS)
DEPENDS = {field: found for field in SHOWN if (found := dependence(field))}
"""Fields that mean something only beside certain keys of another field."""

SLIDERS = tuple(filter(is_slider, SHOWN))
TYPED = tuple(
    field
    for field in SHOWN
    if not choices_of(field) and field not in SLIDERS and FIELDS[field].annotation is not bool
)
"""Numbers in fields that take any text, since people write 1e-3 where browsers take digits only."""

IN_A_ROW = 40
"""Letters of labels that fit beside each other, with two for the room around each."""

PROPERTY = {field: "checked" if FIELDS[field].annotation is bool else "value" for field in SHOWN}


def control_id(field: str) -> str:
    """The id of a field's control."""
    return f"field-{field}"


def group(place: str) -> list[Component]:
    """The controls of one place on the page, in order of declaration."""
    return [_wrapped(field) for field in SHOWN if place_of(field) == place]


def visibility(config: RunConfig) -> list[dict[str, str]]:
    """A style for each dependent field, in the order of ``DEPENDS``."""
    return [
        {} if getattr(config, other) in keys else {"display": "none"}
        for other, keys in DEPENDS.values()
    ]


def meanings(config: RunConfig) -> list[str]:
    """What each dependent field means beside what is chosen, in the order of ``DEPENDS``."""
    chosen = [(choices_of(other) or {})[getattr(config, other)] for other, _ in DEPENDS.values()]
    return [c.meaning if c.parameter == f else "" for f, c in zip(DEPENDS, chosen, strict=True)]


def _wrapped(field: str) -> Component:
    style = dict(zip(DEPENDS, visibility(RunConfig()), strict=True)).get(field, {})
    wide = field in SLIDERS or (choices_of(field) and place_of(field) == "remedies")
    name = "field" if wide else "field half"
    ask = html.Button(
        type="button",
        className="ask",
        **{"data-help": f"field-{field}", "aria-label": f"what this means: {FIELDS[field].title}"},
    )
    meaning = [html.Div(id=f"meaning-{field}", className="hint")] if field in DEPENDS else []
    return html.Div(
        [_control(field), ask, *meaning], id=f"wrap-{field}", className=name, style=style
    )


def _control(field: str) -> Component:
    options = choices_of(field)
    if options is None:
        return _value(field)
    if place_of(field) == "remedies":  # always in sight, and each one click, however many there are
        fit = sum(len(choice.label) + 2 for choice in options.values()) <= IN_A_ROW
        return _segments(field, options) if fit else _chips(field, options)
    return dmc.Select(
        id=control_id(field),
        label=FIELDS[field].title,
        data=[{"value": c.key, "label": c.label} for c in options.values()],
        value=FIELDS[field].default,
        allowDeselect=False,
        size="xs",
    )


def _title(field: str) -> Component:
    info = FIELDS[field]
    return html.Div(info.title, id=f"title-{field}", className="field-title")


def _chips(field: str, options: Choices) -> Component:
    alike = {"input": {"name": field}}  # of radios with one name the browser makes one tab stop
    chips = [
        html.Span(
            dmc.Chip(c.label, value=c.key, size="xs", radius="sm", attributes=alike),
            className="" if c.common else "rare",
            **{"data-help": f"choice-{field}-{c.key}"},
        )
        for c in options.values()
    ]
    group = dmc.ChipGroup(chips, id=control_id(field), value=FIELDS[field].default)
    named = {"aria-labelledby": f"title-{field}"}
    rare = sum(not choice.common for choice in options.values())
    more = [
        html.Button(f"{rare} more…", type="button", className="more", **{"aria-expanded": "false"})
    ]
    return html.Div(
        [
            _title(field),
            html.Div(group, className="chips", role="radiogroup", **named),
            *(more if rare else []),
        ],
        className="choices",
    )


def _segments(field: str, options: Choices) -> Component:
    segments = dmc.SegmentedControl(
        id=control_id(field),
        data=[{"value": c.key, "label": c.label} for c in options.values()],
        value=FIELDS[field].default,
        fullWidth=True,
        size="xs",
    )
    return html.Div(
        [_title(field), segments], role="group", **{"aria-labelledby": f"title-{field}"}
    )


def _value(field: str) -> Component:
    info, bounds = FIELDS[field], limits(field)
    common: dict[str, Any] = {"id": control_id(field), "size": "xs"}
    if info.annotation is bool:
        return dmc.Switch(label=info.title, checked=info.default, **common)
    if field in SLIDERS:
        slider = dmc.Slider(
            **common,
            min=bounds["ge"],
            max=bounds["le"],
            step=1,
            value=info.default,
            updatemode="mouseup",
            labelAlwaysOn=False,
            thumbLabel=info.title,
            color="dark",
        )
        shown = html.B(str(info.default), id=f"shown-{field}")
        return html.Div([html.Div([info.title, shown], className="field-title split"), slider])
    return dmc.TextInput(
        **common,
        label=info.title,
        value=word(info.default),
        debounce=400,
        autoComplete="off",
        inputProps={"inputMode": "decimal"},
    )


def shown(config: RunConfig) -> dict[str, Any]:
    """What each control shows of a configuration."""
    return {field: _shown(field, getattr(config, field)) for field in SHOWN}


def _shown(field: str, value: Any) -> Any:
    return word(value) if field in TYPED else value


def refusals(refused: str) -> list[str]:
    """What stands at each field that takes text, where one was refused."""
    return [f"must be {allowed(field)}" if field == refused else "" for field in TYPED]
