"""The shipped samples have the promised shapes and sizes, no duplicates, and are what the program writes."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

from studio.starter.samples import summaries, write_all
from studio.starter.samples_support import RULES, SHOP, SIGNATURE, case_number, conversations

SAMPLES = Path(__file__).parents[3] / "assets" / "samples"


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SAMPLES / name).read_text(encoding="utf-8").splitlines()]


def _rows() -> list[dict[str, str]]:
    with (SAMPLES / "sentiment.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_shipped_files_are_what_the_program_writes(tmp_path: Path) -> None:
    write_all(tmp_path)
    for path in tmp_path.iterdir():
        assert (SAMPLES / path.name).read_bytes() == path.read_bytes(), path.name
    assert {path.name for path in SAMPLES.iterdir()} == {path.name for path in tmp_path.iterdir()}


def test_the_sizes_are_as_the_card_says_and_nothing_is_there_twice() -> None:
    texts = {
        "support.jsonl": [json.dumps(row) for row in _lines("support.jsonl")],
        "sentiment.csv": [row["text"].lower() for row in _rows()],
        "summaries.json": [row["input"] for row in json.loads((SAMPLES / "summaries.json").read_text(encoding="utf-8"))],
        "preferences.jsonl": [row["prompt"].lower() for row in _lines("preferences.jsonl")],
    }
    card = (SAMPLES / "README.md").read_text(encoding="utf-8")
    for (name, found), count in zip(texts.items(), (400, 450, 300, 240), strict=True):
        assert len(found) == len(set(found)) == count, name
        assert f"| `{name}` | {count} |" in card


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
    for row in json.loads((SAMPLES / "summaries.json").read_text(encoding="utf-8")):
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
