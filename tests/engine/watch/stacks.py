"""Loops around compiled models, as people write them; each runs bare, watched, and not compiled."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

Step = Callable[[Tensor], None]


@dataclass(frozen=True)
class Compiler:
    """Compiles, or leaves things as they are.

    Attributes:
        backend: of ``torch.compile``; empty where nothing is compiled.
    """

    backend: str

    def whole(self, what: Any, **options: Any) -> Any:
        """A model or a function, compiled."""
        if not self.backend:
            return what
        return torch.compile(what, **{"backend": self.backend, "fullgraph": True, **options})

    def inside(self, module: nn.Module) -> None:
        """``module.compile()``."""
        if self.backend:
            module.compile(backend=self.backend, fullgraph=True)


def mlp(act: Callable[[], nn.Module] = nn.Tanh) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), act(), nn.Linear(8, 8), act(), nn.Linear(8, 3))


class Part(nn.Module):
    """Its activation is declared last."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down, self.act = nn.Linear(4, 8), nn.Linear(8, 4), nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(self.act(self.up(x)))


class Parts(nn.Module):
    """Declares its head first; parts alike share a graph."""

    def __init__(self, checkpointed: bool = False) -> None:
        super().__init__()
        self.head, self.stem = nn.Linear(4, 3), nn.Linear(4, 4)
        self.parts = nn.ModuleList(Part() for _ in range(2))
        self.checkpointed = checkpointed

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for part in self.parts:
            x = checkpoint(part, x, use_reentrant=False) if self.checkpointed else part(x)
        return self.head(x)


class Functions(nn.Module):
    """Activations that are functions: what they give out can't be heard."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.two(F.relu(self.one(x), inplace=True))


class Shared(nn.Module):
    """One activation for all layers."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 3)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.three(self.act(self.two(self.act(self.one(x)))))


class Convolutions(nn.Module):
    """With batch norm, and images."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.act = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.SiLU()
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.act(self.norm(self.conv(x.reshape(-1, 1, 4, 4)))).mean((2, 3)))


class Attention(nn.Module):
    """Dropout draws random numbers; attention lends out a weight that is never called."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            8, 2, 16, dropout=0.1, activation=nn.GELU(), batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x.reshape(-1, 3, 8)).mean(1))


def loss_of(model: Any, x: Tensor) -> Tensor:
    """Something to make small."""
    return model(x).float().square().mean()


def plain(model: nn.Module, batches: Iterable[Tensor], step: Step, compiler: Compiler) -> None:
    """One batch, one step."""
    for x in batches:
        loss = loss_of(model, x)
        loss.backward()
        step(loss)


def later(model: nn.Module, batches: Iterable[Tensor], step: Step, compiler: Compiler) -> None:
    """Compiled once it is watched."""
    plain(compiler.whole(model), batches, step, compiler)


def loss_function(
    model: nn.Module, batches: Iterable[Tensor], step: Step, compiler: Compiler
) -> None:
    """The loss is compiled, and the model with it."""
    compiled = compiler.whole(loss_of)
    for x in batches:
        loss = compiled(model, x)
        loss.backward()
        step(loss)


def step_function(
    model: nn.Module, batches: Iterable[Tensor], step: Step, compiler: Compiler
) -> None:
    """Forward and backward pass in one function, which can't be one graph."""

    def both(x: Tensor) -> Tensor:
        loss = loss_of(model, x)
        loss.backward()
        return loss

    compiled = compiler.whole(both, fullgraph=False)
    for x in batches:
        step(compiled(x))


def sizes(model: nn.Module, batches: Iterable[Tensor], step: Step, compiler: Compiler) -> None:
    """Batches of many sizes."""
    plain(model, (x[: 3 + k] for k, x in enumerate(batches)), step, compiler)


def autocast(model: nn.Module, batches: Iterable[Tensor], step: Step, compiler: Compiler) -> None:
    """In bfloat16."""
    for x in batches:
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(model, x)
        loss.backward()
        step(loss)


def accumulation(
    model: nn.Module, batches: Iterable[Tensor], step: Step, compiler: Compiler
) -> None:
    """Four micro-batches a step."""
    for x in batches:
        loss = torch.stack([_micro(model, part) for part in x.chunk(4)]).sum()
        step(loss)


def _micro(model: nn.Module, x: Tensor) -> Tensor:
    loss = loss_of(model, x) / 4
    loss.backward()
    return loss.detach()


def two_forwards(
    model: nn.Module, batches: Iterable[Tensor], step: Step, compiler: Compiler
) -> None:
    """Two forward passes, then their backward passes, the first first."""
    for x in batches:
        losses = [loss_of(model, x[:4]), loss_of(model, 3 * x[4:])]
        for loss in losses:
            loss.backward()
        step(losses[0].detach() + losses[1].detach())


