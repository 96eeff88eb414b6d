"""Loops of real people: what each is, run through a ``Trial`` that says what must come out."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_, parametrizations
from torch.utils.checkpoint import checkpoint

from tests.engine.watch.loops.trial import (
    STEPS,
    Trial,
    batch,
    deltas,
    gradients,
    linears,
    mlp,
    outputs_of,
)

SGD = torch.optim.SGD
Watching = Callable[..., Any]
"""``watch``, or what does nothing in its place: a context that gives a ``Trial``."""
Loop = Callable[[Watching], Trial]


def thrown_away(watching: Watching) -> Trial:
    """A pass is repeated after zero_grad, as after running out of memory."""
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            model(10 * batch(99)).square().mean().backward()
            optimizer.zero_grad()
            with outputs_of(*linears(model)) as zs:
                loss = model(batch(i)).square().mean()
            t.right("signal_grad_norm", deltas(loss, zs))
            loss.backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


def failed(watching: Watching) -> Trial:
    """A backward pass fails half-way."""

    class Fails(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            raise MemoryError

    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            try:
                model[1:](Fails.apply(model[0](batch(i)))).square().mean().backward()
            except MemoryError:
                optimizer.zero_grad()
            with outputs_of(*linears(model)) as zs:
                loss = model(batch(i)).square().mean()
            t.right("signal_grad_norm", deltas(loss, zs))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


def penalty(watching: Watching) -> Trial:
    """WGAN-GP: a gradient is taken with create_graph before the backward pass."""
    model = mlp()
    optimizer = SGD(model.parameters(), 0.01)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            optimizer.zero_grad()
            x = batch(i).requires_grad_()
            with outputs_of(*linears(model)) as zs:
                (g,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
                loss = model(batch(i + 9)).mean() + 10 * (g.norm(dim=1) - 1).square().mean()
                used = [calls[:] for calls in zs]
            used[-1] = used[-1][1:]  # of its first output only the sum was derived
            t.right("signal_grad_norm", deltas(loss, used))
            loss.backward()
            optimizer.step()
            t.step(loss)
    return t


def two_losses(watching: Watching) -> Trial:
    """Two backward passes through one graph, applied together: they add up."""
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            with outputs_of(*linears(model)) as zs:
                out = model(batch(i))
            first, second = out.square().mean(), out[:, 0].mean()
            t.right("signal_grad_norm", deltas(first + second, zs))
            first.backward(retain_graph=True)
            second.backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            t.step(first)
    return t


def micro_batches(watching: Watching) -> Trial:
    """Gradients of four batches are summed up; w.step after each of them."""
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(4 * STEPS):
            with outputs_of(*linears(model)) as zs:
                loss = model(batch(i)).square().mean() / 4
            found = deltas(loss, zs)
            parts = found if i % 4 == 0 else [math.hypot(a, b) for a, b in zip(parts, found)]  # noqa: B905, F821
            loss.backward()
            if i % 4 == 3:
                t.right("signal_grad_norm", parts)
                t.right("weight_grad_norm", gradients(model))
                optimizer.step()
                optimizer.zero_grad()
            t.step(loss)
    return t


def gan(watching: Watching) -> Trial:
    """The discriminator is watched; the generator's pass goes through it afterwards."""
    model, generator = mlp(), nn.Linear(5, 4)
    ours, other = SGD(model.parameters(), 0.01), SGD(generator.parameters(), 0.01)
    noise = torch.Generator().manual_seed(1)
    with watching(model, ours) as t:
        for i in range(STEPS):
            ours.zero_grad()
            fake = generator(torch.randn(8, 5, generator=noise))
            with outputs_of(*linears(model)) as zs:
                loss = model(batch(i)).square().mean() - model(fake.detach()).mean()
            t.right("signal_grad_norm", deltas(loss, zs))
            loss.backward()
            t.right("grad_norm", float(clip_grad_norm_(model.parameters(), 0.01)))
            ours.step()
            other.zero_grad()
            model(fake).mean().backward()
            other.step()
            t.step(loss)
    return t


def lbfgs(watching: Watching) -> Trial:
    """A closure is called many times a step: the last call is what was applied."""
    model = mlp()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=5)
    last: list[float] = []
    with watching(model, optimizer) as t:
        for i in range(STEPS):

            def closure(i: int = i) -> Any:
                optimizer.zero_grad()
                with outputs_of(*linears(model)) as zs:
                    loss = model(batch(i)).square().mean()
                last[:] = deltas(loss, zs)
                loss.backward()
                return loss

            loss = optimizer.step(closure)
            t.right("signal_grad_norm", list(last))
            t.right("weight_grad_norm", gradients(model))
            t.step(loss)
    return t


def in_backward(watching: Watching) -> Trial:
    """Each parameter is stepped as soon as it has its gradient."""
    model = mlp()
    optimizers = {p: SGD([p], 0.1) for p in model.parameters()}

    def step(p: Any) -> None:
        optimizers[p].step()
        optimizers[p].zero_grad()

    for parameter in model.parameters():
        parameter.register_post_accumulate_grad_hook(step)
    with watching(model, optimizers.values()) as t:
        for i in range(STEPS):
            with outputs_of(*linears(model)) as zs:
                loss = model(batch(i)).square().mean()
            t.right("signal_grad_norm", deltas(loss, zs))
            loss.backward()
            t.step(loss)
    return t


