"""The callback inside transformers' own trainer."""

from pathlib import Path
from typing import Any

import pytest
import torch

from diagnostics import Stopped, Store
from tests.conftest import needs

transformers = needs("transformers")
GradientWatch = needs("diagnostics.integrations.huggingface").GradientWatch

STEPS = 6
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 32}


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def classifier() -> Any:
    return transformers.BertForSequenceClassification(
        transformers.BertConfig(**SMALL, intermediate_size=32, max_position_embeddings=16)
    )


def writer() -> Any:
    """Its loss is over all items of a step: micro-batches add up."""
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**SMALL, intermediate_size=32))


def train(
    make: Any, folder: Path, *callbacks: GradientWatch, **options: Any
) -> tuple[list[float], transformers.Trainer]:
    """The losses that the trainer itself logs, at each step."""
    torch.manual_seed(0)
    model = make()
    draw = torch.Generator().manual_seed(1)
    ids = torch.randint(32, (64, 8), generator=draw)
    labels = ids if make is writer else ids[:, 0] % 2
    arguments = transformers.TrainingArguments(
        output_dir=str(folder / "out"),
        max_steps=STEPS,
        per_device_train_batch_size=4,
        logging_steps=1,
        report_to=[],
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
        dataloader_pin_memory=False,
        seed=0,
        **options,
    )
    data: Any = [{"input_ids": x, "labels": y} for x, y in zip(ids, labels, strict=True)]
    trainer = transformers.Trainer(model, arguments, train_dataset=data, callbacks=list(callbacks))
    trainer.train()
    return [row["loss"] for row in trainer.state.log_history if "loss" in row], trainer


@pytest.mark.parametrize("make", [classifier, writer])
@pytest.mark.parametrize("batches", [1, 2])
def test_each_optimizer_step_is_one_of_the_run(
    make: Any, batches: int, store: Store, tmp_path: Path
) -> None:
    watched = GradientWatch(every=1, name="mine")
    losses, trainer = train(make, tmp_path, watched, gradient_accumulation_steps=batches)
    run, batch = store.run(watched.run_id), store.since(watched.run_id).batch
    assert (run.state, run.steps, run.name) == ("finished", STEPS, "mine")
    assert batch.steps.tolist() == list(range(1, STEPS + 1))
    assert batch.scalar("loss") == pytest.approx(losses, abs=1e-4)  # logged with four places
    assert run.config.optimizer == "adamw" and len(run.config.names) > 8
    assert (batch.metric("weight_grad_norm") > 0).any(1).all()
    assert trainer.state.global_step == STEPS


def test_weights_are_the_same_without_the_callback(store: Store, tmp_path: Path) -> None:
    watched, one = train(classifier, tmp_path, GradientWatch(every=1))
    alone, other = train(classifier, tmp_path)
    assert watched == alone
    pairs = zip(one.model.parameters(), other.model.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_stop_ends_the_run(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = GradientWatch(every=1, raise_on=["diverged"])
    with pytest.raises(Stopped):
        train(classifier, tmp_path, watched, learning_rate=float("inf"))
    assert store.run(watched.run_id).state in ("stopped", "diverged")
