"""`luthier tasks` and `luthier votes`: a project is made, judged by two people, reported, settled, and becomes data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio import db
from studio.cli.votes import said_words
from studio.feedback.answers import Answer
from studio.workspace import Workspace

Luthier = Callable[..., Any]


@pytest.fixture
def comparison(tmp_path: Path) -> str:
    """Two models' answers to four questions, in the workspace that `luthier` uses."""
    prompts = [[{"role": "user", "content": f"Where is parcel {i}?"}] for i in range(4)]
    with Workspace(tmp_path / "ws").db.write() as session:
        row = db.Comparison(name="Parcels", models=["good", "bad"], prompts=prompts, settings={"sampling": {}, "n": 1})
        session.add(row)
        session.flush()
        for index in range(4):
            for model, text in (("good", f"Parcel {index} comes tomorrow."), ("bad", f"I know nothing of {index}.")):
                made = {"tokens": 5, "seconds": 0.1, "finish_reason": "stop", "provenance": {}}
                session.add(db.Candidate(comparison_id=row.id, prompt_index=index, model=model, text=text, **made))
        return str(row.id)


def test_a_project_from_its_items_to_a_dataset(luthier: Luthier, comparison: str, tmp_path: Path) -> None:
    settings = ["--overlap", "2", "--shared-share", "0", "--repeat-share", "0", "--guidelines", "Be kind."]
    code, project = luthier("tasks", "create", comparison, "--name", "ads", *settings)
    assert (code, project["tasks"], project["wanted"]) == (0, 4, 8)
    for person in ("ada", "ben"):
        for _ in range(4):
            _, item = luthier("tasks", "next", "ads", "--person", person)
            first = "tomorrow" in item["answers"][0][0]["content"]
            marks = "yes,no" if first else "no,yes"
            words = ["votes", "add", "--lease", str(item["lease"]), "--person", person, "--acceptable", marks]
            code, vote = luthier(*words, "--strength", "-2" if first else "2")
            assert (code, vote["person"]) == (0, person)
    assert luthier("tasks", "next", "ads", "--person", "ada", text=True)[1] == "Nothing is left to judge here.\n"
    assert "8 of 8" in luthier("tasks", "list", text=True)[1]
    shown = luthier("tasks", "show", "ads", text=True)[1]
    assert "Be kind." in shown
    assert "Where is parcel 0?" in shown
    _, report, _ = luthier("votes", "report", "ads", text=True)
    assert "good beats bad" in report
    assert "Wins of the row against the column" in report
    assert "Acceptable answers" in report
    assert luthier("votes", "report", "ads")[1]["standings"][0]["model"] == "good"
    _, version = luthier("votes", "dataset", "ads", "--name", "ads-votes", "--kind", "unpaired", "--note", "first")
    assert (version["kind"], version["rows"], version["step"]["note"]) == ("unpaired", 16, "first")
    _, files = luthier("votes", "export", "ads", "--out", str(tmp_path / "votes.jsonl"))
    assert len(Path(files[0]).read_text().splitlines()) >= 8
    _, files = luthier("votes", "export", "ads", "--kind", "preference", "--rule", "majority", "--out", str(tmp_path / "rows"))
    rows = [json.loads(line) for file in files if file.endswith(".jsonl") for line in Path(file).read_text().splitlines()]
    assert {row["chosen"][0]["content"][-9:] for row in rows} == {"tomorrow."}


def test_disagreements_are_listed_and_settled(luthier: Luthier, comparison: str) -> None:
    luthier("tasks", "create", comparison, "--name", "ads")
    _, shown = luthier("tasks", "show", "ads", "--rows", "1")
    task = str(shown["tasks"][0]["id"])
    assert "good" in luthier("tasks", "show", "ads", "--task", task, text=True)[1]
    luthier("votes", "add", "--task", task, "--person", "ada", "--strength", "-3", "--comment", "clear")
    luthier("votes", "add", "--task", task, "--person", "ben", "--strength", "3", "--flag", "harmful")
    _, listed, _ = luthier("votes", "list", "ads", text=True)
    assert "1 is better (3 of 3); “clear”" in listed
    newest = Answer.model_validate(luthier("votes", "list", "ads")[1][0]["answer"])
    assert said_words(newest) == "2 is better (3 of 3); flag: harmful"
    assert "ada: 1 is better" in luthier("votes", "disagreements", "ads", text=True)[1]
    assert luthier("votes", "add", "--task", task, "--strength", "-1", "--decide")[1]["source"] == "adjudication"
    assert luthier("votes", "disagreements", "ads")[1] == []


