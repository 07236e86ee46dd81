"""The whole of human feedback from Python: a project, items judged by people, a report, a dataset, files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import studio
from studio import db
from studio.errors import AccessError, FeedbackError
from studio.session import Studio

QUESTIONS = [f"Where is parcel {i}?" for i in range(6)]


@pytest.fixture
def opened(tmp_path: Path) -> Studio:
    return studio.open(tmp_path / "ws")


@pytest.fixture
def comparison(opened: Studio) -> int:
    """Two models' answers to six questions: `good` is helpful, `bad` is not."""
    prompts = [[{"role": "user", "content": question}] for question in QUESTIONS]
    with opened.workspace.db.write() as session:
        settings = {"sampling": {}, "n": 1}
        row = db.Comparison(name="Parcels", models=["good", "bad"], prompts=prompts, settings=settings)
        session.add(row)
        session.flush()
        for index, question in enumerate(QUESTIONS):
            for model, text in (("good", f"It comes tomorrow. ({question})"), ("bad", f"No idea. ({question})")):
                made = {"tokens": 5, "seconds": 0.1, "finish_reason": "stop", "provenance": {"model": model}}
                session.add(db.Candidate(comparison_id=row.id, prompt_index=index, model=model, text=text, **made))
        return row.id


def test_a_project_is_judged_reported_and_becomes_data(opened: Studio, comparison: int, tmp_path: Path) -> None:
    f = opened.feedback
    project = f.create(comparison, mode="pair", guidelines="Help.", overlap=2, shared_overlap=2, repeat_share=0)
    assert (project.name, project.tasks, project.guideline and project.guideline.number) == ("Parcels", 6, 1)
    for person in ("ada", "ben"):
        while item := f.next("Parcels", person):
            assert "good" not in str(item)
            again = f.next(project, person)
            assert again is not None
            assert again.lease == item.lease, "an item stays with its person"
            better = next(i for i, answer in enumerate(item.answers) if "tomorrow" in answer[0]["content"])
            f.submit(item, strength=-3 if better == 0 else 3, acceptable=[i == better for i in range(2)])
    assert f.project("Parcels").judged == f.project("Parcels").wanted
    report = f.report("Parcels")
    assert report.standings[0].model == "good"
    assert "good beats bad" in report.verdicts[0].sentence
    made = f.dataset("Parcels", "preference", "votes", rule="majority")
    assert (made.kind, made.rows) == ("preference", 6)
    rows = f.rebuild("votes")
    assert all("tomorrow" in row["chosen"][0]["content"] for side in rows.values() for row in side)
    (file,) = f.export(project, tmp_path / "all.jsonl")
    assert sum(json.loads(line).get("answer") is not None for line in file.read_text().splitlines()) >= 12
    assert any("chosen" in path.read_text() for path in f.export([project.id], tmp_path / "rows", "preference"))


def test_what_was_said_is_skipped_taken_back_and_changed(opened: Studio, comparison: int) -> None:
    f = opened.feedback
    f.create(comparison, "small", overlap=1, shared_share=0, repeat_share=0)
    item = f.next("small")
    assert item is not None
    f.submit(item, strength=2, comment="clear")
    again = f.undo("small")
    assert again is not None
    assert (again.task, again.answers, again.previous and again.previous.comment) == (item.task, item.answers, "clear")
    assert f.skip(again).state == "skipped"
    task = f.tasks("small")[0].id
    f.vote(task, "ada", strength=1)
    f.vote(task, "ada", strength=-2)
    assert [row.answer.strength for row in f.judgements("small")] == [-2]
    assert len(f.judgements("small", history=True)) == 5
    f.set_state("small", "paused")
    assert f.next("small", "ben") is None


def test_guidelines_gold_items_and_decisions(opened: Studio, comparison: int) -> None:
    f = opened.feedback
    project = f.create(comparison, "led", overlap=2)
    assert f.guidelines(project) is None
    assert [f.guidelines("led", text).number for text in ("Be kind.", "Be kind.", "Be strict.")] == [1, 1, 2]  # type: ignore[union-attr]
    first, second = f.tasks("led")[:2]
    assert f.gold(first.id, [1, 2]).state == "gold"
    f.vote(second.id, "ada", strength=3)
    f.vote(second.id, "ben", strength=-3)
    assert [split.task.id for split in f.disagreements("led")] == [second.id]
    with pytest.raises(AccessError):
        f.adjudicate(second.id, "ada", strength=3)
    f.adjudicate(second.id, strength=3)
    assert f.disagreements("led") == []


def test_what_cannot_be_done_is_said(opened: Studio, comparison: int) -> None:
    f = opened.feedback
    with pytest.raises(FeedbackError, match="overlap"):
        f.create(comparison, "wrong", overlap=0)
    with pytest.raises(FeedbackError, match="speed"):
        f.create(comparison, "wrong", speed=3)
    f.create(comparison, "right", mode="forced")
    item = f.next("right")
    assert item is not None
    with pytest.raises(FeedbackError, match="tie"):
        f.submit(item, strength=0)
    with pytest.raises(FeedbackError, match="colour"):
        f.submit(item, colour="blue")
    with pytest.raises(FeedbackError, match="No project"):
        f.report()
