"""The corpus is the same for the same seed, keeps its held-out part out of training, and its rules fit its answers."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys

import pytest

from studio.starter import domains, words
from studio.starter.corpus import dialogue, dialogues
from studio.starter.domains import DOMAINS
from studio.starter.domains.support_wordings import INTENTS
from studio.starter.evaluate import holds, items
from studio.starter.slots import Pool, articles, held_out_count, kept

TRAINING = 4000


@pytest.fixture(scope="module")
def training_text() -> list[str]:
    """Every message of a part of the training corpus."""
    return [message["content"] for item in dialogues(7, 0, TRAINING) for message in item.messages]


def _modules() -> list[object]:
    return [words, *(importlib.import_module(f"{domains.__name__}.{found.name}") for found in pkgutil.iter_modules(domains.__path__))]


def _pools() -> list[Pool]:
    return list({id(value): value for module in _modules() for value in vars(module).values() if isinstance(value, Pool)}.values())


def test_the_same_seed_gives_the_same_dialogues_and_another_seed_others() -> None:
    assert list(dialogues(7, 40, 60)) == [dialogue(7, index) for index in range(40, 100)]
    assert list(dialogues(7, 0, 60)) != list(dialogues(8, 0, 60))


def test_a_new_process_makes_the_same_dialogue() -> None:
    code = "from studio.starter.corpus import dialogue; print([dialogue(7, i).messages for i in range(30)])"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "99"})
    assert output.stdout.strip() == str([dialogue(7, index).messages for index in range(30)])


def test_no_held_out_word_is_in_the_training_text(training_text: list[str]) -> None:
    held_out = {word.lower() for pool in _pools() for word in pool.held_out}
    assert len(held_out) > 60
    pattern = re.compile(r"(?<!\w)(?:" + "|".join(sorted(map(re.escape, held_out), key=len, reverse=True)) + r")(?!\w)")
    found = {word for text in training_text for word in pattern.findall(text.lower())}
    assert found == set()


def test_no_word_is_in_both_parts_and_no_pool_repeats_a_word() -> None:
    for pool in _pools():
        assert len(set(pool.words)) == len(pool.words), pool.name
        assert not set(pool.train) & set(pool.held_out), pool.name
        assert pool.held_out, pool.name


def test_no_invented_name_or_number_of_the_test_is_in_training(training_text: list[str]) -> None:
    numbers = {digits for text in training_text for digits in re.findall(r"\d{4,6}", text)}
    towns = {word for text in training_text for word in re.findall(r"[A-Z][a-z]+(?:bury|wick|mouth|haven|stead)", text)}
    assert len(numbers) > 300
    assert len(towns) > 200
    assert not [text for text in numbers | towns if kept(text)]


def _held_out_templates() -> list[str]:
    named = [(name, value) for module in _modules() for name, value in vars(module).items() if isinstance(value, tuple)]
    asks = [value for name, value in named if "ASK" in name or name in {"_MY_NAME", "_RECALL", "_HOURS", "_WHERE", "_CAPITAL"}]
    asks += [wording for intent in INTENTS for wording in (intent.with_order, intent.without_order) if wording]
    return [template for wording in asks for template in wording[len(wording) - held_out_count(len(wording)) :]]


def test_no_held_out_wording_is_in_the_training_text(training_text: list[str]) -> None:
    templates = _held_out_templates()
    assert len(templates) > 30
    for template in templates:
        fixed = [re.escape(part) for part in re.split(r"\{\w+\}", template.rstrip(".?").lower())]
        pattern = re.compile(".+".join(fixed) + r"[.?]?")
        assert not [text for text in training_text if pattern.fullmatch(text.lower())], template


def test_the_test_splits_do_use_what_is_held_out() -> None:
    names = set(words.FIRST_NAMES.held_out)
    said = " ".join(message["content"] for item in dialogues(7, 0, 400, "slots") for message in item.messages)
    assert names & set(re.findall(r"\w+", said))


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_answer_of_the_test_passes_its_own_rule(domain: str) -> None:
    for split in ("slots", "templates"):
        for item in items(domain, split, 60):
            exchange = item.exchange
            assert all(holds(exchange.answer, (*exchange.must, *exchange.copied))), (exchange, split)


@pytest.mark.parametrize("domain", DOMAINS)
def test_what_must_be_copied_stands_in_the_conversation(domain: str) -> None:
    for item in items(domain, "templates", 60):
        before = " ".join(message["content"] for message in item.messages)
        lost = [piece for piece, there in zip(item.exchange.copied, holds(before, item.exchange.copied), strict=True) if not there]
        assert domain in {"greetings", "stories"} or not lost, (before, lost)


def test_answers_differ_by_style() -> None:
    answers = {dialogue(3, index, "templates", "facts").style for index in range(60)}
    assert answers == {"plain", "warm", "formal", "curt", "wordy"}


def test_an_article_fits_its_noun() -> None:
    assert articles("A umbrella, a lamp and a oven.") == "An umbrella, a lamp and an oven."


def test_the_base_is_not_taught_the_house_of_the_samples(training_text: list[str]) -> None:
    text = " ".join(training_text)
    for taught in ("Fernhill", "FH-", "Ines", "21 days", "neutral"):
        assert taught not in text
