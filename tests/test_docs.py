"""What is documented is what there is."""

import re
from pathlib import Path

import pytest

from diagnostics.store import schema
from diagnostics.store.records import METRICS, SCALARS, Metric
from diagnostics.subject.glossary import document

ROOT = Path(__file__).parents[1]
STORE = (ROOT / "docs/store.md").read_text()
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


@pytest.mark.parametrize("metric", [*METRICS.values(), *SCALARS.values()], ids=lambda m: m.key)
def test_every_column_is_documented(metric: Metric) -> None:
    assert f"| `{metric.key}` | {metric.label}: {metric.help} |" in STORE


def test_every_table_of_the_store_is_documented_with_its_columns() -> None:
    for table in schema.metadata.tables.values():
        (line,) = re.findall(rf"^\| `{table.name}` \|.*$", STORE, re.M)
        assert {c.name for c in table.columns if c.name != "id"} <= set(
            re.findall(r"`(\w+)`", line)
        )


def test_the_glossary_is_the_table() -> None:
    assert (ROOT / "docs/glossary.md").read_text() == document()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_are_there(page: Path) -> None:
    """Paths in back quotes or links; a folder ends with a slash."""
    text = page.read_text()
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*\.(?:py|js|md|ts|json))`", text)
    named += [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    roots = (ROOT, page.parent, ROOT / "diagnostics", ROOT / "diagnostics/dashboard")
    for name in named:
        assert any((root / name).exists() for root in roots), name
