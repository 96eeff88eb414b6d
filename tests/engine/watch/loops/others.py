"""More loops, each as its user would write it: what they share is ``each``, a step like any."""

import copy
import math
import threading
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.ao import quantization
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_, prune
from torch.optim import SGD, Adam, AdamW, Optimizer, SparseAdam
from torch.optim.swa_utils import AveragedModel, update_bn

from tests.engine.watch.loops.table import Loop, Watching
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

OTHERS: dict[str, Loop] = {}

SAID: dict[str, tuple[str, ...]] = {}
"""How sentences begin on what can't be seen in a loop."""


def loop(name: str, *said: str) -> Callable[[Loop], Loop]:
    """A row of the table."""

    def entered(function: Loop) -> Loop:
        OTHERS[name], SAID[name] = function, said
        return function

    return entered


def square(output: Tensor) -> Tensor:
    """A loss like any."""
    return output.square().mean()


def each(
    t: Trial, model: nn.Module, optimizers: Any, run: Callable[[], Tensor], layers: Any = None
) -> Tensor:
    """One step as most loops have it."""
    layers = layers or linears(model)
    optimizers = optimizers if isinstance(optimizers, Iterable) else [optimizers]
    with outputs_of(*layers) as zs:
        loss = run()
    t.right("signal_grad_norm", deltas(loss, zs))
    loss.backward()
    t.right("weight_grad_norm", [_norm(layer.weight.grad) for layer in layers])
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    t.step(loss)
    return loss


def _norm(gradient: Any) -> float:
    dense = gradient.detach().to_dense() if gradient.is_sparse else gradient.detach()
    return float(torch.linalg.vector_norm(dense.abs().double()))


def parts(**modules: nn.Module) -> Any:
    """Modules by name, made the same each time."""
    return nn.ModuleDict(modules)


def tokens(number: int) -> Tensor:
    """Like ``batch``."""
    return torch.randint(20, (4, 6), generator=torch.Generator().manual_seed(number))


@loop("tied embeddings", "Without a point: Embedding")
def tied(watching: Watching) -> Trial:
    torch.manual_seed(0)
    model = parts(first=nn.Embedding(20, 8), h=nn.Linear(8, 8), last=nn.Linear(8, 20, bias=False))
    model["last"].weight = model["first"].weight
    optimizer = AdamW(model.parameters(), 1e-3)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            x = tokens(i)
            h = lambda x: torch.tanh(model["h"](model["first"](x)))  # noqa: E731
            each(t, model, optimizer, lambda x=x, h=h: square(model["last"](h(x))))
    return t


