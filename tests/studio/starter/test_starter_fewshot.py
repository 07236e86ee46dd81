"""Examples in the prompt decide the answer, system prompts are set and followed, and both keep their held-out part out of training."""

from __future__ import annotations

import re
from random import Random

import pytest

from studio.starter.corpus import dialogue
from studio.starter.dialogue import Exchange, Script
from studio.starter.domains import DOMAINS, fewshot, fewshot_forms, system, system_languages, system_wordings
from studio.starter.slots import Slots, Split, held_out_count
from studio.starter.styles import STYLES
from studio.starter.words import COLOURS, DAYS

DRAWS = 1500
SPLITS: tuple[Split, ...] = ("train", "templates", "slots")


def _drawn(script: Script, split: Split = "train", count: int = DRAWS) -> list[list[Exchange]]:
    return [script(Slots(Random(f"{split}/{index}"), split), STYLES[index % 5]) for index in range(count)]


def _asked(exchanges: list[Exchange]) -> str:
    return "\n".join(part for exchange in exchanges for part in (exchange.user, exchange.answer))[: -len(exchanges[-1].answer)]


def _slots(index: int, split: Split = "train") -> Slots:
    return Slots(Random(f"row/{index}"), split)


def test_both_are_domains_of_the_corpus() -> None:
    assert DOMAINS["fewshot"] == (fewshot.script, 12)
    assert DOMAINS["system"] == (system.script, 10)


@pytest.mark.parametrize("script", [fewshot.script, system.script])
@pytest.mark.parametrize("split", SPLITS)
def test_the_same_seed_gives_the_same_exchanges(script: Script, split: Split) -> None:
    assert _drawn(script, split, 100) == _drawn(script, split, 100)


@pytest.mark.parametrize("split", SPLITS)
def test_the_answer_is_exactly_what_must_be_said(split: Split) -> None:
    for exchanges in _drawn(fewshot.script, split, 500):
        last = exchanges[-1]
        assert last.must == (last.answer,)
        assert all(not exchange.must and not exchange.copied for exchange in exchanges[:-1])
        assert all(piece.lower() in _asked(exchanges).lower() for piece in last.copied), exchanges


def test_half_of_the_examples_are_earlier_turns() -> None:
    in_turns = sum(len(exchanges) > 1 for exchanges in _drawn(fewshot.script))
    assert 0.4 < in_turns / DRAWS < 0.6


@pytest.mark.parametrize("task", [fewshot._sentiment, fewshot._kind])
@pytest.mark.parametrize("examples", [2, 3, 4])
def test_every_label_occurs_among_the_examples_and_the_question_is_new(task: fewshot.Task, examples: int) -> None:
    for index in range(200):
        rows = task(_slots(index), examples)
        assert len(rows) == examples + 1
        assert rows[-1].wanted in {row.wanted for row in rows[:-1]}
        assert len({row.wanted for row in rows[:-1]}) >= 2
        assert rows[-1].given not in {row.given for row in rows[:-1]}


@pytest.mark.parametrize("split", SPLITS)
def test_only_codes_may_ask_for_an_example_again(split: Split) -> None:
    for task, _ in fewshot._MAKERS:
        repeated = 0
        for index in range(100):
            rows = task(_slots(index, split), 3)
            repeated += rows[-1].given in {row.given for row in rows[:-1]}
        assert (repeated > 0) == (task is fewshot._lookup), task


def test_codes_are_those_of_the_examples() -> None:
    for index in range(200):
        *examples, question = fewshot._lookup(_slots(index), 3)
        codes = {row.given: row.wanted for row in examples}
        assert [codes[key] for key in question.given.split(", ")] == question.wanted.split(", ")


def test_label_words_are_open() -> None:
    labels = {row.wanted for index in range(400) for row in fewshot._sentiment(_slots(index), 3)}
    assert len(labels) > 150
    assert {"good", "bad", "+", "-"} <= labels


def test_a_plural_follows_the_spelling() -> None:
    assert [fewshot._plural(word) for word in ("lamp", "box", "torch", "library", "key")] == [
        "lamps",
        "boxes",
        "torches",
        "libraries",
        "keys",
    ]


@pytest.mark.parametrize("split", SPLITS)
def test_the_bare_question_shows_no_answer(split: Split) -> None:
    for index in range(300):
        (only,) = fewshot.draw(_slots(index, split), "plain", 0)
        assert only.must == (only.answer,)
        assert "?" not in only.user.splitlines()[-1] or "\n" not in only.user


def test_a_prompt_is_short() -> None:
    assert max(len(" ".join(part for e in exchanges for part in (e.user, e.answer))) for exchanges in _drawn(fewshot.script)) < 700


