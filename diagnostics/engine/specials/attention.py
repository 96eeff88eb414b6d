"""Attention: how large logits get, and over how many keys a query spreads itself.

Of each call a few queries are looked at, evenly spread over batch and sequence: with logits
a_ij = q_i·k_j·scale + mask, p_i = softmax(a_i) over the n_i keys that query i may look at, its
entropy is −Σ_j p_ij ln p_ij / ln n_i: 1 where it looks at all alike, 0 at one alone (Zhai et al.
2023, "Stabilizing Transformer Training by Preventing Attention Entropy Collapse").
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diagnostics.engine.measure import gate
from diagnostics.engine.measure.kernels import Floats
from diagnostics.engine.measure.layers import Layer
from diagnostics.engine.measure.measured import Measured
from diagnostics.engine.measure.stacked import AT_ONCE
from diagnostics.engine.specials.special import (
    Function,
    Reading,
    Unreadable,
    columns,
    plain,
)

SAMPLES, QUERIES = 2, 16
"""Samples of a batch, and queries of each, that are looked at. Samples are alike, positions not."""

MASKED = -9000.0
"""Logits below are masks': -inf, the least number of a type, -10,000 of older models."""

NOWHERE = -1e30
"""In their place: its exponential is 0, and 0 times it is, too."""

NEAR = 16
"""Steps back from a softmax within which there is a product of matrices."""


class Seen(NamedTuple):
    """Of a call: sums of entropies, queries, largest logits, [3, heads], a tensor or an array.

    Where heads could not be told from samples, ``mixed``, they count as heads.
    """

    sums: Any
    mixed: bool


class Attention:
    """Whoever attends, be it by torch's function or by hand; rows are those of the next layer.

    That is what projects heads back, or ``nn.MultiheadAttention`` itself.
    """

    metrics: ClassVar[tuple[str, ...]] = (
        "attention_logit",
        "attention_entropy",
        "attention_lowest",
    )

    def __init__(self, model: nn.Module, layers: Sequence[Layer]) -> None:
        self._layers = layers

    @property
    def readers(self) -> Mapping[Function, Callable[..., Any]]:
        """Softmax as well, since attention is also written by hand."""
        return {
            F.scaled_dot_product_attention: _of_function,
            F.softmax: _of_softmax,
            torch.softmax: _of_softmax,
            Tensor.softmax: _of_softmax,
        }

    def write(self, found: Sequence[Reading], step: Measured) -> None:
        """Rows of layers that were called next, where their passes were applied."""
        called: dict[int, list[Seen]] = {}
        for before, seen in found:
            row = min(before, len(step.calls) - 1)
            if row in step.used:
                called.setdefault(step.calls[row], []).append(seen)
        for layer, parts in called.items():
            heads = getattr(self._layers[layer].linear, "num_heads", 1)
            step.values[layer, columns(self.metrics)] = _pooled(parts, heads)


