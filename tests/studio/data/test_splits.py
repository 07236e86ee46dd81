"""Splits keep equal prompts on one side, are the same for equal seeds, and give each side its share."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from studio.data.schema import prompt_text
from studio.data.splits import SplitSettings, split_rows


def chat(question: str, answer: str) -> dict:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def test_rows_with_the_same_prompt_stay_on_one_side():
    rng = random.Random(3)
    rows = [chat(rng.choice(["Where is  it", "where is it ", "WHO", f"q{i}", f"q{i % 40}"]), f"a{i}") for i in range(400)]
    divided = split_rows(rows, "chat", SplitSettings(validation=0.2, test=0.1))
    sides = [{prompt_text(row, "chat") for row in part} for part in divided.values()]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]
    assert sum(len(part) for part in divided.values()) == 400
    assert 60 <= len(divided["validation"]) <= 90
    assert 30 <= len(divided["test"]) <= 50


@pytest.mark.parametrize("count", range(1, 40))
@pytest.mark.parametrize("kind", ["text", "labelled"])
def test_small_datasets_have_a_row_on_each_side(count, kind):
    rows = [{"text": f"t{i}", "label": str(i % 5)} for i in range(count)]
    divided = split_rows(rows, kind, SplitSettings(validation=0.1))
    assert divided["train"]
    assert ("validation" in divided) == (count >= 2)
    if count >= 3:
        divided = split_rows(rows, kind, SplitSettings(validation=0.05, test=0.05))
        assert all(divided[side] for side in ("train", "validation", "test"))


def test_equal_seeds_give_equal_splits():
    rows = [{"text": f"t{i}"} for i in range(100)]
    assert split_rows(rows, "text", SplitSettings(seed=1)) == split_rows(rows, "text", SplitSettings(seed=1))
    assert split_rows(rows, "text", SplitSettings(seed=1)) != split_rows(rows, "text", SplitSettings(seed=2))


def test_each_label_gets_its_share():
    rows = [{"text": f"t{i}", "label": "rare" if i % 10 == 0 else "usual"} for i in range(500)]
    divided = split_rows(rows, "labelled", SplitSettings(validation=0.2))
    assert Counter(row["label"] for row in divided["validation"]) == {"usual": 90, "rare": 10}
    many = [{"text": f"t{i}", "label": str(i % 77)} for i in range(770)]
    divided = split_rows(many, "labelled", SplitSettings(validation=0.1))
    assert len(divided["validation"]) == 77
    assert len({row["label"] for row in divided["validation"]}) == 77


def test_one_large_group_does_not_empty_the_training_side():
    rows = [chat("hello", f"a{i}") for i in range(90)] + [chat(f"q{i}", "a") for i in range(10)]
    divided = split_rows(rows, "chat", SplitSettings(validation=0.1))
    assert len(divided["train"]) >= 90
    assert divided["validation"]
