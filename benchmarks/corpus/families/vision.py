"""Models of images of 8 × 8 pixels."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv(inputs: int, outputs: int, size: int = 3, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups)


class Residual(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, width: int, norm: bool = True, gain: float = 1.0) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv(width, width), conv(width, width)
        self.norm1, self.norm2 = (
            nn.BatchNorm2d(width) if norm else nn.Identity() for _ in range(2)
        )
        if norm:
            nn.init.constant_(self.norm2.weight, gain)
        else:
            nn.init.constant_(self.conv2.weight, 0) if gain == 0 else None

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.norm1(self.conv1(x)))
        return F.relu(x + self.norm2(self.conv2(h)))


class ResNet(nn.Module):
    def __init__(self, blocks: int = 3, norm: bool = True, gain: float = 1.0) -> None:
        super().__init__()
        self.stem = conv(1, 12)
        self.blocks = nn.Sequential(*(Residual(12, norm, gain) for _ in range(blocks)))
        self.head = nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(F.relu(self.stem(x))).amax((2, 3)))


class Dense(nn.Module):
    """Each layer reads all before it."""

    def __init__(self, layers: int = 5, growth: int = 8) -> None:
        super().__init__()
        widths = [8 + growth * k for k in range(layers)]
        self.stem = conv(1, 8)
        self.norms = nn.ModuleList(nn.BatchNorm2d(w) for w in widths)
        self.convs = nn.ModuleList(conv(w, growth) for w in widths)
        self.head = nn.Linear(8 + growth * layers, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x)
        for norm, layer in zip(self.norms, self.convs, strict=True):
            h = torch.cat([h, layer(F.relu(norm(h)))], 1)
        return self.head(F.relu(h).mean((2, 3)))


def plain(
    layers: int = 4, norm: bool = False, width: int = 12, act: type[nn.Module] = nn.ReLU
) -> nn.Sequential:
    """Convolutions one after the other, as VGG has them."""
    parts: list[nn.Module] = []
    for k in range(layers):
        parts.append(conv(1 if k == 0 else width, width))
        parts += [nn.BatchNorm2d(width)] if norm else []
        parts.append(act())
    return nn.Sequential(*parts, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(width * 16, 10))


def lenet(act: type[nn.Module] = nn.Tanh) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), act(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 3), act(), nn.Flatten(),
        nn.Linear(16, 40), act(), nn.Linear(40, 10),
    )  # fmt: skip


class Mobile(nn.Module):
    """Depthwise and pointwise convolutions, ReLU6, squeeze and excitation."""

    def __init__(self, blocks: int = 3, width: int = 16) -> None:
        super().__init__()
        self.stem = conv(1, width)
        self.deep = nn.ModuleList(conv(width, width, groups=width) for _ in range(blocks))
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(blocks))
        self.points = nn.ModuleList(conv(width, width, 1) for _ in range(blocks))
        self.squeeze, self.excite = nn.Linear(width, 4), nn.Linear(4, width)
        self.act, self.head = nn.ReLU6(), nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = self.act(self.stem(x))
        for deep, norm, point in zip(self.deep, self.norms, self.points, strict=True):
            h = h + self.act(norm(point(self.act(deep(h)))))
        gate = torch.sigmoid(self.excite(F.relu(self.squeeze(h.mean((2, 3))))))
        return self.head((h * gate[..., None, None]).mean((2, 3)))


class ConvNext(nn.Module):
    """Blocks whose way begins next to closed: layer scale of a hundred-thousandth."""

    def __init__(self, blocks: int = 4, width: int = 16, scale: float = 1e-5) -> None:
        super().__init__()
        self.stem, self.head = conv(1, width, 2, 2), nn.Linear(width, 10)
        self.deep = nn.ModuleList(conv(width, width, groups=width) for _ in range(blocks))
        self.norms = nn.ModuleList(nn.GroupNorm(1, width) for _ in range(blocks))
        self.wide = nn.ModuleList(nn.Conv2d(width, 4 * width, 1) for _ in range(blocks))
        self.narrow = nn.ModuleList(nn.Conv2d(4 * width, width, 1) for _ in range(blocks))
        self.scale = nn.Parameter(torch.full((blocks, width, 1, 1), scale))

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x)
        parts = (self.deep, self.norms, self.wide, self.narrow, self.scale)
        for deep, norm, wide, narrow, scale in zip(*parts, strict=True):
            h = h + scale * narrow(F.gelu(wide(norm(deep(h)))))
        return self.head(h.mean((2, 3)))


class UNet(nn.Module):
    """Down, up, and a way across."""

    def __init__(self, width: int = 8, norm: bool = True) -> None:
        super().__init__()
        self.down1, self.down2, self.low = (
            conv(1, width),
            conv(width, 2 * width),
            conv(2 * width, 2 * width),
        )
        self.up2, self.up1 = conv(4 * width, width), conv(2 * width, width)
        self.out = conv(width, 1, 1)
        self.norm = nn.GroupNorm(2, 2 * width) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        a = F.relu(self.down1(x))
        b = F.relu(self.norm(self.down2(F.max_pool2d(a, 2))))
        c = F.interpolate(F.relu(self.low(F.max_pool2d(b, 2))), scale_factor=2)
        d = F.interpolate(F.relu(self.up2(torch.cat([b, c], 1))), scale_factor=2)
        return self.out(F.relu(self.up1(torch.cat([a, d], 1))))


class ConvCoder(nn.Module):
    """A convolutional autoencoder."""

    def __init__(self, code: int = 12) -> None:
        super().__init__()
        self.encode = nn.Sequential(
            conv(1, 8, stride=2), nn.ReLU(), conv(8, 16, stride=2), nn.ReLU(), nn.Flatten(),
            nn.Linear(64, code),
        )  # fmt: skip
        self.decode = nn.Sequential(
            nn.Linear(code, 64), nn.ReLU(), nn.Unflatten(1, (16, 2, 2)),
            nn.ConvTranspose2d(16, 8, 2, 2), nn.ReLU(), nn.ConvTranspose2d(8, 1, 2, 2),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


class Mixer(nn.Module):
    """An MLP-Mixer over the rows."""

    def __init__(self, blocks: int = 3, width: int = 24) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(8, width), nn.Linear(width, 10)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({
                "norm1": nn.LayerNorm(width), "across": nn.Sequential(
                    nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8)),
                "norm2": nn.LayerNorm(width), "along": nn.Sequential(
                    nn.Linear(width, 48), nn.GELU(), nn.Linear(48, width)),
            }) for _ in range(blocks)
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x)
        for block in self.blocks:
            h = h + block["across"](block["norm1"](h).transpose(1, 2)).transpose(1, 2)
            h = h + block["along"](block["norm2"](h))
        return self.head(h.mean(1))
