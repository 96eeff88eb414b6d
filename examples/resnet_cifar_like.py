"""Watch a small residual network on made images of CIFAR's shape, with clipping and a schedule."""

import torch
from torch import Tensor, nn

from diagnostics import watch

STEPS, BATCH, CLASSES = 120, 16, 10


class Block(nn.Module):
    """Two convolutions around which the input goes unchanged."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm1(self.conv1(x)).relu()
        return (self.norm2(self.conv2(inner)) + x).relu()


def network(width: int = 16, blocks: int = 3) -> nn.Sequential:
    stem = nn.Conv2d(3, width, 3, stride=2, padding=1)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, CLASSES)]
    return nn.Sequential(stem, *(Block(width) for _ in range(blocks)), *head)


def main() -> None:
    torch.manual_seed(0)
    patterns = torch.randn(CLASSES, 3, 32, 32)
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    with watch(model, optimizer, name="ResNet on made images") as w:
        for _ in range(STEPS):
            y = torch.randint(CLASSES, (BATCH,))
            x = patterns[y] + torch.randn(BATCH, 3, 32, 32)
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            w.step(loss=loss)


if __name__ == "__main__":
    main()
