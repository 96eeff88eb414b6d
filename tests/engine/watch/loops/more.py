"""Loops of kinds that others are of, too: steps skipped, passes split, networks side by side."""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_, parametrizations
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.swa_utils import AveragedModel, update_bn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

from tests.engine.watch.loops.others import each, loop, parts, square
from tests.engine.watch.loops.table import Watching
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


@loop("a scaler skips a step of several batches")
def skipped(watching: Watching) -> Trial:
    model = mlp()
    optimizer = AdamW(model.parameters(), 1e-2)
    scaler = torch.amp.GradScaler("cpu", init_scale=256.0)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            for k in range(2):
                loss = square(model(batch(2 * i + k))) / 2
                if i == 1 and k == 0:
                    loss = loss * torch.inf
                scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            t.right("weight_grad_norm", gradients(model))
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("LBFGS beside a frozen part")
def lbfgs_frozen(watching: Watching) -> Trial:
    model = mlp()
    model[0].requires_grad_(False)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.LBFGS(trained, lr=0.1, max_iter=3, line_search_fn="strong_wolfe")
    last: list[float] = []
    with watching(model, optimizer) as t:
        for i in range(STEPS):

            def closure(i: int = i) -> Any:
                optimizer.zero_grad()
                with outputs_of(*linears(model)[1:]) as zs:
                    loss = square(model(batch(i)))
                last[:] = [float("nan"), *deltas(loss, zs)]
                loss.backward()
                return loss

            loss = optimizer.step(closure)
            t.right("signal_grad_norm", list(last))
            t.step(loss)
    return t


@loop("two networks, one optimizer, one watched")
def one_of_two(watching: Watching) -> Trial:
    model, other = mlp(), mlp(2)
    optimizer = Adam([*model.parameters(), *other.parameters()], 1e-2)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            with outputs_of(*linears(model)) as zs:
                loss = square(model(batch(i)) - other(batch(i + 1)))
            t.right("signal_grad_norm", deltas(loss, zs))
            loss.backward()
            t.right("grad_norm", float(clip_grad_norm_(model.parameters(), 1e9)))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop(
    "an ensemble of stacked parameters",
    "The optimizer holds no parameter",
    "No layer was called",
    "Activations that are functions",
)
def ensemble(watching: Watching) -> Trial:
    models = nn.ModuleList([mlp(1), mlp(1)])
    values, buffers = stack_module_state(list(models))
    optimizer = SGD(list(values.values()), 0.1)
    base = copy.deepcopy(models[0]).to("meta")

    def run(p: Any, b: Any, x: Tensor) -> Any:
        return functional_call(base, (p, b), (x,))

    with watching(models, optimizer) as t:
        for i in range(STEPS):
            loss = square(vmap(run, (0, 0, None))(values, buffers, batch(i)))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("a cell with weight norm, run over time")
def cell(watching: Watching) -> Trial:
    torch.manual_seed(0)
    inner = parametrizations.weight_norm(nn.GRUCell(4, 8), "weight_hh")
    model = parts(cell=inner, last=nn.Linear(8, 3))
    optimizer = Adam(model.parameters(), 1e-2)

    def run(i: int) -> Tensor:
        h = torch.zeros(8, 8)
        for moment in range(5):
            h = model["cell"](batch(10 * i + moment), h)
        return square(model["last"](h))

    with watching(model, optimizer) as t:
        for i in range(STEPS):
            with outputs_of(model["cell"], model["last"]) as zs:
                loss = run(i)
            t.right("signal_grad_norm", deltas(loss, zs))
            loss.backward()
            t.right("grad_norm", float(clip_grad_norm_(model.parameters(), 1e9)))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


def _in_segments(watching: Watching, reentrant: bool) -> Trial:
    torch.manual_seed(0)
    blocks = [nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Dropout(0.2)) for _ in range(6)]
    model = nn.Sequential(*blocks, nn.Linear(4, 3))
    optimizer = Adam(model.parameters(), 1e-2)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            x = batch(i).requires_grad_()
            loss = square(checkpoint_sequential(model, 3, x, use_reentrant=reentrant))
            loss.backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("checkpointed in segments")
def in_segments(watching: Watching) -> Trial:
    return _in_segments(watching, False)


@loop("checkpointed in segments, reentrant")
def in_segments_reentrant(watching: Watching) -> Trial:
    return _in_segments(watching, True)


@loop("Adam in backward")
def adam_in_backward(watching: Watching) -> Trial:
    model = mlp()
    optimizers = {p: Adam([p], 0.01, foreach=False) for p in model.parameters()}

    def step(p: Any) -> None:
        optimizers[p].step()
        p.grad = None

    for parameter in model.parameters():
        parameter.register_post_accumulate_grad_hook(step)
    with watching(model, list(optimizers.values())) as t:
        for i in range(STEPS):
            with outputs_of(*linears(model)) as zs:
                loss = square(model(batch(i)))
            t.right("signal_grad_norm", deltas(loss, zs))
            loss.backward()
            t.step(loss)
    return t


