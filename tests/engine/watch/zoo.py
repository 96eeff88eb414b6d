"""Models of many kinds, small: what a stranger might bring."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Block(nn.Module):
    """Two convolutions, an addition, and activations that are no modules."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.conv2(F.relu(self.norm(self.conv1(x)))))


class ResNet(nn.Module):
    """Declares its head first, and calls it last."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 3)
        self.blocks = nn.Sequential(Block(4), Block(4))
        self.stem = nn.Conv2d(2, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(F.relu(self.stem(x))).mean((2, 3)))


class Recurrent(nn.Module):
    """Its first module's output is a tuple."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.core = kind(4, 6, num_layers=2, dropout=0.1, batch_first=True)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.core(x)[0][:, -1])


class Transformer(nn.Module):
    """Dropout draws random numbers; attention lends out a weight that is never called."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x).mean(1))


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.tanh(self.first(x)))


class Twice(nn.Module):
    """One layer, called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(F.gelu(self.layer(x)))


class Matrix(nn.Module):
    """A layer that nobody has heard of, with its activation inside."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(4, 4) / 2)
        self.unused = nn.Parameter(torch.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.matrix).sigmoid()


class Around(nn.Module):
    """A stranger's layer between two that are known."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.matrix, self.after = nn.Linear(4, 4), Matrix(), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.matrix(self.before(x)))


def mlp(inplace: bool = False) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(4, 8), nn.ReLU(inplace), nn.Linear(8, 8), nn.ReLU(inplace), nn.Linear(8, 3)
    )


def frozen() -> nn.Module:
    model = mlp()
    model[0].requires_grad_(False)
    model[2].weight.requires_grad_(False)
    return model


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.SiLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)
    )


class Kind(NamedTuple):
    """A model, and the shape of one of its inputs."""

    make: Callable[[], nn.Module]
    shape: tuple[int, ...]
    dtype: torch.dtype = torch.float32
    batch: int = 8


ZOO = {
    "mlp": Kind(mlp, (4,)),
    "inplace": Kind(lambda: mlp(inplace=True), (4,)),
    "cnn": Kind(cnn, (2, 8, 8)),
    "resnet": Kind(ResNet, (2, 6, 6)),
    "lstm": Kind(lambda: Recurrent(nn.LSTM), (5, 4)),
    "gru": Kind(lambda: Recurrent(nn.GRU), (5, 4)),
    "transformer": Kind(Transformer, (5, 8)),
    "tied": Kind(Tied, (4,)),
    "twice": Kind(Twice, (4,)),
    "matrix": Kind(Around, (4,)),
    "frozen": Kind(frozen, (4,)),
    "bfloat16": Kind(lambda: mlp().bfloat16(), (4,), torch.bfloat16),
    "float16": Kind(lambda: mlp().half(), (4,), torch.float16),
    "empty": Kind(mlp, (4,), batch=0),
}


class Training(NamedTuple):
    """A model with all that a loop around it needs."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    batches: list[Tensor]


def training(name: str, steps: int = 5, lr: float = 0.05) -> Training:
    """The same each time, with torch's generator where it then stands."""
    kind = ZOO[name]
    torch.manual_seed(0)
    model = kind.make()
    optimizer = torch.optim.SGD(
        [p for p in model.parameters() if p.requires_grad], lr, momentum=0.9
    )
    shape = (kind.batch, *kind.shape)
    return Training(model, optimizer, [torch.randn(shape).to(kind.dtype) for _ in range(steps)])


def loss_of(model: nn.Module, x: Tensor) -> Tensor:
    """Something to make small."""
    return model(x).float().square().sum()