def one_backward(
    model: nn.Module, batches: Iterable[Tensor], step: Step, compiler: Compiler
) -> None:
    """Two forward passes in one backward pass: of each layer two calls."""
    for x in batches:
        loss = loss_of(model, x[:4]) + loss_of(model, 3 * x[4:])
        loss.backward()
        step(loss)


def evaluation(model: nn.Module, batches: Iterable[Tensor], step: Step, compiler: Compiler) -> None:
    """Between a forward pass and its backward pass as well, which counts nowhere."""
    for x in batches:
        loss = loss_of(model, x)
        with torch.no_grad():
            model(x)
        loss.backward()
        step(loss)


def penalty(model: nn.Module, batches: Iterable[Tensor], step: Step, compiler: Compiler) -> None:
    """Gradients are thrown away, and asked for by hand, before the pass that counts."""
    for x in batches:
        loss_of(model, 5 * x).backward()
        model.zero_grad()
        torch.autograd.grad(loss_of(model, 7 * x), list(model.parameters()))
        loss = loss_of(model, x)
        loss.backward()
        step(loss)


def before(model: nn.Module, compiler: Compiler) -> nn.Module:
    """Compiled before it is watched."""
    return compiler.whole(model)  # type: ignore[no-any-return]


def called(model: nn.Module, compiler: Compiler) -> nn.Module:
    """Compiled and called before it is watched."""
    compiled = compiler.whole(model)
    loss_of(compiled, torch.ones(2, 4)).backward()
    model.zero_grad()
    return compiled  # type: ignore[no-any-return]


def another(model: nn.Module, compiler: Compiler) -> nn.Module:
    """The second of its class: the first was compiled and called."""
    called(type(model)(*model) if isinstance(model, nn.Sequential) else type(model)(), compiler)
    return compiler.whole(model)  # type: ignore[no-any-return]


def itself(model: nn.Module, compiler: Compiler) -> nn.Module:
    """``model.compile()``."""
    compiler.inside(model)
    return model


def parts(model: nn.Module, compiler: Compiler) -> nn.Module:
    """Each part by itself, all else not."""
    for part in model.parts:
        compiler.inside(part)
    return model


def one_part(model: nn.Module, compiler: Compiler) -> nn.Module:
    """One in the middle, put in its place."""
    model.parts[1] = compiler.whole(model.parts[1])
    return model


def dynamic(model: nn.Module, compiler: Compiler) -> nn.Module:
    """For batches of any size."""
    return compiler.whole(model, dynamic=True)  # type: ignore[no-any-return]


def untouched(model: nn.Module, compiler: Compiler) -> nn.Module:
    """As it is."""
    return model


@dataclass(frozen=True)
class Stack:
    """A model, how it is compiled before it is watched, and its loop.

    Attributes:
        outputs: whether activations are known.
        largest: whether each layer is called once in a pass, so that the largest entries are known.
        late: whether it is compiled only once it is watched: the first measured step is lost.
        breaks: whether the loop itself breaks graphs.
        width: of a batch.
        rtol: by how much compiled and eager arithmetic may differ.
        slow: whether another stack shows nearly the same.
    """

    make: Callable[[], nn.Module] = mlp
    compile: Callable[[nn.Module, Compiler], nn.Module] = before
    loop: Callable[[nn.Module, Iterable[Tensor], Step, Compiler], None] = plain
    outputs: bool = True
    largest: bool = True
    late: bool = False
    breaks: bool = False
    width: int = 4
    rtol: float = 1e-5
    slow: bool = False


STACKS = {
    "whole": Stack(),
    "called before": Stack(compile=called, slow=True),
    "second of its class": Stack(Parts, another, slow=True),
    "model.compile()": Stack(Parts, itself, slow=True),
    "parts that share a graph": Stack(Parts, parts),
    "one part": Stack(Parts, one_part, slow=True),
    "after watch": Stack(Parts, untouched, later, late=True, slow=True),
    "loss function": Stack(Parts, untouched, loss_function, late=True, slow=True),
    "step function": Stack(Parts, untouched, step_function, late=True, breaks=True, slow=True),
    "dynamic": Stack(Parts, dynamic, sizes, slow=True),
    "autocast": Stack(loop=autocast, rtol=3e-2, slow=True),
    "accumulation": Stack(loop=accumulation),
    "checkpointing": Stack(lambda: Parts(checkpointed=True)),
    "two forwards": Stack(loop=two_forwards),
    "two forwards in one backward": Stack(loop=one_backward, largest=False, slow=True),
    "in place": Stack(lambda: mlp(lambda: nn.ReLU(inplace=True))),
    "functions": Stack(Functions, outputs=False, slow=True),
    "one activation for all": Stack(Shared, outputs=False, slow=True),
    "convolutions": Stack(Convolutions, width=16, slow=True),
    "attention and dropout": Stack(Attention, width=24, slow=True),
    "evaluation": Stack(loop=evaluation, slow=True),
    "passes that count nowhere": Stack(loop=penalty, slow=True),
}
