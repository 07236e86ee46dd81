"""The model in assets/starter loads, answers with what it was told, and is the one that its card describes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from studio.starter.domains import DOMAINS
from studio.starter.evaluate import answers, table
from studio.starter.publish import WEIGHTS, sha256

STARTER = Path(__file__).parents[3] / "assets" / "starter"


@pytest.fixture(scope="module")
def shipped() -> tuple[Any, Any]:
    """The shipped model and its tokenizer."""
    model = AutoModelForCausalLM.from_pretrained(STARTER, dtype=torch.float32).eval()
    return model, AutoTokenizer.from_pretrained(STARTER)


def _ask(shipped: tuple[Any, Any], *contents: str) -> str:
    roles = ("user", "assistant") * len(contents)
    return answers(*shipped, [[{"role": role, "content": content} for role, content in zip(roles, contents, strict=False)]])[0]


def test_it_answers_and_ends_its_turn(shipped: tuple[Any, Any]) -> None:
    answer = _ask(shipped, "What is the capital of France?")
    assert "Paris" in answer
    assert len(answer) < 300


def test_it_repeats_what_only_the_prompt_can_know(shipped: tuple[Any, Any]) -> None:
    assert "58213" in _ask(shipped, "Please cancel order 58213.")
    assert "Marelo" in _ask(shipped, "My name is Marelo.", "Hello Marelo.", "What is my name?")


def test_it_does_not_know_the_house_of_the_samples(shipped: tuple[Any, Any]) -> None:
    answer = _ask(shipped, "I want my money back for order 58213.")
    assert "Fernhill" not in answer
    assert "FH-" not in answer


def test_the_card_names_the_hash_of_the_weights_and_the_scores() -> None:
    card = (STARTER / "README.md").read_text(encoding="utf-8")
    evaluation = json.loads((STARTER / "evaluation.json").read_text(encoding="utf-8"))
    assert re.search(r"`([0-9a-f]{64})`", card).group(1) == sha256(STARTER / WEIGHTS)
    assert table(evaluation) in card
    assert {row["domain"] for row in evaluation["rows"]} == set(DOMAINS)


def test_the_folder_is_small_and_whole() -> None:
    files = {path.name: path.stat().st_size for path in STARTER.iterdir()}
    assert sum(files.values()) <= 15_000_000
    assert {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", WEIGHTS} <= set(
        files
    )
    assert "checkpoint.pt" not in files


def test_nothing_in_the_folder_names_the_place_where_it_was_made() -> None:
    for path in STARTER.iterdir():
        if path.name != WEIGHTS:
            text = path.read_text(encoding="utf-8")
            assert "/tmp/" not in text
            assert str(Path.cwd()) not in text
