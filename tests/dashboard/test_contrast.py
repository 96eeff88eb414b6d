"""Words can be read: contrast by WCAG 2.2, AA, of every colour of text on every ground."""

import re
from itertools import product
from pathlib import Path

import pytest

from diagnostics.dashboard import embedded
from diagnostics.dashboard.theme import DARK, LIGHT, Theme

AA = 4.5
STYLE = (Path(embedded.ASSETS) / "style.css").read_text()
WORDS = ("ink", "muted", "blue", "red", "amber")
"""Placeholders and what is disabled are muted, and no text is made paler by opacity."""

GROUNDS = ("surface", "ground")
SCHEMES = {"light": ":root", "dark": '[data-mantine-color-scheme="dark"]'}


def _colours(scheme: str) -> dict[str, str]:
    block = STYLE.split(f"{SCHEMES[scheme]} {{")[1].split("}")[0]
    return {name: _full(hexed) for name, hexed in re.findall(r"--(\w+): (#[0-9a-f]+)", block)}


def _full(colour: str) -> str:
    """#rrggbb of #rgb."""
    return colour if len(colour) == 7 else "#" + "".join(2 * c for c in colour[1:])


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("word", "ground"), list(product(WORDS, GROUNDS)))
def test_words_of_the_page_can_be_read(scheme: str, word: str, ground: str) -> None:
    colours = _colours(scheme)
    assert _contrast(colours[word], colours[ground]) >= AA


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_words_of_charts_can_be_read(theme: Theme) -> None:
    assert min(_contrast(word, theme.surface) for word in (theme.ink, theme.muted)) >= AA


def test_what_is_muted_is_muted_by_colour() -> None:
    for rule in (r"::placeholder", r"button:disabled"):
        block = re.search(rf"{rule} \{{(.*?)\}}", STYLE)
        assert block and "var(--muted)" in block[1]
        assert not re.search(r"opacity: 0", block[1])
