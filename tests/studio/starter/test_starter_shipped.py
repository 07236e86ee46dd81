"""The model in assets/starter loads, answers with what it was told, reaches the stated scores, and is the one that its card describes.

A subset of the scores is computed again with the same questions. After a change of the corpus or the metrics, score anew with
`python -m studio.starter.evaluate --model assets/starter` and `python -m studio.starter.publish --out assets/starter --card-only`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from studio.starter.card import WEIGHTS, limits, proofs_section, sha256
from studio.starter.domains import DOMAINS
from studio.starter.evaluate import SEED, answers, items
from studio.starter.evaluation import abilities
from studio.starter.evaluation.abilities import Speaker
from studio.starter.evaluation.metrics import mean
from studio.starter.evaluation.tables import headlines, report

STARTER = Path(__file__).parents[3] / "assets" / "starter"
NOISE = 0.05
AGAIN = ("support", "facts", "system")


def _json(name: str) -> Any:
    return json.loads((STARTER / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def evaluation() -> dict[str, Any]:
    """The stated scores."""
    return _json("evaluation.json")


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


@pytest.mark.parametrize("split", ["templates", "slots"])
def test_it_reaches_the_stated_accuracy(shipped: tuple[Any, Any], evaluation: dict[str, Any], split: str) -> None:
    speaker = Speaker(*shipped)
    stated = {row["domain"]: row["accuracy"]["share"] for row in evaluation["rows"] if row["split"] == split}
    for domain in AGAIN:
        said = speaker.greedy(items(domain, split, evaluation["questions_each"]))
        assert mean([item.right(answer) for item, answer in said]) == pytest.approx(stated[domain], abs=NOISE), domain


def test_it_reaches_the_stated_scores_of_stories_sentiment_and_summaries(shipped: tuple[Any, Any], evaluation: dict[str, Any]) -> None:
    speaker, count = Speaker(*shipped), evaluation["questions_each"]
    stated = {section: evaluation[section][2] for section in ("stories", "sentiment", "summaries")}
    story = abilities.stories(speaker, "slots", count)["consistent"]["share"]
    sentiment = abilities.sentiment(speaker, "slots", count)
    summary = abilities.summaries(speaker, "slots", count)["rougeL"]["value"]
    assert story == pytest.approx(stated["stories"]["consistent"]["share"], abs=NOISE)
    assert sentiment["accuracy"]["share"] == pytest.approx(stated["sentiment"]["accuracy"]["share"], abs=NOISE)
    assert sentiment["macro_f1"]["value"] == pytest.approx(stated["sentiment"]["macro_f1"]["value"], abs=NOISE)
    assert summary == pytest.approx(stated["summaries"]["rougeL"]["value"], abs=NOISE)


def test_the_same_seed_gives_the_same_samples(shipped: tuple[Any, Any]) -> None:
    speaker, asked = Speaker(*shipped), items("greetings", "slots", 3)
    first = speaker.sampled(asked, 4)
    assert first == speaker.sampled(asked, 4)
    assert [len(said) for said in first] == [4, 4, 4]


def test_the_scores_are_those_of_these_weights_and_of_all_domains(evaluation: dict[str, Any]) -> None:
    assert evaluation["weights"] == sha256(STARTER / WEIGHTS)
    assert evaluation["seed"] == SEED
    assert list(dict.fromkeys(row["domain"] for row in evaluation["rows"])) == list(DOMAINS)


def test_the_card_is_the_one_that_the_figures_give(evaluation: dict[str, Any]) -> None:
    text = (STARTER / "README.md").read_text(encoding="utf-8")
    proofs = _json("proofs.json") if (STARTER / "proofs.json").exists() else []
    assert re.search(r"SHA-256 of `model.safetensors`: `([0-9a-f]{64})`", text).group(1) == sha256(STARTER / WEIGHTS)
    assert report(evaluation) in text
    assert all(cell in text for cells in headlines(evaluation).values() for cell in cells)
    assert limits(evaluation, _json("config.json")["max_position_embeddings"]) in text
    assert proofs_section(proofs) in text
    assert f"{_json('training.json')['steps']:,} steps" in text


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
