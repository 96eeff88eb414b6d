"""Watch inside transformers' trainer: one callback.  Needs ``gradient-diagnostics[huggingface]``.

The model is small and made on the spot: nothing is downloaded.
"""

import tempfile

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments, set_seed

from diagnostics.integrations.huggingface import GradientWatch


def made_data(count: int, length: int = 16, symbols: int = 32) -> list[dict[str, torch.Tensor]]:
    """Sequences that count upwards from anywhere, around and around."""
    starts = torch.randint(symbols, (count, 1))
    return [{"input_ids": row, "labels": row} for row in (starts + torch.arange(length)) % symbols]


def main() -> None:
    set_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=32,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=3,
            num_attention_heads=4,
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            max_steps=50,
            per_device_train_batch_size=16,
            gradient_accumulation_steps=2,
            learning_rate=3e-3,
            logging_steps=20,
            save_strategy="no",
            report_to=[],
            use_cpu=True,
        )
        watched = GradientWatch(name="transformers")
        Trainer(model, arguments, train_dataset=made_data(4096), callbacks=[watched]).train()


if __name__ == "__main__":
    main()