def evaluation_without_no_grad(watching: Watching) -> Trial:
    """Nothing of evaluation is training's."""
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            t.outputs.append(model(100 * batch(50)).detach())
            with outputs_of(model[1], model[3], model[5], model[6]) as hs:
                loss = model(batch(i)).square().mean()
            t.right("activation_mean", [float(h[0].detach().double().mean()) for h in hs])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            t.outputs.append(model(100 * batch(51)).detach())
            t.step(loss)
    return t


def fast_path(watching: Watching) -> Trial:
    """torch evaluates a transformer on another way, unless it finds a hook or a mode."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    optimizer = SGD(model.parameters(), 0.01)
    x = torch.randn(4, 6, 16, generator=torch.Generator().manual_seed(3))
    mask = torch.zeros(4, 6, dtype=torch.bool)
    mask[1, 3:] = True
    with watching(model, optimizer) as t:
        for _ in range(STEPS):
            loss = model(x, src_key_padding_mask=mask).square().mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
            t.evaluate(model, x, src_key_padding_mask=mask)
    return t


def transforms(watching: Watching) -> Trial:
    """torch.func of the model within the loop."""
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            t.outputs.append(torch.func.vmap(torch.func.jacrev(model))(batch(i)).detach())
            t.outputs.append(torch.func.jvp(model, (batch(i),), (batch(1),))[1].detach())
            with outputs_of(*linears(model)) as zs:
                loss = model(batch(i)).square().mean()
            t.right("signal_grad_norm", deltas(loss, zs))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


def scaled_by_hand(watching: Watching) -> Trial:
    """The loss is multiplied, and gradients are divided before the step."""
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            with outputs_of(*linears(model)) as zs:
                loss = model(batch(i)).square().mean()
            t.right("signal_grad_norm", deltas(loss, zs))
            (loss * 65536).backward()
            for p in model.parameters():
                p.grad /= 65536
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


def scheduled(watching: Watching) -> Trial:
    """The learning rate is that of the step taken."""
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            loss = model(batch(i)).square().mean()
            loss.backward()
            t.right("lr", optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


def _vanishing(reentrant: bool | None) -> Loop:
    def loop(watching: Watching) -> Trial:
        torch.manual_seed(0)
        blocks = [nn.Sequential(nn.Linear(8, 8), nn.Sigmoid()) for _ in range(8)]
        model = nn.ModuleList([*blocks, nn.Linear(8, 3)])
        optimizer = SGD(model.parameters(), 0.1)
        with watching(model, optimizer) as t:
            for i in range(STEPS):
                with outputs_of(*linears(model)) as zs:
                    loss = _through(model, i, None).square().mean()
                t.right("signal_grad_norm", deltas(loss, zs))
                loss = _through(model, i, reentrant).square().mean()
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
                t.step(loss)
        return t

    return loop


def _through(model: Any, number: int, reentrant: bool | None) -> Any:
    h = batch(number).repeat(1, 2).requires_grad_()
    for block in model[:-1]:
        h = block(h) if reentrant is None else checkpoint(block, h, use_reentrant=reentrant)
    return model[-1](h)


def _parametrized(parametrize: Callable[[nn.Module], object]) -> Loop:
    def loop(watching: Watching) -> Trial:
        model = mlp()
        torch.manual_seed(1)
        parametrize(model[0])
        optimizer = SGD(model.parameters(), 0.1)
        with watching(model, optimizer) as t:
            for i in range(STEPS):
                with outputs_of(*linears(model)) as zs:
                    loss = model(batch(i)).square().mean()
                t.right("signal_grad_norm", deltas(loss, zs))
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
                t.step(loss)
        return t

    return loop


LOOPS: dict[str, Loop] = {
    "a pass thrown away": thrown_away,
    "a pass that fails": failed,
    "gradient penalty": penalty,
    "two losses, one graph": two_losses,
    "micro-batches": micro_batches,
    "GAN": gan,
    "LBFGS": lbfgs,
    "optimizer in backward": in_backward,
    "evaluation without no_grad": evaluation_without_no_grad,
    "fast path of evaluation": fast_path,
    "torch.func": transforms,
    "loss scaled by hand": scaled_by_hand,
    "scheduler": scheduled,
    "sigmoids": _vanishing(None),
    "sigmoids, checkpointed": _vanishing(False),
    "sigmoids, reentrant": _vanishing(True),
    "weight norm": _parametrized(parametrizations.weight_norm),
    "spectral norm": _parametrized(parametrizations.spectral_norm),
    "orthogonal": _parametrized(parametrizations.orthogonal),
}


@contextmanager
def unwatched(model: nn.Module, optimizer: object) -> Iterator[Trial]:
    """Nobody watches."""
    yield Trial()