def _of_function(
    result: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Seen | None:
    """Of ``scaled_dot_product_attention``, [samples …, heads, queries, entries] each."""
    if attn_mask is not None and type(attn_mask) not in gate.PLAIN:
        raise Unreadable(type(attn_mask).__name__)
    if query.ndim < 3 or not (query.numel() and key.numel()):
        return None
    query, key = (plain(one).expand(*result.shape[:-3], *one.shape[-3:]) for one in (query, key))
    few, scores = _few(query), (*result.shape[:-1], key.shape[-2])
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    with torch.autocast(query.device.type, enabled=False):
        logits = _products(few.float() * factor, _samples(key))
    if is_causal:
        keys = 1 + torch.arange(*_places(scores[-2]), device=logits.device)
        hidden = torch.arange(scores[-1], device=logits.device) >= keys[:, None]
        seen = _summed(logits + hidden * NOWHERE, keys.clamp_max(scores[-1]))
    elif attn_mask is None:
        seen = _summed(logits, logits.new_tensor(scores[-1]))
    else:
        seen = _masked(logits, _few(attn_mask.detach().expand(scores)).to(logits.device))
    return Seen(seen, query.ndim == 3)


def _masked(logits: Tensor, mask: Tensor) -> Tensor:
    """A mask says which keys are in sight, or is added."""
    if mask.dtype is torch.bool:
        return _summed(torch.where(mask, logits, NOWHERE), mask.sum(-1))
    logits = logits + mask
    allowed = logits > MASKED
    return _summed(torch.where(allowed, logits, NOWHERE), allowed.sum(-1))


def _of_softmax(
    result: Tensor, input: Tensor, dim: int | None = None, *args: Any, **kwargs: Any
) -> Seen | None:
    """Of a softmax over products of matrices, samples by samples: attention by hand."""
    if dim not in (-1, input.ndim - 1) or input.ndim < 3 or not _multiplied(input):
        return None
    few = _few(plain(input)).float()
    return Seen(_masked(few, torch.zeros((), device=few.device)), few.ndim == 3)


def _multiplied(tensor: Tensor) -> bool:
    """Whether a tensor was made from a batch of products of matrices, entry by entry."""
    return any("bmm" in node.name().lower() for node in islice(_history(tensor), NEAR))


def _history(tensor: Tensor) -> Any:
    node: Any = tensor.grad_fn
    while node is not None:
        yield node
        node = next((before for before, _ in node.next_functions if before is not None), None)


def _places(tokens: int) -> tuple[int, int, int]:
    """Where queries are looked at: from, to, by how much apart."""
    apart = -(-tokens // QUERIES)
    return apart // 2, tokens, apart


def _samples(tensor: Tensor) -> Tensor:
    """A few of a batch."""
    return tensor[:: -(-len(tensor) // SAMPLES)] if tensor.ndim > 3 else tensor


def _few(tensor: Tensor) -> Tensor:
    """A few rows of a few samples: a view, which waits for no device."""
    return _samples(tensor)[..., slice(*_places(tensor.shape[-2])), :]


def _products(queries: Tensor, keys: Tensor) -> Tensor:
    """q·k of heads, several of which may share their keys: [samples …, heads, queries, keys].

    Sample by sample, as otherwise torch would copy keys that lie head by head.
    """
    if queries.ndim > 3:
        return torch.stack([_products(*both) for both in zip(queries, keys, strict=True)])
    shared = len(queries) // len(keys)
    grouped = queries.reshape(len(keys), -1, queries.shape[-1])
    heads = max(1, AT_ONCE // keys[0].numel())  # of long sequences no copy of all heads is made
    pairs = zip(grouped.split(heads), keys.split(heads), strict=True)  # type: ignore[no-untyped-call]
    products = torch.cat([some @ other.float().mT for some, other in pairs])
    return products.reshape(shared * len(keys), -1, keys.shape[-2])


def _summed(logits: Tensor, keys: Tensor) -> Tensor:
    """What ``Seen`` keeps of logits [samples …, heads, queries, keys].

    Queries that have one key alone have no choice and don't count. With p = softmax(a) and b = a −
    max a, −Σ p ln p is −ln max p − Σ p b, which costs one exponential.

    Args:
        keys: how many of them are in sight, of each query.
    """
    largest = logits.amax(-1)
    p, below = logits.softmax(-1), logits - largest[..., None]
    entropy = -(p.amax(-1).log() + (p * below).sum(-1)) / keys.log()
    chosen = (keys > 1).expand(entropy.shape)
    rest = [axis for axis in range(entropy.ndim) if axis != entropy.ndim - 2]
    sums = [entropy.masked_fill(~chosen, 0.0).sum(rest), chosen.sum(rest), largest.amax(rest)]
    return torch.stack([one.float() for one in sums])


def _pooled(parts: Sequence[Seen], heads: int) -> tuple[float, float, float]:
    """The largest logit, and entropies: of the mean head, and of the one that has least."""
    found = [_by_head(sums, heads if mixed else sums.shape[1]) for sums, mixed in parts]
    if len({one.shape for one in found}) > 1:
        found = [_by_head(one, 1) for one in found]
    sums, queries, largest = np.stack(found).transpose(1, 0, 2)
    counted = queries.sum(0)
    with np.errstate(all="ignore"):
        each = sums.sum(0)[counted > 0] / counted[counted > 0]
    if not len(each):
        return np.nan, np.nan, np.nan
    return float(largest.max()), float(each.mean()), float(each.min())


def _by_head(sums: Floats, heads: int) -> Floats:
    """[3, samples · heads] of which samples are pooled."""
    apart = sums.reshape(3, -1, heads if sums.shape[1] % heads == 0 else 1)
    return np.stack([apart[0].sum(0), apart[1].sum(0), apart[2].max(0)])