@loop("the last accumulation is partial")
def partial_accumulation(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(10):
            with outputs_of(*linears(model)) as zs:
                loss = square(model(batch(i))) / 4
            found = deltas(loss, zs)
            joined = found if i % 4 == 0 else [math.hypot(*ab) for ab in zip(joined, found)]  # noqa: B905, F821
            loss.backward()
            if i % 4 == 3 or i == 9:
                t.right("signal_grad_norm", joined)
                t.right("weight_grad_norm", gradients(model))
                optimizer.step()
                optimizer.zero_grad()
                t.step(loss)
    return t


@loop("gradients put in place by hand", "Gradients were put into .grad")
def by_hand(watching: Watching) -> Trial:
    model = mlp()
    optimizer = Adam(model.parameters(), 1e-2)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            loss = square(model(batch(i)))
            every = list(model.parameters())
            for p, gradient in zip(every, torch.autograd.grad(loss, every), strict=True):
                p.grad = gradient
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            t.step(loss)
    return t


@loop("torch.func trains", "No layer was called", "Activations that are functions")
def functional(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            frozen = {name: p.detach() for name, p in model.named_parameters()}

            def run(values: Any, i: int = i) -> Tensor:
                return square(torch.func.functional_call(model, values, (batch(i),)))

            found, loss = torch.func.grad_and_value(run)(frozen)
            for name, p in model.named_parameters():
                p.grad = found[name]
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            t.step(loss)
    return t


@loop("inner and outer loop (MAML)")
def maml(watching: Watching) -> Trial:
    model = mlp(2)
    optimizer = Adam(model.parameters(), 1e-2)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            outer = torch.zeros(())
            for task in range(2):
                values: Any = dict(model.named_parameters())
                inner = square(torch.func.functional_call(model, values, (batch(i + task),)))
                found = torch.autograd.grad(inner, list(values.values()), create_graph=True)
                values = {
                    name: value - 0.1 * gradient
                    for (name, value), gradient in zip(values.items(), found, strict=True)
                }
                outer = outer + square(torch.func.functional_call(model, values, (batch(i + 9),)))
            outer.backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            t.step(outer)
    return t


@loop("tasks with a head and a pass each")
def tasks(watching: Watching) -> Trial:
    torch.manual_seed(0)
    model = parts(body=nn.Linear(4, 8), a=nn.Linear(8, 3), b=nn.Linear(8, 2))
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            with outputs_of(*linears(model)) as zs:
                h = torch.tanh(model["body"](batch(i)))
                one, other = square(model["a"](h)), model["b"](h).abs().mean()
            t.right("signal_grad_norm", deltas(one + other, zs))
            one.backward(retain_graph=True)
            other.backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            t.step(one)
    return t


@loop("one graph gone through three times")
def thrice(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            with outputs_of(*linears(model)) as zs:
                loss = square(model(batch(i)))
            t.right("signal_grad_norm", [3 * norm for norm in deltas(loss, zs)])
            for _ in range(3):
                loss.backward(retain_graph=True)
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("a head on detached features")
def detached(watching: Watching) -> Trial:
    torch.manual_seed(0)
    model = parts(body=nn.Linear(4, 8), main=nn.Linear(8, 3), probe=nn.Linear(8, 2))
    optimizer = SGD(model.parameters(), 0.1)

    def run(i: int) -> Tensor:
        h = torch.relu(model["body"](batch(i)))
        return square(model["main"](h)) + model["probe"](h.detach()).abs().mean()

    with watching(model, optimizer) as t:
        for i in range(STEPS):
            each(t, model, optimizer, lambda i=i: run(i))
    return t


class Stops(torch.autograd.Function):
    """Passes nothing back to its input."""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any) -> Any:
        ctx.save_for_backward(x)
        return x @ weight.t()

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        return None, gradient.t() @ ctx.saved_tensors[0]


@loop("a function that gives None for a gradient", "No gradient was seen at: 0.")
def none_for_a_gradient(watching: Watching) -> Trial:
    class Own(nn.Linear):
        def forward(self, x: Tensor) -> Any:
            return Stops.apply(x, self.weight)

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), Own(8, 8), nn.Tanh(), nn.Linear(8, 3))
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            loss = square(model(batch(i)))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


class Reverses(torch.autograd.Function):
    """Turns gradients around."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        return -gradient


@loop("gradients turned around")
def reversed_gradients(watching: Watching) -> Trial:
    torch.manual_seed(0)
    model = parts(body=nn.Linear(4, 8), main=nn.Linear(8, 3), domain=nn.Linear(8, 2))
    optimizer = SGD(model.parameters(), 0.1)

    def run(i: int) -> Any:
        h = torch.relu(model["body"](batch(i)))
        return square(model["main"](h)) + square(model["domain"](Reverses.apply(h)))

    with watching(model, optimizer) as t:
        for i in range(STEPS):
            each(t, model, optimizer, lambda i=i: run(i))
    return t


class Lookahead(Optimizer):
    """As it is often found: a subclass that never calls what it inherits from."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer, self.defaults = optimizer, optimizer.defaults
        self.param_groups, self.state = optimizer.param_groups, optimizer.state

    def step(self, closure: Any = None) -> Any:
        return self.optimizer.step(closure)

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.optimizer.zero_grad(set_to_none)


@loop("a wrapper without hooks")
def lookahead(watching: Watching) -> Trial:
    model = mlp()
    optimizer = Lookahead(torch.optim.RAdam(model.parameters(), 0.01))
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            each(t, model, optimizer, lambda i=i: square(model(batch(i))))
    return t


@loop("sparse embeddings", "Without a point: Embedding")
def sparse(watching: Watching) -> Trial:
    torch.manual_seed(0)
    model = parts(first=nn.Embedding(20, 8, sparse=True), h=nn.Linear(8, 8), last=nn.Linear(8, 3))
    rest = chain(model["h"].parameters(), model["last"].parameters())
    optimizers = SparseAdam(model["first"].parameters(), 0.01), Adam(rest, 0.01)
    with watching(model, optimizers) as t:
        for i in range(STEPS):
            h = lambda i: F.gelu(model["h"](model["first"](tokens(i)).mean(1)))  # noqa: E731
            each(t, model, optimizers, lambda i=i, h=h: square(model["last"](h(i))))
    return t


