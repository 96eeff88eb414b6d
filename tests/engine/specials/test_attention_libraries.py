"""Attention as a library writes it, by torch's function and by hand: the same numbers."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from diagnostics import watch
from diagnostics.engine.specials.attention import Attention
from diagnostics.store.store import Store
from tests.conftest import needs

transformers = needs("transformers")

SIZES = {"vocab_size": 32, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}
LIBRARY: dict[str, tuple[dict[str, Any], str]] = {
    "Llama": (SIZES | HEADS, "layers.{}.self_attn.o_proj"),
    "Mistral": (SIZES | HEADS | {"sliding_window": 3}, "layers.{}.self_attn.o_proj"),
    "GPT2": (
        {"vocab_size": 32, "n_embd": 16, "n_layer": 2, "n_head": 4},
        "h.{}.attn.c_proj",
    ),
    "Bert": (SIZES | {"num_attention_heads": 4}, "encoder.layer.{}.attention.output.dense"),
}


class Trained(nn.Module):
    """What a library's model makes of tokens, of which the last ones are padding."""

    def __init__(self, name: str, how: str) -> None:
        super().__init__()
        torch.manual_seed(5)
        config = getattr(transformers, f"{name}Config")(
            **LIBRARY[name][0], pad_token_id=0, bos_token_id=1, eos_token_id=2
        )
        config._attn_implementation = how
        self.inner = getattr(transformers, f"{name}Model")(config).train()
        for module in self.inner.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0

    def forward(self, x: Tensor) -> Tensor:
        mask = (torch.arange(x.shape[1]) < 7).long().expand(x.shape)
        found: Tensor = self.inner(input_ids=x, attention_mask=mask).last_hidden_state
        return found


def _told(store: Store, name: str, how: str) -> dict[str, list[float]]:
    model = Trained(name, how)
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    tokens = torch.randint(3, 32, (2, 9), generator=torch.Generator().manual_seed(6))
    with watch(model, optimizer, store=store, every=1) as w:
        for _ in range(2):
            model(tokens).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            w.step()
    batch = store.since(w.run_id).batch
    rows = np.stack([batch.metric(key)[-1] for key in Attention.metrics], 1)
    return {
        layer: row.tolist()
        for layer, row in zip(w.subject.names, rows, strict=False)
        if np.isfinite(row).all()
    }


@pytest.mark.parametrize("name", LIBRARY)
def test_by_torchs_function_and_by_hand_it_is_the_same(store: Store, name: str) -> None:
    told, by_hand = (_told(store, name, how) for how in ("sdpa", "eager"))
    assert set(told) == {f"inner.{LIBRARY[name][1].format(i)}" for i in range(2)}
    assert set(by_hand) == set(told)
    for layer, numbers in told.items():
        assert by_hand[layer] == pytest.approx(numbers, rel=1e-4)