@pytest.mark.parametrize("split", SPLITS)
def test_one_system_prompt_is_set_for_all_its_exchanges(split: Split) -> None:
    several = 0
    for exchanges in _drawn(system.script, split, 500):
        assert len({exchange.context for exchange in exchanges}) == 1
        assert exchanges[0].context
        several += len(exchanges) > 1
        for exchange in exchanges:
            answer, before = exchange.answer.lower(), f"{exchange.context} {_asked(exchanges)}".lower()
            assert all(piece.lower() in answer for piece in (*exchange.must, *exchange.copied)), exchange
            assert all(piece.lower() in before for piece in exchange.copied), exchange
    assert several > 100


def test_rules_are_followed_to_the_letter() -> None:
    checks = {
        r"(?:End every answer with|Always end with) (?:the word )?(\w+)\.": lambda answer, word: answer.endswith(f" {word}."),
        r"Begin every answer with (?:the word )?(\w+)\.": lambda answer, word: answer.startswith(f"{word}. "),
        r"Always call the user (\w+)\.": lambda answer, word: f", {word}" in answer,
        r"Sign your answers as (\w+)\.": lambda answer, word: answer.endswith(f"\n{word}"),
        r"Answer (yes) or no only\.": lambda answer, word: answer in ("Yes.", "No."),
        r"Answer in (one) word\.": lambda answer, word: re.fullmatch(r"\w+\.", answer) is not None,
    }
    seen = dict.fromkeys(checks, 0)
    for exchange in (exchange for exchanges in _drawn(system.script, count=3000) for exchange in exchanges):
        for pattern, check in checks.items():
            found = re.fullmatch(f"(?:You are a helpful assistant. )?{pattern}", exchange.context)
            if found:
                seen[pattern] += 1
                assert check(exchange.answer, found[1]), exchange
    assert min(seen.values()) > 5, seen


def test_a_language_has_a_word_for_everything() -> None:
    for spoken in system_languages.LANGUAGES.values():
        assert len(spoken.countries) == len(spoken.cities) == len(system_languages.COUNTRIES)
        assert len(set(spoken.numbers)) == len(system_languages.NUMBERS)
        assert len(set(spoken.colours)) == len(COLOURS)
        assert len(set(spoken.days)) == len(DAYS)


def test_answers_are_in_the_language_of_the_system_prompt() -> None:
    said = [exchange for exchanges in _drawn(system_languages.script) for exchange in exchanges]
    capitals = {(e.context.split()[-1].rstrip("."), e.answer) for e in said if "capital of Germany" in e.user and e.answer.count(" ") > 2}
    assert ("German", "Die Hauptstadt von Deutschland ist Berlin.") in capitals
    assert ("French", "La capitale de l'Allemagne est Berlin.") in capitals
    assert ("Spanish", "La capital de Alemania es Berlín.") in capitals


def _held_out(module: object) -> list[str]:
    lists = [value for name, value in vars(module).items() if "ASK" in name or name.endswith("_SYSTEM")]
    lists = [part for value in lists for part in (value.values() if isinstance(value, dict) else (value,))]
    return [wording for part in lists for wording in part[len(part) - held_out_count(len(part)) :]]


def test_no_held_out_wording_of_a_system_prompt_or_its_question_is_in_training() -> None:
    texts = {
        text for exchanges in _drawn(system.script, count=3000) for exchange in exchanges for text in (exchange.context, exchange.user)
    }
    templates = [wording for module in (system_wordings, system_languages) for wording in _held_out(module)]
    assert len(templates) > 30
    for template in templates:
        fixed = ".+".join(re.escape(part) for part in re.split(r"\{\w+\}", template.rstrip(".?").lower()))
        assert not [text for text in texts if re.fullmatch(rf"{fixed}[.?]?", text.lower())], template


def test_the_test_uses_the_held_out_wordings() -> None:
    contexts = {exchange.context for exchanges in _drawn(system.script, "templates", 200) for exchange in exchanges}
    assert {"Write everything in German.", "No answer is longer than a word."} <= contexts
    assert "Answer in German." not in contexts


def test_no_held_out_form_of_examples_is_in_training() -> None:
    texts = [_asked(exchanges) + exchanges[-1].answer for exchanges in _drawn(fewshot.script, count=3000)]
    for mark in ("==>", " plus ", "<<", " by ", "Before:", "Given:", *fewshot_forms.LEADS[-2:]):
        known = {"by": [r"\b(?:is|was) by\b"]}.get(mark.strip(), [])
        left = [re.sub("|".join(known), "", text) if known else text for text in texts]
        assert not [text for text in left if mark in text], mark
    shown = " ".join(_asked(exchanges) for exchanges in _drawn(fewshot.script, "templates", 300))
    assert all(mark in shown for mark in ("==>", "<<", "Before:", "Given:"))


def test_what_follows_a_system_prompt_keeps_to_it() -> None:
    talks = [talk for talk in (dialogue(5, index) for index in range(1500)) if talk.domain == "system"]
    assert len(talks) > 60
    assert all(exchange.context for talk in talks for exchange in talk.exchanges)
