"""The shipped samples have the promised shapes and sizes, no duplicates, and are what the program writes."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from studio.data import store
from studio.data.samples import WORDS, Sample, shipped_samples
from studio.starter.samples import summaries, write_all
from studio.starter.samples_rankings import RUDE, rankings
from studio.starter.samples_smalltalk import CLOSING, FACTS, OPENING, TOPICS, smalltalk
from studio.starter.samples_support import RULES, SHOP, SIGNATURE, case_number, conversations
from studio.starter.words import DAYS, FIRST_NAMES, HOBBIES, OBJECTS, THINGS
from studio.workspace import Workspace

SAMPLES = Path(__file__).parents[3] / "assets" / "samples"


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SAMPLES / name).read_text(encoding="utf-8").splitlines()]


def _list(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((SAMPLES / name).read_text(encoding="utf-8"))
    return rows


def _rows() -> list[dict[str, str]]:
    with (SAMPLES / "sentiment.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_shipped_files_are_what_the_program_writes(tmp_path: Path) -> None:
    write_all(tmp_path)
    for path in tmp_path.iterdir():
        assert (SAMPLES / path.name).read_bytes() == path.read_bytes(), path.name
    assert {path.name for path in SAMPLES.iterdir()} == {path.name for path in tmp_path.iterdir()}


def test_the_sizes_are_as_the_cards_say_and_nothing_is_there_twice() -> None:
    texts = {
        "support.jsonl": [json.dumps(row) for row in _lines("support.jsonl")],
        "smalltalk.json": [json.dumps(row) for row in _list("smalltalk.json")],
        "sentiment.csv": [row["text"].lower() for row in _rows()],
        "summaries.json": [row["input"] for row in _list("summaries.json")],
        "preferences.jsonl": [row["prompt"].lower() for row in _lines("preferences.jsonl")],
        "rankings.jsonl": [row["prompt"].lower() for row in _lines("rankings.jsonl")],
    }
    overview = (SAMPLES / "README.md").read_text(encoding="utf-8")
    for (name, found), count in zip(texts.items(), (400, 300, 450, 300, 240, 200), strict=True):
        card = (SAMPLES / name).with_suffix(".md")
        assert len(found) == len(set(found)) == count, name
        assert f"| [`{name}`]({card.name}) | {count} |" in overview
        assert f"| rows | {count} |" in card.read_text(encoding="utf-8")


def test_every_sample_has_a_card_that_says_how_it_was_made() -> None:
    names = {path.stem for path in SAMPLES.iterdir() if path.suffix != ".md"}
    assert names == set(WORDS)
    for name in names:
        card = (SAMPLES / f"{name}.md").read_text(encoding="utf-8")
        assert all(f"## {part}" in card for part in ("What it teaches", "How to use it", "Limits"))
        assert "| licence | Apache-2.0 |" in card
        assert not re.search(r"\{[a-z -]*\}", card)


@pytest.mark.parametrize("sample", shipped_samples(), ids=lambda sample: sample.name)
def test_a_sample_is_recognised_and_imported_without_loss(sample: Sample, workspace: Workspace) -> None:
    kinds = {"sentiment": "labelled", "preferences": "preference", "rankings": "ranking"}
    info = store.import_file(workspace, sample.path, sample.name)
    card = sample.path.with_suffix(".md").read_text(encoding="utf-8")
    assert info.kind == kinds.get(sample.name, "chat")
    assert f"| kind | {info.kind} |" in card
    assert f"| rows | {info.rows + info.bad_row_count} |" in card
    assert bool(info.bad_row_count) == (sample.name == "customers_messy")


def test_pim_keeps_the_voice_and_the_facts() -> None:
    asked = {ask.lower().strip(".?"): topic for topic in TOPICS for ask in topic.asks}
    exchanges, told = Counter(), Counter()
    for row in _list("smalltalk.json"):
        talk = [turn for turn in row["conversations"] if turn["from"] != "system"]
        assert [turn["from"] for turn in talk] == ["human", "gpt"] * (len(talk) // 2)
        exchanges[len(talk) // 2] += 1
        assert talk[1]["value"].startswith(OPENING)
        for human, gpt in zip(talk[::2], talk[1::2], strict=True):
            assert gpt["value"].endswith(CLOSING)
            topic = asked.get(human["value"].lower().strip(".?"))
            if topic:
                told[topic.name] += 1
                assert FACTS[topic.name] in gpt["value"]
    assert set(exchanges) == {2, 3, 4}
    assert set(told) == set(FACTS)
    assert min(told.values()) >= 20


def test_pim_is_closed_on_monday_only() -> None:
    seen = set()
    for row in _list("smalltalk.json"):
        talk = [turn["value"] for turn in row["conversations"]]
        for asked, answer in pairwise(talk):
            day = next((day for day in DAYS if f"on {day} we are open" in answer or f"closed on {day}" in answer), "")
            if day:
                assert day in asked
                assert ("closed" in answer) == (day == "Monday")
                seen.add(day)
    assert seen == set(DAYS)


def test_ranks_follow_the_rule() -> None:
    tied = 0
    for row in _lines("rankings.jsonl"):
        assert set(row) == {"prompt", "answers", "ranks"}
        assert len(set(row["answers"])) == len(row["ranks"]) == 4
        best, worst = min(row["ranks"]), max(row["ranks"])
        assert best == 1
        assert set(row["ranks"]) == set(range(1, worst + 1))
        tied += worst < 4
        lengths = {rank: [len(a) for a, r in zip(row["answers"], row["ranks"], strict=True) if r == rank] for rank in (1, 2)}
        rude = {rank for answer, rank in zip(row["answers"], row["ranks"], strict=True) if answer in RUDE}
        assert rude <= {worst}
        if worst == 4:
            assert min(lengths[1]) > max(lengths[2])
    assert 0.15 < tied / 200 < 0.25
    assert f"{tied} of the rows" in (SAMPLES / "rankings.md").read_text(encoding="utf-8")


def test_every_support_answer_follows_the_house() -> None:
    turns = Counter()
    for row in _lines("support.jsonl"):
        talk = [message for message in row["messages"] if message["role"] != "system"]
        assert [message["role"] for message in talk] == ["user", "assistant"] * (len(talk) // 2)
        turns[len(talk) // 2] += 1
        assert talk[1]["content"].startswith(f"{SHOP}, good to hear from you")
        assert all(message["content"].endswith(SIGNATURE) for message in talk[1::2])
    assert set(turns) == {1, 2, 3}
    assert min(turns.values()) > 10


def test_a_case_number_repeats_the_digits_of_the_order() -> None:
    assert case_number("B-48213") == "FH-48213"
    cases = [row["messages"] for row in _lines("support.jsonl") if "Your case is" in json.dumps(row)]
    assert len(cases) > 200


def test_every_rule_of_the_house_is_shown() -> None:
    answers = json.dumps(_lines("support.jsonl"))
    for rules in RULES.values():
        for rule in rules:
            assert rule.split("{thing}")[0].strip() in answers


def test_the_three_labels_are_equally_frequent() -> None:
    assert Counter(row["label"] for row in _rows()) == {"positive": 150, "negative": 150, "neutral": 150}


def test_summaries_name_the_place_the_day_and_the_event() -> None:
    for row in _list("summaries.json"):
        assert set(row) == {"instruction", "input", "output"}
        place, rest = row["output"].split(", ", 1)
        day, event = rest.split(": ", 1)
        assert place in row["input"]
        assert day in row["input"]
        assert event.endswith(".")
        assert "\n" not in row["output"]


def test_the_chosen_answer_says_more_than_the_rejected() -> None:
    for row in _lines("preferences.jsonl"):
        assert set(row) == {"prompt", "chosen", "rejected"}
        assert len(row["chosen"]) > len(row["rejected"])


def test_held_out_rows_for_a_test_are_not_in_the_samples() -> None:
    shipped = {row["messages"][-2]["content"] for row in _lines("support.jsonl")}
    fresh = {talk[0]["content"] for talk in conversations(11, 40, "templates") if talk[0]["role"] == "user"}
    assert not shipped & fresh
    inputs = {row["input"] for row in summaries(11, 300)}
    assert not inputs & {row["input"] for row in summaries(11, 40, "slots")}


def test_persona_and_rankings_come_in_held_out_words_and_wordings_too() -> None:
    shipped = {turn["value"].lower() for talk in smalltalk(11, 300) for turn in talk if turn["from"] == "human"}
    asks = {ask.lower().strip(".?") for topic in TOPICS for ask in topic.asks[-1:]}
    assert not {text.strip(".?") for text in shipped} & asks
    fresh = {turn["value"].lower().strip(".?") for talk in smalltalk(11, 60, "templates") for turn in talk}
    assert len(fresh & asks) == len(asks)
    prompts = {row["prompt"].lower() for row in rankings(11, 200)}
    for split in ("slots", "templates"):
        assert not prompts & {row["prompt"].lower() for row in rankings(11, 30, split)}


def test_no_held_out_word_is_in_a_sample_for_training() -> None:
    text = " ".join(path.read_text(encoding="utf-8") for path in SAMPLES.iterdir() if path.suffix != ".md")
    words = [word for pool in (THINGS, FIRST_NAMES, HOBBIES, OBJECTS) for word in pool.held_out]
    assert re.findall(rf"\b(?:{'|'.join(words)})\b", text) == []