@loop("foreach, fused, a rate that is a tensor, a rate of 0")
def kinds_of_adam(watching: Watching) -> Trial:
    model = mlp()
    one, two, three, four = (list(layer.parameters()) for layer in linears(model))
    optimizers = (
        Adam(one, 0.01, foreach=True),
        Adam(two, 0.01, fused=True),
        AdamW([{"params": three}, {"params": four, "lr": 0.0}], lr=torch.tensor(0.01)),
    )
    with watching(model, optimizers) as t:
        for i in range(STEPS):
            each(t, model, optimizers, lambda i=i: square(model(batch(i))))
    return t


@loop("WGAN-GP, both networks watched")
def both_networks(watching: Watching) -> Trial:
    torch.manual_seed(0)
    model = parts(g=nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 4)), d=mlp(2))
    generator, critic = model["g"], model["d"]
    ours, theirs = Adam(generator.parameters(), 1e-3), Adam(critic.parameters(), 1e-3)
    dice = torch.Generator().manual_seed(1)
    with watching(model, [ours, theirs]) as t:
        for i in range(STEPS):
            for k in range(2):
                theirs.zero_grad()
                fake = generator(torch.randn(8, 5, generator=dice))
                between = (batch(2 * i + k) + fake.detach()).requires_grad_()
                (g,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
                loss = critic(fake.detach()).mean() + 10 * (g.norm(dim=1) - 1).square().mean()
                loss.backward()
                norms = gradients(critic)
                theirs.step()
            ours.zero_grad()
            (-critic(fake).mean()).backward()
            t.right("weight_grad_norm", gradients(generator) + norms)
            ours.step()
            t.step(loss)
    return t


@loop("two optimizers in turn, each fills the other's gradients")
def in_turn(watching: Watching) -> Trial:
    torch.manual_seed(0)
    model = parts(a=nn.Linear(4, 4), b=nn.Linear(4, 4), last=nn.Linear(4, 3))
    model.register_parameter("choice", nn.Parameter(torch.zeros(2)))
    weights = SGD([p for p in model.parameters() if p is not model.choice], 0.1)
    choices = Adam([model.choice], 1e-2)

    def run(number: int) -> Tensor:
        one, other = model.choice.softmax(0)
        h = one * model["a"](batch(number)) + other * model["b"](batch(number))
        return square(model["last"](torch.relu(h)))

    with watching(model, [weights, choices]) as t:
        for i in range(STEPS):
            choices.zero_grad()
            run(i + 50).backward()
            choices.step()
            weights.zero_grad()
            with outputs_of(*linears(model)) as zs:
                loss = run(i)
            t.right("signal_grad_norm", deltas(loss, zs))
            loss.backward()
            t.right("weight_grad_norm", gradients(model))
            weights.step()
            t.step(loss)
    return t


@loop("a penalty on weights with a pass of its own")
def penalty_first(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            optimizer.zero_grad()
            (1e-2 * sum(p.square().sum() for p in model.parameters())).backward()
            with outputs_of(*linears(model)) as zs:
                loss = square(model(batch(i)))
            t.right("signal_grad_norm", deltas(loss, zs))
            loss.backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            t.step(loss)
    return t


@loop("bf16 autocast")
def autocast(watching: Watching) -> Trial:
    model = mlp()
    optimizer = AdamW(model.parameters(), 1e-2)

    def run(i: int) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return square(model(batch(i)).float())

    with watching(model, optimizer) as t:
        for i in range(STEPS):
            each(t, model, optimizer, lambda i=i: run(i))
    return t


@loop("masters of bf16 weights", "The optimizer holds no parameter")
def masters(watching: Watching) -> Trial:
    model = mlp().to(torch.bfloat16)
    kept = [p.detach().float() for p in model.parameters()]
    optimizer = SGD(kept, 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            loss = square(model(batch(i).bfloat16()).float())
            loss.backward()
            for master, p in zip(kept, model.parameters(), strict=True):
                master.grad, p.grad = p.grad.float(), None
            optimizer.step()
            with torch.no_grad():
                for master, p in zip(kept, model.parameters(), strict=True):
                    p.copy_(master)
            t.step(loss)
    return t


@loop("jagged nested tensors")
def jagged(watching: Watching) -> Trial:
    return _nested(watching, torch.jagged)


@loop("strided nested tensors")
def strided(watching: Watching) -> Trial:
    return _nested(watching, torch.strided)


def _nested(watching: Watching, layout: torch.layout) -> Trial:
    model = mlp(2, nn.ReLU)
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            x = torch.nested.nested_tensor([batch(i)[:3], batch(i)[3:]], layout=layout)
            loss = square(torch.nested.to_padded_tensor(model(x), 0.0))
            loss.backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("complex weights")
def complex_weights(watching: Watching) -> Trial:
    torch.manual_seed(0)
    kind = torch.complex64
    model = nn.Sequential(nn.Linear(4, 8, dtype=kind), nn.Linear(8, 3, dtype=kind))
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            loss = square(model(batch(i).to(kind)).abs())
            loss.backward()
            t.right("weight_grad_norm", [_norm(layer.weight.grad) for layer in model])
            optimizer.step()
            optimizer.zero_grad()
            t.right("weight_norm", [_norm(layer.weight) for layer in model])
            t.step(loss)
    return t


@loop("meta tensors", "No gradient was seen at", "Can't be read: tensors of the meta device")
def meta(watching: Watching) -> Trial:
    model = mlp(1).to("meta")
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for _ in range(STEPS):
            square(model(torch.randn(8, 4, device="meta"))).backward()
            optimizer.step()
            optimizer.zero_grad()
            t.step()
    return t


@loop("a scripted part", "Never called as a module: 1.0")
def scripted_part(watching: Watching) -> Trial:
    torch.manual_seed(0)
    part = torch.jit.script(nn.Sequential(nn.Linear(8, 8), nn.Tanh()))
    return _plain(watching, nn.Sequential(nn.Linear(4, 8), part, nn.Linear(8, 3)))


@loop("a scripted model", "No layer was called as a module")
def scripted(watching: Watching) -> Trial:
    return _plain(watching, torch.jit.script(mlp(2)))


@loop("quantization is learned")
def quantized(watching: Watching) -> Trial:
    torch.manual_seed(0)
    inner = nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)
    model: Any = nn.Sequential(quantization.QuantStub(), *inner, quantization.DeQuantStub())
    model.qconfig = quantization.get_default_qat_qconfig("fbgemm")
    return _plain(watching, quantization.prepare_qat(model.train()))


def _plain(watching: Watching, model: Any) -> Trial:
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            loss = square(model(batch(i)))
            loss.backward()
            t.right("grad_norm", float(clip_grad_norm_(model.parameters(), 1e9)))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("a saliency map and an attack before each step")
def other_passes(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            model.eval()
            x = batch(77).requires_grad_()
            model(x).sum().backward()
            t.outputs.append(x.grad)
            model.train()
            optimizer.zero_grad()
            x = batch(i).requires_grad_()
            (gradient,) = torch.autograd.grad(square(model(x)), x)
            attacked = (x + 0.1 * gradient.sign()).detach()
            each(t, model, optimizer, lambda x=attacked: square(model(x)))
    return t


@loop("curvature before each step")
def curvature(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            every = list(model.parameters())
            found = torch.autograd.grad(square(model(batch(8))), every, create_graph=True)
            t.outputs += torch.autograd.grad(sum(g.square().sum() for g in found), every)
            hessian = torch.autograd.functional.hvp
            t.outputs.append(hessian(lambda x: model(x).sum(), batch(2), batch(3))[1])
            each(t, model, optimizer, lambda i=i: square(model(batch(i))))
    return t


@loop("a backward pass with a graph of its own")
def second_order(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            with outputs_of(*linears(model)) as zs:
                loss = square(model(batch(i)))
            t.right("signal_grad_norm", deltas(loss, zs))
            loss.backward(create_graph=True)
            every = list(model.parameters())
            ones = [torch.ones_like(p) for p in every]
            t.outputs += torch.autograd.grad([p.grad for p in every], every, ones)
            t.right("weight_grad_norm", [_norm(one.weight.grad) for one in linears(model)])
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("a teacher inside of the model")
def distillation(watching: Watching) -> Trial:
    model = parts(student=mlp(1), teacher=mlp(2).requires_grad_(False))
    optimizer = SGD(model["student"].parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            with torch.no_grad():
                aim = model["teacher"](batch(i))
            loss = square(model["student"](batch(i)) - aim)
            loss.backward()
            t.right("grad_norm", float(clip_grad_norm_(model["student"].parameters(), 1e9)))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("a backbone run without gradients", "No watched optimizer moves: body.0, body.2")
def without_gradients(watching: Watching) -> Trial:
    model = parts(body=mlp(1), head=nn.Linear(3, 2))
    optimizer = SGD(model["head"].parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            with torch.no_grad():
                h = model["body"](batch(i))
            loss = square(model["head"](h))
            loss.backward()
            t.right("grad_norm", float(clip_grad_norm_(model["head"].parameters(), 1e9)))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("averages kept beside, and swapped in for evaluation")
def averages(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    mean, average = copy.deepcopy(model), AveragedModel(model)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            each(t, model, optimizer, lambda i=i: square(model(batch(i))))
            average.update_parameters(model)
            update_bn([batch(7)], average)
            t.evaluate(average, batch(50))
            kept = [p.detach().clone() for p in model.parameters()]
            with torch.no_grad():
                for p, q in zip(model.parameters(), mean.parameters(), strict=True):
                    p.copy_(q.lerp_(p, 0.1))
            t.evaluate(model, batch(50))
            for p, value in zip(model.parameters(), kept, strict=True):
                p.data = value
    return t


@loop("weights set back, pruned, and made double")
def exchanged(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    kept = copy.deepcopy(model.state_dict())
    with watching(model, optimizer) as t:
        for i in range(2 * STEPS):
            if i == 2:
                model.load_state_dict(kept)
            if i == 4:
                model.double()
            x = batch(i).to(model[0].weight.dtype)
            each(t, model, optimizer, lambda x=x: square(model(x)))
        prune.l1_unstructured(model[2], "weight", 0.5)
        loss = square(model(batch(9).double()))
        loss.backward()
        optimizer.step()
        t.step(loss)
    return t


@loop("loss scaling with accumulation and clipping")
def scaled(watching: Watching) -> Trial:
    model = mlp()
    optimizer = AdamW(model.parameters(), 1e-2)
    scaler = torch.amp.GradScaler("cpu", init_scale=256.0)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            for k in range(2):
                loss = square(model(batch(2 * i + k))) / 2
                scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            t.right("weight_grad_norm", gradients(model))
            t.right("grad_norm", float(clip_grad_norm_(model.parameters(), 0.05)))
            t.right("clipped_grad_norm", gradients(model))
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("trained in a thread, evaluated in another")
def threads(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:

        def train() -> None:
            for i in range(STEPS):
                loss = square(model(batch(i)))
                loss.backward()
                t.right("weight_grad_norm", gradients(model))
                optimizer.step()
                optimizer.zero_grad()
                t.step(loss)

        def look() -> None:
            with torch.no_grad():
                for _ in range(20):
                    model(batch(30))

        both = [threading.Thread(target=train), threading.Thread(target=look)]
        for one in both:
            one.start()
        for one in both:
            one.join()
    return t


@loop("w.step before the optimizer's step", "w.step() comes in the midst of a step")
def too_early(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            loss = square(model(batch(i)))
            loss.backward()
            t.step(loss)
            optimizer.step()
            optimizer.zero_grad()
    return t


@loop("w.step between a forward pass and its backward pass", "w.step() comes in the midst")
def prefetched(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        loss = square(model(batch(0)))
        for i in range(STEPS):
            loss.backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            following = square(model(batch(i + 1)))
            t.step(loss)
            loss = following
    return t


@loop("weights of a model's own, and a layer that it does not register")
def of_its_own(watching: Watching) -> Trial:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = [nn.Linear(4, 4)]
            self.own = nn.ParameterList([torch.randn(4, 4) for _ in range(2)])
            self.last = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Any:
            for weight in self.own:
                x = torch.tanh(x @ weight)
            return self.last(self.hidden[0](x))

    torch.manual_seed(0)
    model = Model()
    optimizer = SGD(chain(model.parameters(), model.hidden[0].parameters()), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            with outputs_of(model.last) as zs:
                loss = square(model(batch(i)))
            t.right("signal_grad_norm", 2 * deltas(loss, zs))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t
