"""Routers as libraries write them are told by their shape."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from diagnostics.store.store import Store
from tests.conftest import needs
from tests.engine.specials.routers import EXPERTS, evenness, told_of

transformers = needs("transformers")

SMALL = {
    "vocab_size": 32,
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "num_experts_per_tok": 2,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": 2,
}
SWITCH = {
    "vocab_size": 32, "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 2, "num_heads": 2,
    "num_sparse_encoder_layers": 2, "num_decoder_layers": 1, "num_sparse_decoder_layers": 0,
    "num_experts": EXPERTS, "expert_capacity": 64, "decoder_start_token_id": 0,
}  # fmt: skip
LATENT = {
    "n_routed_experts": EXPERTS, "n_group": 2, "topk_group": 1, "first_k_dense_replace": 0,
    "moe_intermediate_size": 16, "q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 4, "v_head_dim": 4,
}  # fmt: skip
LIBRARY: dict[str, tuple[str, dict[str, Any]]] = {
    "Mixtral": ("CausalLM", SMALL | {"num_local_experts": EXPERTS}),
    "Olmoe": ("CausalLM", SMALL | {"num_experts": EXPERTS}),
    "Qwen3Moe": ("CausalLM", SMALL | {"num_experts": EXPERTS, "moe_intermediate_size": 16}),
    "DeepseekV3": ("CausalLM", SMALL | LATENT),
    "GptOss": ("CausalLM", SMALL | {"num_local_experts": EXPERTS, "head_dim": 8}),
    "SwitchTransformers": ("ConditionalGeneration", SWITCH),
}


class Trained(nn.Module):
    """A library's model, which learns what it reads; its routers' choices are noted."""

    def __init__(self, name: str) -> None:
        super().__init__()
        task, sizes = LIBRARY[name]
        config = getattr(transformers, f"{name}Config")(**sizes)
        self.inner = getattr(transformers, f"{name}For{task}")(config).train()
        self.met: dict[str, Tensor] = {}
        for key, module in self.inner.named_modules():
            if "Router" in type(module).__name__:
                module.register_forward_hook(partial(self._note, f"inner.{key}"))

    def _note(self, key: str, module: Any, args: object, out: tuple[Tensor, ...]) -> None:
        if hasattr(module, "classifier"):  # Switch gives out a mask of who was chosen
            self.met[f"{key}.classifier"] = out[0].argmax(-1)
        else:
            self.met[key] = out[-1]

    def forward(self, x: Tensor) -> Any:
        return self.inner(input_ids=x, labels=x)


@pytest.mark.parametrize("name", LIBRARY)
def test_libraries_routers_are_recognized_by_their_shape(store: Store, name: str) -> None:
    torch.manual_seed(4)
    model = Trained(name)
    told = told_of(store, model, torch.randint(3, 32, (4, 16)))
    assert len(model.met) > 1
    shares = {
        key: torch.bincount(index.flatten(), minlength=EXPERTS).double() / index.numel()
        for key, index in model.met.items()
    }
    assert told["router_evenness"] == pytest.approx(
        {key: evenness(share) for key, share in shares.items()}, rel=1e-5
    )
    assert told["idle_experts"] == {
        key: float((share == 0).double().mean()) for key, share in shares.items()
    }
