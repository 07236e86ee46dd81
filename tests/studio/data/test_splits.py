"""Splits keep equal prompts on one side, are the same for equal seeds, and give each side its share."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from studio.data.schema import prompt_text
from studio.data.splits import Divider, SplitSettings, assign, split_rows


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


ITEMS = ["parcel", "invoice", "password", "refund", "contract", "newsletter", "voucher", "address", "warranty", "delivery"]


def test_near_duplicates_stay_on_one_side_on_request():
    rng = random.Random(5)
    rows = []
    for i in range(60):
        asked = f"customer {rng.random():.15f} wants to know where the {rng.choice(ITEMS)} number {rng.random():.15f} has been left"
        rows += [chat(asked, f"answer {i}"), chat(f"{asked} today", f"reply {i}")]
    rng.shuffle(rows)

    def torn(settings):
        side = {row["messages"][0]["content"]: name for name, part in split_rows(rows, "chat", settings).items() for row in part}
        return sum(side[asked] != side[f"{asked} today"] for asked in side if f"{asked} today" in side)

    assert torn(SplitSettings(validation=0.3)) > 5
    assert torn(SplitSettings(validation=0.3, group_similar=True)) == 0
    assert 30 <= len(split_rows(rows, "chat", SplitSettings(validation=0.3, group_similar=True))["validation"]) <= 42


def test_nearly_equal_answers_keep_rows_together_too():
    answer = "The shop opens at nine in the morning and closes at six in the evening, on Saturdays at two, and is closed on Sundays. "
    rows = [chat(f"q{i}", answer * 3 + f"{i}") for i in range(20)] + [chat(f"{item} x", f"{item} y") for item in ITEMS]
    divided = split_rows(rows, "chat", SplitSettings(validation=0.2, group_similar=True))
    assert sum(row["messages"][1]["content"].startswith("The shop") for row in divided["train"]) == 20
    assert divided["validation"]


@pytest.mark.parametrize("seed", range(8))
def test_made_up_rows_are_only_trained_on_and_so_is_what_they_were_made_of(seed):
    rows = [{"text": f"t{i}", "label": str(i % 2), "group": f"g{i}"} for i in range(100)]
    rows += [{"text": f"t{i} again", "label": str(i % 2), "group": f"g{i}", "augmented": "noise"} for i in range(40)]
    rows += [{"text": "t99", "label": "1", "augmented": "noise"}]
    divided = split_rows(rows, "labelled", SplitSettings(validation=0.25, test=0.25, seed=seed))
    held = divided["validation"] + divided["test"]
    assert not any(row.get("augmented") for row in held)
    assert not {row["group"] for row in held} & {f"g{i}" for i in [*range(40), 99]}
    assert 13 <= len(divided["validation"]) <= 16
    assert 13 <= len(divided["test"]) <= 16


def test_rows_of_a_group_stay_on_one_side():
    rows = [{"text": f"t{i}", "group": str(i // 4)} for i in range(100)]
    divided = split_rows(rows, "text", SplitSettings(validation=0.2, test=0.2))
    groups = [{row["group"] for row in part} for part in divided.values()]
    assert sum(map(len, groups)) == 25
    assert len(divided["validation"]) == 20


def test_when_all_rows_were_made_up_none_is_held_out():
    assert list(split_rows([{"text": str(i), "augmented": "noise"} for i in range(9)], "text", SplitSettings())) == ["train"]


def test_keys_and_labels_are_enough():
    keys = [i // 2 for i in range(400)]
    labels = ["rare" if i % 10 < 2 else "usual" for i in range(400)]
    sides = assign(keys, labels, SplitSettings(validation=0.2))
    assert all(sides[i] == sides[i + 1] for i in range(0, 400, 2))
    assert Counter(label for label, side in zip(labels, sides, strict=True) if side == "validation") == {"usual": 64, "rare": 16}
    assert assign(["a", "b"], None, SplitSettings(validation=0.5)).count("validation") == 1
    assert assign([], None, SplitSettings()) == []


def test_rows_one_by_one_are_divided_like_rows_together():
    rows = [chat(f"q{i % 50}", f"a{i}") for i in range(80)]
    settings = SplitSettings(validation=0.2, test=0.1)
    divider = Divider("chat", settings)
    for row in rows:
        divider.add(row)
    sides = divider.sides()
    assert [row for row, side in zip(rows, sides, strict=True) if side == "test"] == split_rows(rows, "chat", settings)["test"]


def test_the_same_seed_gives_the_split_that_it_always_gave():
    divided = split_rows([{"text": f"t{i}"} for i in range(20)], "text", SplitSettings(validation=0.2, test=0.1, seed=42))
    assert [row["text"] for row in divided["validation"]] == ["t4", "t9", "t13", "t14"]
    assert [row["text"] for row in divided["test"]] == ["t5", "t19"]


def test_a_system_text_that_rows_share_does_not_make_them_alike():
    system = {
        "role": "system",
        "content": "You are the assistant of a shop. Answer politely and briefly, and never promise what you cannot keep. " * 3,
    }
    rows = [{"messages": [system, *chat(f"where is the {item}", f"it is {i}")["messages"]]} for i, item in enumerate(ITEMS)]
    divided = split_rows(rows, "chat", SplitSettings(validation=0.2, group_similar=True))
    assert len(divided["validation"]) == 2
