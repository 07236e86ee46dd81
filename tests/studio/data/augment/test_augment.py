"""Augmented rows go to the training split alone, are marked, share their source's group, and come out the same for the same seed."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from studio.data import store
from studio.data.augment import drafts
from studio.data.augment.apply import augment, preview
from studio.data.augment.noise import NEIGHBOURS, cased, typed
from studio.data.augment.settings import STEPS, Balance, Noise, SystemPrompts, fields_of, step_of
from studio.data.schema import Row
from studio.errors import DataError
from studio.workspace import Workspace


def _chat(question: str, answer: str, system: str = "") -> Row:
    first = [{"role": "system", "content": system}] if system else []
    return {"messages": [*first, {"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def _labelled(workspace: Workspace) -> str:
    rows = [{"text": f"fine thing number {i}", "label": "good"} for i in range(12)]
    rows += [{"text": f"poor thing number {i}", "label": "bad"} for i in range(3)]
    return store.add_version(workspace, "reviews", "labelled", {"train": rows, "test": [{"text": "so so", "label": "bad"}]}, {}).ref


@pytest.fixture
def chats(workspace: Workspace) -> str:
    rows = [_chat(f"Where is parcel number {i}, and when will it come?", f"Parcel {i} comes on Monday.") for i in range(20)]
    return store.add_version(workspace, "chats", "chat", {"train": rows, "validation": [_chat("Hello there.", "Hello.")]}, {}).ref


def _rows(workspace: Workspace, ref: str, split: str = "train") -> list[Row]:
    return store.rows(workspace, ref, split, 0, 1000)


def test_noise_is_marked_grouped_and_kept_out_of_the_held_out_rows(workspace: Workspace, chats: str) -> None:
    before = _rows(workspace, chats)
    version = augment(workspace, chats, Noise(share=0.5, errors=0.1), author="Ada")
    rows = _rows(workspace, version.ref)
    made = [row for row in rows if row.get("augmented")]
    assert len(rows) == 30
    assert len(made) == 10
    assert _rows(workspace, version.ref, "validation") == _rows(workspace, chats, "validation")
    for row in made:
        sources = [other for other in rows if other.get("group") == row["group"] and not other.get("augmented")]
        assert len(sources) == 1
        assert row["messages"][-1] == sources[0]["messages"][-1], "the answer is not touched"
        assert row["messages"][0]["content"] != sources[0]["messages"][0]["content"]
        digits = [[c for c in r["messages"][0]["content"] if c.isdigit()] for r in (row, sources[0])]
        assert digits[0] == digits[1], "numbers stay as they are"
    assert [row["messages"] for row in rows[:20]] == [row["messages"] for row in before]
    assert version.step["author"] == "Ada"
    assert version.step["counts"] == {"read": 21, "added": 10, "removed": 0, "kept": 31}


def test_a_preview_tells_what_the_new_version_holds(workspace: Workspace, chats: str) -> None:
    step = Noise(share=0.3, seed=5)
    seen = preview(workspace, chats, step)
    version = augment(workspace, chats, step)
    made = [row["messages"] for row in _rows(workspace, version.ref) if row.get("augmented")]
    assert seen.added == len(made)
    assert seen.rows_after == version.splits["train"]
    assert [after["messages"] for _, after in seen.examples] == made[: len(seen.examples)]
    assert store.versions(workspace, "chats")[-1].number == 2, "the preview stored nothing"


def test_a_second_step_does_not_augment_what_was_augmented(workspace: Workspace, chats: str) -> None:
    first = augment(workspace, chats, Noise(share=1.0, errors=0.1, casing="upper"))
    second = augment(workspace, first.ref, SystemPrompts(prompts="Be brief.\nBe kind.", share=1.0))
    rows = _rows(workspace, second.ref)
    prompted = [row for row in rows if row.get("augmented") == "another system prompt"]
    assert len(prompted) == 20
    assert {row["messages"][0]["content"] for row in prompted} == {"Be brief.", "Be kind."}
    assert len({row["group"] for row in rows}) == 20, "a row, its noisy copy and its prompted copy are one group"


def test_a_prompt_that_a_row_has_already_is_not_given_again(workspace: Workspace) -> None:
    rows = [_chat("Hi.", "Hello.", "Be brief."), _chat("Who are you?", "A model.")]
    ref = store.add_version(workspace, "two", "chat", {"train": rows}, {}).ref
    version = augment(workspace, ref, SystemPrompts(prompts="Be brief.", share=1.0))
    made = [row for row in _rows(workspace, version.ref) if row.get("augmented")]
    assert [row["messages"][1]["content"] for row in made] == ["Who are you?"]


@pytest.mark.parametrize(
    ("method", "strength", "good", "bad"), [("over", 1.0, 12, 12), ("under", 1.0, 3, 3), ("over", 0.5, 12, 8), ("under", 0.5, 8, 3)]
)
def test_balancing_evens_out_the_training_rows(workspace: Workspace, method: Any, strength: float, good: int, bad: int) -> None:
    ref = _labelled(workspace)
    step = Balance(method=method, strength=strength)
    seen = preview(workspace, ref, step)
    version = augment(workspace, ref, step)
    labels = [row["label"] for row in _rows(workspace, version.ref)]
    assert seen.labels_after == {"bad": bad, "good": good} == {label: labels.count(label) for label in ("bad", "good")}
    assert version.splits["test"] == 1


def test_under_sampling_leaves_out_repeated_rows_before_real_ones(workspace: Workspace) -> None:
    over = augment(workspace, _labelled(workspace), Balance())
    rows = [row for row in _rows(workspace, over.ref) if row["label"] == "bad"] + _rows(workspace, over.ref)[:3]
    ref = store.add_version(workspace, "mixed", "labelled", {"train": rows}, {}).ref
    under = augment(workspace, ref, Balance(method="under"))
    left = [row for row in _rows(workspace, under.ref) if row["label"] == "bad"]
    assert len(left) == 3
    assert not any(row.get("augmented") for row in left)


def test_steps_refuse_rows_that_they_do_not_suit_and_settings_that_are_wrong(workspace: Workspace, chats: str) -> None:
    with pytest.raises(DataError, match="does not work on chat rows"):
        preview(workspace, chats, Balance())
    with pytest.raises(DataError, match="change nothing"):
        augment(workspace, chats, Noise(errors=0, casing="none"))
    with pytest.raises(DataError, match="share"):
        step_of({"kind": "noise", "share": 7})
    assert step_of({"kind": "balance", "method": "under"}) == Balance(method="under")


def test_noise_is_seeded_and_stays_near_its_rate() -> None:
    text = "the quick brown fox jumps over the lazy dog " * 50
    once, again = typed(text, 0.1, Random(3)), typed(text, 0.1, Random(3))
    assert once == again != typed(text, 0.1, Random(4))
    assert typed(text, 0, Random(3)) == text
    assert abs(len(once) - len(text)) < 0.06 * len(text)
    assert "q" in NEIGHBOURS["w"]
    assert "p" not in NEIGHBOURS["q"]
    assert cased("Ab", "upper", Random(1)) == "AB"
    assert cased("Ab", "none", Random(1)) == "Ab"


def test_every_setting_has_help_for_the_form() -> None:
    for step in STEPS:
        assert step.title
        assert step.summary
        for spec in fields_of(step):
            assert spec.title
            assert spec.help.endswith(".")


def test_drafts_wait_until_a_person_decides(workspace: Workspace, chats: str) -> None:
    source = _rows(workspace, chats)[4]
    ids = [drafts.propose(workspace, chats, _chat(f"My parcel {i}?", "On Monday."), source, "paraphrase", "starter") for i in range(3)]
    with pytest.raises(DataError, match="No draft is accepted"):
        drafts.add_accepted(workspace, chats)
    assert drafts.judge(workspace, ids[:2], "accepted") == 2
    drafts.judge(workspace, ids[1:2], "rejected")
    drafts.judge(workspace, ids[:1], "accepted", _chat("Where is my parcel?", "On Monday."))
    version = drafts.add_accepted(workspace, chats, "Ada")
    added = [row for row in _rows(workspace, version.ref) if row.get("augmented")]
    assert [row["messages"][0]["content"] for row in added] == ["Where is my parcel?"]
    assert added[0]["augmented"] == "paraphrase by starter"
    assert _rows(workspace, version.ref)[4]["group"] == added[0]["group"]
    assert [draft.state for draft in drafts.drafts(workspace, "chats", None)] == ["added", "rejected", "waiting"]
    assert drafts.judge(workspace, ids, "waiting") == 1, "what was added stays added"


def test_a_draft_of_a_row_that_is_gone_is_not_added(workspace: Workspace, chats: str) -> None:
    number = drafts.propose(workspace, chats, _chat("Eh?", "Yes."), _chat("Nobody asked this.", "No."), "paraphrase", "starter")
    drafts.judge(workspace, [number], "accepted")
    with pytest.raises(DataError, match="no longer in the training split"):
        drafts.add_accepted(workspace, chats)
    with pytest.raises(DataError, match="cannot hold text"):
        drafts.propose(workspace, chats, {"text": "x"}, {}, "paraphrase", "starter")
