"""A model of one's own on the page, while it is trained in another process."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Lab

pytestmark = pytest.mark.browser

TRAINING = """
import sys, time, torch
from torch import nn
from diagnostics import watch
torch.manual_seed(0)
model = nn.Sequential(*[nn.Sequential(nn.Linear(16, 16), nn.Sigmoid()) for _ in range(12)])
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
with watch(model, optimizer, name="my-model", store=sys.argv[1]) as w:
    while True:
        loss = model(torch.randn(64, 16)).square().sum()
        loss.backward(); optimizer.step(); optimizer.zero_grad(); w.step(loss=loss)
        time.sleep(0.003)
"""


@pytest.fixture
def training(lab: Lab) -> Iterator[subprocess.Popen[bytes]]:
    url = f"sqlite:///{lab.data_dir / 'store.sqlite'}"
    process = subprocess.Popen([sys.executable, "-c", TRAINING, url])
    yield process
    process.kill()
    process.wait()


def test_it_is_found_shown_and_advised(
    opened: Callable[..., Page], training: subprocess.Popen[bytes]
) -> None:
    page = opened("?seed=0")
    page.locator("#runs").click()
    page.get_by_role("option", name="my-model").first.click()
    expect(page.locator("#badge")).to_contain_text("of step time", timeout=20_000)
    expect(page.locator("#verdict-title")).to_have_text("Vanishing gradients", timeout=20_000)
    expect(page.locator("#verdict-text")).to_contain_text("layer 11 (10.0)")
    expect(page.locator("#remedies .advice").first).to_be_visible()
    expect(page.locator("#remedies button")).to_have_count(0)
    names = page.evaluate("document.querySelector('#plot-lead').data[1].customdata")
    assert names[0] == " 0.0" and len(names) == 12
    training.kill()
    expect(page.locator("#badge")).to_contain_text("lost", timeout=20_000)
    assert page.evaluate("document.querySelector('#plot-lead').data[1].y.length") == 12
