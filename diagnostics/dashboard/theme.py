"""Colours and type, in one place.

Blue is vanishing, grey-white healthy, red exploding, everywhere and nowhere else: the page's own
accent is ink. Amber is for units that are lost, saturated or dead. The diverging scale is
ColorBrewer's RdBu in spirit, for any colour vision. Without colours its ends are told apart by
lightness: vanishing is the darker one, by 25 of CIE's 100 steps. Nearer to the middle both sides
have the same greys, so heatmaps hatch what explodes.
"""

from dataclasses import dataclass

FONT = 'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif'


@dataclass(frozen=True)
class Theme:
    """The colours of one scheme.

    ``scale`` runs from vanishing to exploding; ``plate`` lies behind the drawn network, dark in
    both: light is seen on it; ``beside`` are the colours of runs that are compared, none of which
    says anything of gradients or units.
    """

    ink: str
    muted: str
    grid: str
    pinned: str
    band: str
    amber: str
    gap: str
    surface: str
    plate: str
    scale: tuple[str, ...]
    beside: tuple[str, ...]


LIGHT = Theme(
    ink="#1b1f24",
    muted="#5d6670",
    grid="#e8eaed",
    pinned="#7b8590",
    band="rgba(93, 102, 112, 0.13)",
    amber="#b86e00",
    gap="rgba(184, 110, 0, 0.10)",
    surface="#ffffff",
    plate="#14181d",
    scale=("#08306b", "#1f5fa8", "#7fb2dc", "#dfe3e6", "#f6ae8d", "#ea6a4d", "#d3251f"),
    beside=("#00788a", "#a8248a", "#5c7300", "#6b4a2f"),
)
DARK = Theme(
    ink="#eef1f4",
    muted="#9aa5b1",
    grid="#2b3036",
    pinned="#8b96a2",
    band="rgba(154, 165, 177, 0.16)",
    amber="#f0a93b",
    gap="rgba(240, 169, 59, 0.12)",
    surface="#16191d",
    plate="#0b0d10",
    scale=("#2c69c9", "#4279c4", "#6a8bb3", "#949aa2", "#c98f83", "#f0806c", "#ff9a84"),
    beside=("#35c5d6", "#f08ada", "#b3cc3c", "#cfab87"),
)
FORCED = Theme(
    ink="CanvasText",
    muted="CanvasText",
    grid="#9a9a9a",
    pinned="GrayText",
    band="rgba(128, 128, 128, 0.25)",
    amber="Highlight",
    gap="rgba(128, 128, 128, 0.25)",
    surface="Canvas",
    plate="Canvas",
    scale=LIGHT.scale,
    beside=LIGHT.beside,
)
"""The system's colours, but where colours are data: in the scale, and of runs compared."""

THEMES = {"light": LIGHT, "dark": DARK, "forced": FORCED}

DASHES = ("dash", "longdash", "dashdot", "longdashdot")
"""Of runs that are compared: they are told apart without colours, too."""

DECADES = 6.0
"""Decades from the healthy middle to either end of the colour scale."""

HATCHED = 1.5
"""Decades from which on heatmaps hatch what explodes."""


def colorscale(theme: Theme) -> list[list[float | str]]:
    """The diverging scale in Plotly's form."""
    last = len(theme.scale) - 1
    return [[i / last, colour] for i, colour in enumerate(theme.scale)]
