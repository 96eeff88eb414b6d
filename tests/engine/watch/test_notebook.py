"""The page that a notebook embeds is served."""

import urllib.request
from pathlib import Path

import pytest

from diagnostics.engine.watch.notebook import Page
from diagnostics.store.store import Store
from diagnostics.subject.config import RunConfig

pytestmark = pytest.mark.thorough


def test_a_page_brings_its_server(store: Store, tmp_path: Path) -> None:
    page = Page(store.url, store.create_run(RunConfig()), 700)
    html = page._repr_html_()
    assert "<iframe" in html and "700px" in html and f"?run={page.run}" in html
    with urllib.request.urlopen(page.url, timeout=10) as answer:
        assert b"Gradient Diagnostics" in answer.read()
    assert page.url == Page(store.url, page.run).url
