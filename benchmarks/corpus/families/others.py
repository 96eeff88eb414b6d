"""Models of tables, sets, graphs; ways to adapt, to gate and to code."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.corpus.families.tasks import NODES


def mlp(
    act: type[nn.Module] = nn.ReLU, depth: int = 3, width: int = 48, inputs: int = 64,
    outputs: int = 10, norm: type[nn.Module] | None = None, dropout: float = 0.0,
) -> nn.Sequential:  # fmt: skip
    """With torch's own initialization, as most people have it."""
    parts: list[nn.Module] = []
    for k in range(depth):
        parts += [nn.Linear(width if k else inputs, width)]
        parts += [norm(width)] if norm else []
        parts += [act()] + ([nn.Dropout(dropout)] if dropout else [])
    return nn.Sequential(*parts, nn.Linear(width, outputs))


def drawn(model: nn.Module, draw: object, *given: float, bias: float | None = 0.0) -> nn.Module:
    """Weights of all layers drawn anew; biases too, where they are told."""
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            draw(module.weight, *given)  # type: ignore[operator]
            if bias is not None and module.bias is not None:
                nn.init.constant_(module.bias, bias)
    return model


class Wide(nn.Module):
    """Residual blocks with layer norm, of a table's columns."""

    def __init__(self, blocks: int = 4, width: int = 48, outputs: int = 10) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(64, width), nn.Linear(width, outputs)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(blocks))
        self.up = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.down = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x)
        for norm, up, down in zip(self.norms, self.up, self.down, strict=True):
            h = h + down(F.relu(up(norm(h))))
        return self.head(h)


class Adapted(nn.Module):
    """Low-rank adapters beside frozen layers; B begins at 0, as LoRA has it."""

    def __init__(self, depth: int = 3, width: int = 64, rank: int = 8) -> None:
        super().__init__()
        self.frozen = nn.ModuleList(
            nn.Linear(64 if k == 0 else width, width).requires_grad_(False) for k in range(depth)
        )
        for layer in self.frozen:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        self.a = nn.ModuleList(
            nn.Linear(layer.in_features, rank, bias=False) for layer in self.frozen
        )
        self.b = nn.ModuleList(nn.Linear(rank, width, bias=False) for _ in range(depth))
        self.head = nn.Linear(width, 10)
        for b in self.b:
            nn.init.zeros_(b.weight)

    def forward(self, x: Tensor) -> Tensor:
        for layer, a, b in zip(self.frozen, self.a, self.b, strict=True):
            x = F.relu(layer(x) + b(a(x)))
        return self.head(x)


class Conditioned(nn.Module):
    """Blocks whose gates begin at 0, as adaLN-zero has it; conditioned on the input's mean."""

    def __init__(self, blocks: int = 3, width: int = 32) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(64, width), nn.Linear(width, 10)
        self.condition = nn.Linear(8, width)
        self.norms = nn.ModuleList(
            nn.LayerNorm(width, elementwise_affine=False) for _ in range(blocks)
        )
        self.modulate = nn.ModuleList(nn.Linear(width, 3 * width) for _ in range(blocks))
        self.up = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(blocks))
        self.down = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(blocks))
        for modulate in self.modulate:
            nn.init.zeros_(modulate.weight)
            nn.init.zeros_(modulate.bias)

    def forward(self, x: Tensor) -> Tensor:
        c = F.silu(self.condition(x.unflatten(1, (8, 8)).mean(1)))
        h = self.stem(x)
        parts = (self.norms, self.modulate, self.up, self.down)
        for norm, modulate, up, down in zip(*parts, strict=True):
            shift, scale, gate = modulate(c).chunk(3, -1)
            h = h + gate * down(F.gelu(up(norm(h) * (1 + scale) + shift)))
        return self.head(h)


class Experts(nn.Module):
    """The best of many experts for each sample: some are never asked."""

    def __init__(self, experts: int = 12, width: int = 32) -> None:
        super().__init__()
        self.stem, self.gate = nn.Linear(64, width), nn.Linear(width, experts)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
            for _ in range(experts)
        )
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.stem(x))
        weight, chosen = self.gate(h).softmax(-1).max(-1)
        out = torch.zeros_like(h)
        for k, expert in enumerate(self.experts):
            mine = (chosen == k).nonzero()[:, 0]
            if len(mine):
                out = out.index_add(0, mine, expert(h[mine]) * weight[mine, None])
        return self.head(h + out)


class Graph(nn.Module):
    """A graph convolutional network."""

    def __init__(self, layers: int = 3, width: int = 24) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width if k else 4, width) for k in range(layers))
        self.head = nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        h, edges = x[..., :4], x[..., 4 : 4 + NODES]
        for layer in self.layers:
            h = F.relu(edges @ layer(h))
        return self.head(h)


class Sets(nn.Module):
    """Deep sets: each point by itself, then the largest."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.each = nn.Sequential(
            nn.Linear(3, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
            nn.Linear(width, width),
        )  # fmt: skip
        self.all = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.all(self.each(x).amax(1))


class Variational(nn.Module):
    """A variational autoencoder; gives out its restoration and the divergence of its code."""

    def __init__(self, width: int = 48, code: int = 8) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 2 * code))
        self.decode = nn.Sequential(
            nn.Linear(code, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
            nn.Linear(width, 64),
        )  # fmt: skip

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log = self.encode(x).chunk(2, -1)
        code = mean + torch.randn_like(mean) * (log / 2).exp() if self.training else mean
        divergence = (mean.square() + log.exp() - log - 1).sum(-1).mean() / 2
        return self.decode(code), divergence


class Sine(nn.Module):
    def __init__(self, speed: float = 1.0) -> None:
        super().__init__()
        self.speed = speed

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(self.speed * x)


def siren() -> nn.Module:
    """Implicit representation by sines."""
    model = nn.Sequential(
        nn.Linear(1, 32), Sine(15.0), nn.Linear(32, 32), Sine(), nn.Linear(32, 32), Sine(),
        nn.Linear(32, 1),
    )  # fmt: skip
    for layer in (model[2], model[4]):
        nn.init.uniform_(layer.weight, -((6 / 32) ** 0.5), (6 / 32) ** 0.5)
    return model


class Highway(nn.Module):
    def __init__(self, layers: int = 8, width: int = 64) -> None:
        super().__init__()
        self.ways = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.gates = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.head = nn.Linear(width, 10)
        for gate in self.gates:
            nn.init.constant_(gate.bias, -1.5)

    def forward(self, x: Tensor) -> Tensor:
        for way, gate in zip(self.ways, self.gates, strict=True):
            open = torch.sigmoid(gate(x))
            x = open * F.relu(way(x)) + (1 - open) * x
        return self.head(x)


class Towers(nn.Module):
    """Two towers, one for each half of the pixels, that must find each other: contrastive."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.left, self.right = (
            nn.Sequential(nn.Linear(32, width), nn.ReLU(), nn.Linear(width, 16)) for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        a = F.normalize(self.left(x[:, :32]), dim=-1)
        b = F.normalize(self.right(x[:, 32:]), dim=-1)
        return a @ b.T / 0.1


class Headed(nn.Module):
    """A body, and a last function that must not be where it is."""

    def __init__(self, body: nn.Module, last: nn.Module) -> None:
        super().__init__()
        self.body, self.last = body, last

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.body(x))
