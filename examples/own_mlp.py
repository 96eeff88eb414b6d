"""Watch an MLP of your own while it is trained in a plain PyTorch loop.

The sigmoid network is too deep for its initialization: look at which layers learn nothing.
"""

from itertools import pairwise

import torch
from torch import nn

from diagnostics import watch

DEPTH, WIDTH, STEPS = 12, 64, 300


def made_data(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points in ten dimensions; the class is the largest of the first four coordinates."""
    x = torch.randn(count, 10)
    return x, x[:, :4].argmax(1)


def network() -> nn.Sequential:
    sizes = [10] + [WIDTH] * DEPTH
    blocks = [
        layer
        for fan_in, fan_out in pairwise(sizes)
        for layer in (nn.Linear(fan_in, fan_out), nn.Sigmoid())
    ]
    return nn.Sequential(*blocks, nn.Linear(WIDTH, 4))


def main() -> None:
    torch.manual_seed(0)
    x, y = made_data(4096)
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    with watch(model, optimizer, name="my MLP") as w:
        for _ in range(STEPS):
            rows = torch.randint(len(x), (128,))
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            w.step(loss=loss)
        for found in w.diagnoses():
            print(f"{found.title}. {found.sentence}")


if __name__ == "__main__":
    main()
