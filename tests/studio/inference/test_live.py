"""Answering with a model in training leaves the training bit for bit as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.errors import ModelError
from studio.inference.engine import generate_live
from studio.inference.sampling import Sampling
from tests.tiny import make_model

MESSAGES = [{"role": "user", "content": "where is my parcel"}]


def train(folder: Path, out: Path, setup: str, ask: bool) -> tuple[dict, list[str]]:
    """Six steps with dropout; `ask` answers twice after each step. Gives the final weights and what was answered."""
    from datasets import Dataset
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        DataCollatorForLanguageModeling,
        Trainer,
        TrainerCallback,
        TrainingArguments,
        set_seed,
    )

    set_seed(3)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, attention_dropout=0.2, attn_implementation="eager")
    if setup == "lora":
        model = get_peft_model(model, LoraConfig(r=4, lora_dropout=0.3, target_modules="all-linear", task_type="CAUSAL_LM"))
    model.config.use_cache = False
    rows = Dataset.from_list([{"input_ids": tokenizer.encode(f"the shop opens at {i} and closes") + [0] * (i % 3)} for i in range(24)])
    answers: list[str] = []

    class Ask(TrainerCallback):
        def on_step_end(self, args, state, control, model=None, **_):
            if ask:
                for temperature in (0, 0.9):
                    answers.append(generate_live(model, tokenizer, MESSAGES, Sampling(max_new_tokens=8, temperature=temperature)))
            assert model.training
            assert model.config.use_cache is False

    arguments = TrainingArguments(
        out, max_steps=6, per_device_train_batch_size=4, learning_rate=1e-2, report_to=[], save_strategy="no", disable_tqdm=True,
        use_cpu=True, seed=3, gradient_checkpointing=setup == "checkpointing",
    )  # fmt: skip
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    Trainer(model=model, args=arguments, train_dataset=rows, data_collator=collator, callbacks=[Ask()]).train()
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}, answers


@pytest.mark.parametrize("setup", ["full", "lora", "checkpointing"])
def test_training_is_bit_identical_with_and_without_answers(tiny_model: Path, tmp_path: Path, setup: str):
    import torch

    with_answers, answers = train(tiny_model, tmp_path / "a", setup, ask=True)
    without, _ = train(tiny_model, tmp_path / "b", setup, ask=False)
    assert len(answers) == 12
    assert all(torch.equal(with_answers[name], without[name]) for name in without)


def test_the_pieces_join_to_the_answer(loaded):
    pieces: list[str] = []
    text = generate_live(*loaded, MESSAGES, Sampling(max_new_tokens=40, seed=1), pieces.append)
    assert "".join(pieces) == text
    assert text == generate_live(*loaded, MESSAGES, Sampling(max_new_tokens=40, seed=1))


def test_modes_come_back_module_by_module_also_after_an_error(tiny_model: Path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(tiny_model).train()
    model.model.layers[0].eval()
    before = [module.training for module in model.modules()]
    with pytest.raises(ModelError, match="too long"):
        generate_live(model, AutoTokenizer.from_pretrained(tiny_model), [{"role": "user", "content": "hello " * 900}], Sampling())
    assert [module.training for module in model.modules()] == before


def test_the_live_weights_answer(tmp_path: Path, loaded):
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(make_model(tmp_path / "other"))
    greedy = Sampling(max_new_tokens=12, temperature=0)
    before = generate_live(model, loaded[1], MESSAGES, greedy)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    assert generate_live(model, loaded[1], MESSAGES, greedy) != before
