"""What becomes of measurements when processes and disks fail."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from diagnostics.store.store import Store

pytestmark = pytest.mark.thorough

TRAINING = """
import logging, resource, signal, sys, time
import torch
from torch import nn
from diagnostics import watch
logging.basicConfig(level=logging.WARNING)
torch.set_num_threads(1)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
optimizer = torch.optim.SGD(model.parameters(), 0.1)

def train(w, steps, pause=0.0):
    for _ in range(steps):
        model(torch.randn(8, 4)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        w.step(loss=1.0)
        time.sleep(pause)

with watch(model, optimizer, name=sys.argv[2], store=sys.argv[1], every=1) as w:
"""

FULL = """
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    train(w, 20)
    time.sleep(0.6)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 12, resource.RLIM_INFINITY))
    train(w, 300)
    time.sleep(1.0)
    print("full", flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    train(w, 20)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.sqlite'}"


def start(url: str, name: str, body: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", TRAINING + body, url, name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_full_disk_costs_a_warning_and_no_step(url: str) -> None:
    process = start(url, "full", FULL)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and out == "full\n", err
    assert err.count("measurements wait") == 1
    store = Store(url)
    (run,) = store.runs()
    assert run.state == "finished"
    np.testing.assert_array_equal(store.since(run.id).batch.steps, np.arange(1, 341))
    store.close()


def test_processes_share_a_store_and_a_killed_one_leaves_what_it_wrote(url: str) -> None:
    store = Store(url)
    processes = [start(url, f"{i}", "    train(w, 150, 0.005)\n") for i in range(2)]
    victim = start(url, "victim", "    train(w, 10**6, 0.005)\n")
    end = time.monotonic() + 40
    while steps_of(store, "victim") < 50:
        assert time.monotonic() < end, "it never wrote"
        time.sleep(0.05)
    before = steps_of(store, "victim")
    victim.send_signal(signal.SIGKILL)
    victim.communicate(timeout=10)
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    runs = {run.name: run for run in store.runs()}
    for name in ("0", "1"):
        batch = store.since(runs[name].id).batch
        np.testing.assert_array_equal(batch.steps, np.arange(1, 151))
        assert runs[name].state == "finished"
    kept = store.since(runs["victim"].id).batch.steps
    assert len(kept) >= before
    np.testing.assert_array_equal(kept, np.arange(1, len(kept) + 1))
    store.close()


def steps_of(store: Store, name: str) -> int:
    return max((run.steps for run in store.runs() if run.name == name), default=0)