@loop("averages with batch norm of their own", "Without a point: BatchNorm1d.")
def with_batch_norm(watching: Watching) -> Trial:
    torch.manual_seed(0)
    model: Any = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = SGD(model.parameters(), 0.1)
    average = AveragedModel(model)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            each(t, model, optimizer, lambda i=i: square(model(batch(i))))
            average.update_parameters(model)
            update_bn([batch(60), batch(61)], average)
            t.evaluate(average, batch(50))
            t.evaluate(model, batch(50))
    t.outputs += [b.clone() for b in average.buffers()]
    return t


class SAM(Optimizer):
    """Two steps: up, and from there back and down."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, {"rho": 0.05})
        self.base = Adam(self.param_groups, 0.01)
        self.param_groups = self.base.param_groups

    @torch.no_grad()
    def first_step(self) -> None:
        for p in self.param_groups[0]["params"]:
            self.state[p]["off"] = 0.05 * p.grad / (p.grad.norm() + 1e-12)
            p.add_(self.state[p]["off"])

    @torch.no_grad()
    def second_step(self) -> None:
        for p in self.param_groups[0]["params"]:
            p.sub_(self.state[p]["off"])
        self.base.step()


@loop("SAM, its two steps by name")
def sharpness(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SAM(model.parameters())
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            square(model(batch(i))).backward()
            optimizer.first_step()
            optimizer.zero_grad()
            with outputs_of(*linears(model)) as zs:
                loss = square(model(batch(i)))
            t.right("signal_grad_norm", deltas(loss, zs))
            loss.backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.second_step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("a penalty with a pass of its own behind the loss's")
def penalty_after(watching: Watching) -> Trial:
    model = mlp()
    optimizer = Adam(model.parameters(), 1e-2)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            loss = model(batch(i)).mean()
            loss.backward()
            x = batch(i + 9).requires_grad_()
            (g,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
            (10 * (g.norm(dim=1) - 1).square().mean()).backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("first-order MAML: a copy learns, its gradients are put in place", "Gradients were put")
def first_order(watching: Watching) -> Trial:
    model = mlp(2)
    optimizer = Adam(model.parameters(), 1e-2)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            t.outputs.append(model(batch(i)).detach())
            learner = copy.deepcopy(model)
            inner = SGD(learner.parameters(), 0.1)
            for k in range(2):
                inner.zero_grad()
                loss = square(learner(batch(i + k)))
                loss.backward()
                inner.step()
            for p, q in zip(model.parameters(), learner.parameters(), strict=True):
                p.grad = q.grad.clone()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            t.step(loss)
    return t


@loop(
    "a transformer's fast path on nested tensors",
    "Never called as a module: layers.0.self_attn.out_proj",
    "Without a point: LayerNorm.",
)
def nested_fast_path(watching: Watching) -> Trial:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True)
    model = nn.TransformerEncoder(layer, 2)
    optimizer = AdamW(model.parameters(), 1e-3)
    x = torch.randn(4, 6, 16, generator=torch.Generator().manual_seed(3))
    mask = torch.zeros(4, 6, dtype=torch.bool)
    mask[1, 3:] = True
    with watching(model, optimizer) as t:
        for _ in range(STEPS):
            loss = square(model(x, src_key_padding_mask=mask))
            loss.backward()
            t.right("grad_norm", float(clip_grad_norm_(model.parameters(), 1.0)))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
            t.evaluate(model, x, src_key_padding_mask=mask)
    return t


@loop("DataParallel without a device")
def data_parallel(watching: Watching) -> Trial:
    model = nn.DataParallel(mlp())
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            each(t, model, optimizer, lambda i=i: square(model(batch(i))))
    return t


@loop("copied and traced between a forward and its backward pass")
def in_between(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            with outputs_of(*linears(model)) as zs:
                loss = square(model(batch(i)))
            twin = copy.deepcopy(model)
            t.outputs.append(torch.jit.trace(twin, batch(1))(batch(2)).detach())
            t.outputs.append(twin(batch(3)).detach())
            square(twin(batch(4))).backward()
            t.right("signal_grad_norm", deltas(loss, zs))
            loss.backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("a second optimizer comes")
def second(watching: Watching) -> Trial:
    model = mlp()
    one = SGD(model[:4].parameters(), 0.1)
    other: Any = None
    with watching(model, one) as t:
        for i in range(STEPS):
            if i == 2:
                other = Adam(model[4:].parameters(), 1e-2)
            loss = square(model(batch(i)))
            loss.backward()
            one.step()
            if other is not None:
                other.step()
            model.zero_grad()
            t.step(loss)
    return t


@loop("one scaler, two optimizers")
def shared_scaler(watching: Watching) -> Trial:
    model = parts(a=mlp(1), b=mlp(1))
    optimizers = [Adam(model["a"].parameters(), 0.01), SGD(model["b"].parameters(), 0.1)]
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    with watching(model, optimizers) as t:
        for i in range(STEPS):
            with outputs_of(*linears(model)) as zs:
                loss = square(model["a"](batch(i))) + square(model["b"](batch(i)))
            t.right("signal_grad_norm", deltas(loss, zs))
            scaler.scale(loss).backward()
            t.right("weight_grad_norm", [norm / 1024 for norm in gradients(model)])
            for optimizer in optimizers:
                scaler.step(optimizer)
            scaler.update()
            model.zero_grad()
            t.step(loss)
    return t


@loop("hooks of the user's that change gradients")
def user_hooks(watching: Watching) -> Trial:
    model = mlp()
    model[2].register_full_backward_hook(lambda m, gi, go: (gi[0].clamp(-1e-3, 1e-3),))
    model[4].weight.register_hook(lambda g: g * 0.5)
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            loss = square(model(batch(i)))
            loss.backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("truncated in time")
def truncated(watching: Watching) -> Trial:
    torch.manual_seed(0)
    model = parts(memory=nn.LSTM(4, 8, batch_first=True), last=nn.Linear(8, 3))
    optimizer = Adam(model.parameters(), 1e-2)
    with watching(model, optimizer) as t:
        state: Any = None
        for i in range(STEPS):
            x = batch(i).unflatten(0, (2, 4))
            h, state = model["memory"](x, state)
            state = tuple(part.detach() for part in state)
            with outputs_of(model["last"]) as zs:
                loss = square(model["last"](h))
            last = deltas(loss, zs)
            (signal,) = torch.autograd.grad(loss, [h], retain_graph=True)
            t.right("signal_grad_norm", [float(signal.norm()), *last])
            loss.backward()
            t.right("grad_norm", float(clip_grad_norm_(model.parameters(), 1e9)))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("an episode of decisions, one pass")
def episode(watching: Watching) -> Trial:
    model = mlp(1)
    optimizer = Adam(model.parameters(), 1e-2)
    dice = torch.Generator().manual_seed(4)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            chances: list[Tensor] = []
            with outputs_of(*linears(model)) as zs:
                for moment in range(5):
                    logits = model(batch(5 * i + moment, 1))
                    choice = torch.multinomial(logits.softmax(1), 1, generator=dice)
                    chances.append(logits.log_softmax(1).gather(1, choice).squeeze())
                with torch.no_grad():
                    model(batch(99))
                zs = [calls[:5] for calls in zs]
            loss = -torch.stack(chances).mul(torch.arange(5.0)).sum()
            t.right("signal_grad_norm", deltas(loss, zs))
            loss.backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("a target that follows slowly")
def target(watching: Watching) -> Trial:
    model = mlp()
    slow = copy.deepcopy(model).requires_grad_(False)
    optimizer = Adam(model.parameters(), 1e-2)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            with torch.no_grad():
                best = model(batch(i + 1)).argmax(1, keepdim=True)
                aim = slow(batch(i + 1)).gather(1, best)
            each(t, model, optimizer, lambda i=i, aim=aim: square(model(batch(i))[:, :1] - aim))
            with torch.no_grad():
                for p, q in zip(slow.parameters(), model.parameters(), strict=True):
                    p.lerp_(q, 0.01)
    return t


@loop("two views, one without gradients")
def siamese(watching: Watching) -> Trial:
    torch.manual_seed(0)
    model = parts(body=mlp(1), head=nn.Linear(3, 3))

    def run(i: int) -> Tensor:
        with torch.no_grad():
            aims = [model["body"](batch(i)), model["body"](batch(i + 7))]
        views = [model["head"](model["body"](batch(i + k))) for k in (7, 0)]
        return -F.cosine_similarity(torch.cat(views), torch.cat(aims)).mean()

    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            with outputs_of(*linears(model)) as zs:
                loss = run(i)
            used = [zs[0][2:], zs[1][2:], zs[2]]
            t.right("signal_grad_norm", deltas(loss, used))
            loss.backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("a pass for some parameters only", "No gradient was seen at: 0, 2.")
def some_inputs(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            loss = square(model(batch(i)))
            loss.backward(inputs=list(model[4:].parameters()))
            t.right("grad_norm", float(clip_grad_norm_(model.parameters(), 1e9)))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


@loop("one pass for two losses")
def together(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            with outputs_of(*linears(model)) as zs:
                out = model(batch(i))
            one, other = square(out), out.abs().mean()
            t.right("signal_grad_norm", deltas(one + other, zs))
            torch.autograd.backward([one, other])
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            t.step(one)
    return t


@loop("Adam with a closure")
def closure_of_adam(watching: Watching) -> Trial:
    model = mlp()
    optimizer = Adam(model.parameters(), 1e-2)
    with watching(model, optimizer) as t:
        for i in range(STEPS):

            def closure(i: int = i) -> Any:
                optimizer.zero_grad()
                with outputs_of(*linears(model)) as zs:
                    loss = square(model(batch(i)))
                t.right("signal_grad_norm", deltas(loss, zs))
                loss.backward()
                t.right("weight_grad_norm", gradients(model))
                return loss

            t.step(optimizer.step(closure))
    return t


@loop(
    "in place, with dropout, in evaluation mode",
    "Activations that are functions aren't heard: the model is trained in evaluation mode",
    "Without a point: BatchNorm1d.",
)
def in_place(watching: Watching) -> Trial:
    torch.manual_seed(0)
    first = nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Dropout(0.5, inplace=True)
    model = nn.Sequential(*first, nn.Linear(8, 8), nn.SiLU(inplace=True), nn.Linear(8, 3)).eval()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            loss = square(model(batch(i)))
            loss.backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)
            t.step(loss)
    return t


@loop("several steps between two calls of w.step")
def several(watching: Watching) -> Trial:
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            for k in range(3):
                loss = square(model(batch(3 * i + k)))
                loss.backward()
                norms = gradients(model)
                optimizer.step()
                optimizer.zero_grad()
            t.right("weight_grad_norm", norms)
            t.step(loss)
    return t


@loop("one layer in two places, checkpointed")
def shared(watching: Watching) -> Trial:
    torch.manual_seed(0)
    model = parts(first=nn.Linear(4, 8), again=nn.Linear(8, 8), last=nn.Linear(8, 3))
    optimizer = Adam(model.parameters(), 1e-2)

    def inner(h: Tensor) -> Tensor:
        return torch.tanh(model["again"](torch.tanh(model["again"](h))))

    with watching(model, optimizer) as t:
        for i in range(STEPS):
            with outputs_of(*linears(model)) as zs:
                loss = square(model["last"](inner(model["first"](batch(i)))))
            t.right("signal_grad_norm", deltas(loss, zs))
            h = checkpoint(inner, model["first"](batch(i)), use_reentrant=False)
            loss = square(model["last"](h))
            loss.backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            t.step(loss)
    return t


def _resized(watching: Watching, units: list[int], make: type[Optimizer], **given: Any) -> Trial:
    """From the third step on the layers in the middle have those of their units, or copies."""
    model = mlp()
    first, second, *_ = linears(model)
    optimizer = make(model.parameters(), lr=0.05, **given)
    with watching(model, optimizer) as t:
        for i in range(2 * STEPS):
            if i == STEPS:
                for one in (first.weight, first.bias):
                    one.data = one.data[units].clone()
                second.weight.data = second.weight.data[:, units].clone()
                optimizer.state.clear()
            loss = square(model(batch(i)))
            loss.backward()
            t.right("weight_grad_norm", gradients(model))
            found = [m.weight for m in linears(model)]
            t.right("weight_grad_rms", [float(w.grad.square().mean().sqrt()) for w in found])
            before = [w.detach().clone() for w in found]
            optimizer.step()
            after = [w.detach() for w in found]
            t.right("weight_norm", [float(w.norm()) for w in after])
            t.right(
                "update_norm", [float((w - b).norm()) for w, b in zip(after, before, strict=True)]
            )
            optimizer.zero_grad()
            t.step(loss)
            del loss  # torch keeps the shapes of a graph's parameters
    return t


@loop("units are pruned")
def pruned(watching: Watching) -> Trial:
    return _resized(watching, [1, 4, 5], SGD)


@loop("units are added")
def grown(watching: Watching) -> Trial:
    return _resized(watching, [*range(8)] * 40, Adam)


@loop("units are pruned to one, with momentum")
def pruned_to_one(watching: Watching) -> Trial:
    return _resized(watching, [3], SGD, momentum=0.9)


@loop("weights whose memory is freed between steps")
def freed(watching: Watching) -> Trial:
    """As sharding does with whole weights."""
    model = mlp()
    optimizer = SGD(model.parameters(), 0.1)
    with watching(model, optimizer) as t:
        for i in range(STEPS):
            loss = square(model(batch(i)))
            loss.backward()
            t.right("weight_grad_norm", gradients(model))
            optimizer.step()
            optimizer.zero_grad()
            kept = {p: p.detach().clone() for p in model.parameters()}
            for p in kept:
                p.untyped_storage().resize_(0)
            t.step(loss)
            for p, values in kept.items():
                p.untyped_storage().resize_(values.untyped_storage().nbytes())
                p.data.copy_(values)
    return t