def test_taking_back_skipping_gold_and_states(luthier: Luthier, comparison: str) -> None:
    luthier("tasks", "create", comparison, "--name", "ranked", "--mode", "rank", "--candidates", "2", "--criteria", "kind,true")
    _, item = luthier("tasks", "next", "ranked")
    assert "--ranks" in luthier("tasks", "next", "ranked", text=True)[1]
    luthier("votes", "add", "--lease", str(item["lease"]), "--ranks", "1,1")
    _, again = luthier("votes", "undo", "ranked")
    assert again["previous"]["ranks"] == [1, 1]
    assert luthier("votes", "skip", str(again["lease"]), "--reason", "not my field")[1]["state"] == "skipped"
    assert "skipped not my field" in luthier("votes", "list", "ranked", "--history", text=True)[1]
    gold = luthier("tasks", "show", "ranked")[1]["tasks"][1]["id"]
    assert luthier("tasks", "gold", str(gold), "--ranks", "1,2")[1]["gold"] == [1, 2]
    assert luthier("tasks", "gold", str(gold), "--clear")[1]["gold"] is None
    assert luthier("tasks", "guidelines", "ranked", "--set", "Be strict.")[1]["number"] == 1
    assert "Be strict." in luthier("tasks", "guidelines", "ranked", text=True)[1]
    for word, state in (("pause", "paused"), ("open", "open"), ("close", "closed")):
        assert luthier("tasks", word, "ranked")[1]["state"] == state
    luthier("tasks", "rename", "ranked", "ordered")
    luthier("tasks", "delete", "ordered")
    assert luthier("tasks", "list")[1] == []
    assert luthier("tasks", "restore", "ordered")[1]["name"] == "ordered"


def test_a_file_of_preferences_becomes_items_with_or_without_its_votes(luthier: Luthier, tmp_path: Path) -> None:
    rows = [
        {"prompt": f"q{i}?", "chosen": f"a fine answer {i}", "rejected": f"no {i}", "chosen_model": "new", "rejected_model": "old"}
        for i in range(6)
    ]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, made = luthier("votes", "import", str(tmp_path / "pairs.jsonl"), "--name", "theirs")
    assert (code, made["project"]["judged"], made["imported"]["votes"]) == (0, 6, 6)
    assert luthier("votes", "report", "theirs")[1]["standings"][0]["model"] == "new"
    _, out, _ = luthier("tasks", "import", str(tmp_path / "pairs.jsonl"), "--name", "ours", "--mode", "forced", text=True)
    assert "6 items" in out
    assert "6 rows read, 0 votes, 0 set aside" in out
    assert luthier("tasks", "show", "ours")[1]["project"]["judged"] == 0
    assert luthier("votes", "report", "ours", text=True)[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tasks", "create", "99"], "comparison 99"),
        (["tasks", "create", "1", "--overlap", "none"], "overlap"),
        (["tasks", "show", "nothing"], "nothing"),
        (["tasks", "gold", "1"], "--ranks"),
        (["tasks", "restore", "nothing"], "nothing"),
        (["votes", "add", "--strength", "1"], "--lease"),
        (["votes", "add", "--task", "1", "--ranks", "first"], "ranks"),
        (["votes", "add", "--task", "1", "--acceptable", "maybe"], "mark"),
        (["votes", "add", "--lease", "1", "--decide", "--strength", "1"], "--task"),
        (["votes", "report", "nothing"], "nothing"),
    ],
)
def test_errors_are_sentences(luthier: Luthier, comparison: str, words: list[str], said: str) -> None:
    code, error = luthier(*words)
    assert code == 1
    assert said in error["error"] + error["remedy"]
