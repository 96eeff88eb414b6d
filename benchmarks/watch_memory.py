"""Peak memory of training watched and bare, each in a process of its own, and its growth.

    python -m benchmarks.watch_memory [STEPS]

Prints the peak resident memory of both, its ratio, and by how much the resident memory of the
watched process grew over the second half of its steps. The bare process has loaded what the watched
one has; what that costs by itself is printed first.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from torch import nn

from benchmarks import probe_cost
from benchmarks.peers import Watcher
from benchmarks.probe_cost import Workload
from benchmarks.watch_cost import bare, every_step, train_step
from diagnostics.engine.measure.layers import Layer

STEPS = 300


def logits() -> Workload:
    """A language model's last layer: 196 MiB of outputs, and as many of δ."""
    head = nn.Linear(8, 50257).bfloat16()
    return Workload(
        nn.Sequential(head), [Layer("head", head, None)], torch.randn(2048, 8).bfloat16()
    )


LOGITS, FEW = "logits of 2,048 tokens, bfloat16", 4
WORKLOADS = probe_cost.WORKLOADS | {LOGITS: logits}
WATCHERS: dict[str, Watcher] = {"bare": bare, "watched": every_step}


SMALLEST = """
import re, sys, torch
model = torch.nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), 0.1)

def step():
    model(torch.ones(1, 1)).sum().backward()
    optimizer.step()

step()
if len(sys.argv) > 1:
    from diagnostics import watch
    with watch(model, optimizer, store=sys.argv[1]) as watched:
        step()
        watched.step()
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


def fixed(*store: str) -> int:
    """Peak of next to nothing, in KiB, watched where a store is given."""
    command = [sys.executable, "-c", SMALLEST, *store]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def train(workload: str, watcher: str, steps: int) -> None:
    """Peak and growth in KiB, on standard output."""
    torch.set_num_threads(1)
    work = WORKLOADS[workload]()
    with tempfile.TemporaryDirectory() as folder, WATCHERS[watcher](work, Path(folder)) as tell:
        for number in range(steps):
            if number == steps // 2:
                half = _status("VmRSS")
            train_step(work, tell)
        print(_status("VmHWM"), _status("VmRSS") - half)


def _status(key: str) -> int:
    """Of this process alone, in KiB: getrusage's peak is inherited from the parent."""
    (line,) = re.findall(rf"^{key}:\s+(\d+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(line)


def _in_a_process(workload: str, watcher: str, steps: int) -> tuple[int, int]:
    command = [sys.executable, "-m", "benchmarks.watch_memory", workload, watcher, str(steps)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    peak, growth = map(int, found.stdout.split())
    return peak, growth


def main() -> None:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else STEPS
    with tempfile.TemporaryDirectory() as folder:
        alone, watched = fixed(), fixed(f"sqlite:///{folder}/store.sqlite")
    print(f"Loaded: {alone >> 10} MiB without watching, {watched >> 10} with it.\n")
    print(
        "| workload | bare, MiB | watched | ratio | growth, MiB |\n| --- | --- | --- | --- | --- |"
    )
    for workload in WORKLOADS:
        count = FEW if workload == LOGITS else steps
        alone, _ = _in_a_process(workload, "bare", count)
        watched, growth = _in_a_process(workload, "watched", count)
        print(f"| {workload} | {alone >> 10} | {watched >> 10} | {watched / alone:.2f} | "
              f"{growth / 1024:.1f} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) == 4:
        train(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        main()
