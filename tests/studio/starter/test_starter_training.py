"""Training writes a folder that loads again, resumes where it stopped, and its template marks what the assistant says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from studio.starter.batches import training_batches
from studio.starter.corpus import dialogue
from studio.starter.model import SIZES, Shape, build
from studio.starter.template import END, PAD, START
from studio.starter.tokenizer import encode
from studio.starter.train import MICRO_BATCHES, MICRO_TOKENS, Settings, StarterError, Trainer, rate

TINY = Shape(vocabulary=400, hidden=16, layers=1, heads=2, mlp=32, context=512)
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Where is order 4821?"},
    {"role": "assistant", "content": "Checking 4821."},
    {"role": "user", "content": "Thanks."},
    {"role": "assistant", "content": "You are welcome."},
]


def _settings(out: Path, steps: int) -> Settings:
    return Settings(out, steps=steps, seed=5, report_steps=2, held_out=4, tokenizer_dialogues=150, shape=TINY)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training of three steps."""
    out = tmp_path_factory.mktemp("starter") / "run"
    Trainer(_settings(out, 3)).run()
    return out


@pytest.fixture
def tokenizer(trained: Path) -> Any:
    return AutoTokenizer.from_pretrained(trained)


def test_three_steps_write_a_folder_that_loads_and_answers(trained: Path, tokenizer: Any) -> None:
    model = AutoModelForCausalLM.from_pretrained(trained, dtype=torch.float32)
    ids = tokenizer.apply_chat_template(TALK[:2], add_generation_prompt=True, return_tensors="pt", return_dict=True)
    output = model.generate(**ids, max_new_tokens=5, do_sample=False)
    assert output.shape[1] > ids["input_ids"].shape[1]
    assert model.config.eos_token_id == tokenizer.convert_tokens_to_ids(END)
    assert model.generation_config.pad_token_id == tokenizer.convert_tokens_to_ids(PAD)
    assert "_name_or_path" not in (trained / "config.json").read_text()


def test_a_resumed_training_ends_at_the_same_weights(tmp_path: Path) -> None:
    straight = Trainer(_settings(tmp_path / "a", 4))
    straight.run()
    first = Trainer(_settings(tmp_path / "b", 4))
    source = training_batches(first.tokenizer, 5, MICRO_TOKENS["cpu"])
    for _ in range(2):
        first.step([next(source) for _ in range(MICRO_BATCHES)])
    first.save()
    second = Trainer(_settings(tmp_path / "b", 4), resume=True)
    second.run()
    assert (second.progress.step, second.progress.resumed) == (4, 1)
    for name, weight in straight.model.state_dict().items():
        assert torch.equal(weight, second.model.state_dict()[name]), name


def test_the_same_seed_gives_the_same_weights_and_each_evaluation_is_told_once(tmp_path: Path) -> None:
    first, second = (Trainer(_settings(tmp_path / name, 8)) for name in ("a", "b"))
    first.run()
    second.run()
    for name, weight in first.model.state_dict().items():
        assert torch.equal(weight, second.model.state_dict()[name]), name
    steps = [entry["step"] for entry in first.progress.history]
    assert steps == sorted(set(steps))
    assert steps[-1] == 8
    assert all(entry["loss"] > 0 for entry in first.progress.history)


def test_batches_made_ahead_by_other_processes_are_the_same_and_go_on_at_any_batch(tokenizer: Any) -> None:
    alone = training_batches(tokenizer, 5, 512, size=10)
    expected = [next(alone) for _ in range(12)]
    ahead = training_batches(tokenizer, 5, 512, size=10, workers=1)
    found = [next(ahead) for _ in range(12)]
    ahead.close()
    assert expected[-1].chunk > 0
    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one.ids, other.ids)
        assert torch.equal(one.counted, other.counted)
    later = next(training_batches(tokenizer, 5, 512, expected[-1].chunk, expected[-1].index, size=10))
    assert torch.equal(later.ids, expected[-1].ids)


def test_the_large_size_is_about_ten_million_parameters(tokenizer: Any) -> None:
    model = build(SIZES["large"], tokenizer)
    others = sum(p.numel() for p in model.parameters()) - model.get_input_embeddings().weight.numel()
    assert 9e6 < others + SIZES["large"].vocabulary * SIZES["large"].hidden < 12e6


def test_training_without_an_end_or_without_a_checkpoint_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StarterError, match="--minutes or --steps"):
        Trainer(Settings(tmp_path))
    with pytest.raises(StarterError, match="Leave --resume out"):
        Trainer(_settings(tmp_path / "none", 3), resume=True)


def test_the_rate_rises_then_falls() -> None:
    assert rate(0.0) < rate(0.02) > rate(0.5) > rate(1.0) > 0


def test_the_mask_marks_what_the_assistant_says_and_its_end(tokenizer: Any) -> None:
    found = tokenizer.apply_chat_template(TALK, return_assistant_tokens_mask=True, return_dict=True)
    said = [token for token, marked in zip(found["input_ids"], found["assistant_masks"], strict=True) if marked]
    assert tokenizer.decode(said) == f"Checking 4821.{END}You are welcome.{END}"


def test_training_and_the_template_give_the_same_tokens(tokenizer: Any) -> None:
    for index in range(30):
        messages = dialogue(9, index).messages
        ids, said = encode(tokenizer, messages)
        found = tokenizer.apply_chat_template(list(messages), return_assistant_tokens_mask=True, return_dict=True)
        assert found["input_ids"] == ids
        assert found["assistant_masks"] == [int(flag) for flag in said]


def test_the_prompt_for_an_answer_ends_with_the_open_turn(tokenizer: Any) -> None:
    text = tokenizer.apply_chat_template(TALK[:2], add_generation_prompt=True, tokenize=False)
    assert text == f"{START}system\nBe brief.{END}{START}user\nWhere is order 4821?{END}{START}assistant\n"


def test_typed_markers_stay_ordinary_text(tokenizer: Any) -> None:
    special = set(tokenizer.convert_tokens_to_ids([PAD, START, END]))
    for typed in ("<|im_end|>", "<|im_start|>assistant\n", "</s>", "<|endoftext|>", "<pad>", "[INST]"):
        ids = tokenizer(typed, add_special_tokens=False)["input_ids"]
        assert not special & set(ids)
        assert tokenizer.decode(ids) == typed


def test_numbers_are_cut_into_single_digits(tokenizer: Any) -> None:
    assert len(tokenizer("48213", add_special_tokens=False)["input_ids"]) == 5


def test_a_trainer_takes_the_template_for_assistant_only_loss(trained: Path, tokenizer: Any, tmp_path: Path) -> None:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(
        output_dir=str(tmp_path), max_steps=1, assistant_only_loss=True, use_cpu=True, bf16=False, report_to=[], save_strategy="no",
        per_device_train_batch_size=2, disable_tqdm=True, logging_steps=1,
    )  # fmt: skip
    trainer = SFTTrainer(str(trained), config, train_dataset=Dataset.from_list([{"messages": TALK}] * 2), processing_class=tokenizer)
    trainer.train()
    assert trainer.state.log_history[0]["loss"] > 0
