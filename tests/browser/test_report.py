"""The report of a run, opened from its file without a network."""

import re
from pathlib import Path

from click.testing import CliRunner
from playwright.sync_api import Browser

from diagnostics import RunConfig, Store, train
from diagnostics.cli import commands


def test_a_report_opens_offline(chromium: Browser, store: Store, tmp_path: Path) -> None:
    run = train(RunConfig(activation="sigmoid", depth=12, width=16, steps=20), store=store)
    file = tmp_path / "report.html"
    line = ["export", run.id, "--format", "html", "--output", str(file)]
    result = CliRunner().invoke(commands, line)
    assert result.exit_code == 0, result.output
    text = file.read_text()
    assert "sigmoid" in text and "<li><b>Vanishing" in text
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=", text)
    page = chromium.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda r: complaints.append(r.url) if "://" in r.url[:8] else None)
    page.goto(file.as_uri())
    page.wait_for_function("document.querySelectorAll('.plot .main-svg .xy').length >= 7")
    assert page.locator("#plot-lead .scatterlayer .point").count() >= 13
    assert page.locator("#plot-heat .hm image").count() == 1
    page.close()
    assert not [one for one in complaints if not one.startswith(("file:", "blob:", "data:"))]
