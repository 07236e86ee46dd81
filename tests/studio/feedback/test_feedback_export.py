"""Files of votes: TRL's formats load and train, and every judgement comes out with where it comes from."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from studio import fields
from studio.data import held_out
from studio.errors import FeedbackError
from studio.feedback import judgements
from studio.feedback.export import export_jsonl, export_judgements
from studio.feedback.projects import tasks
from studio.feedback.training import to_dataset
from studio.models.registry import add_local
from studio.runs.plan import plan
from studio.workspace import Workspace
from tests.studio.feedback.judged import a_project, vote


def test_exported_rows_load_with_datasets_in_trls_columns(workspace: Workspace, tmp_path: Path) -> None:
    from datasets import load_dataset

    held_out.set_share(workspace, 0.4)
    project = a_project(workspace, prompts=20)
    for task in tasks(workspace, project.id):
        vote(workspace, task.id, "ann", strength=-2, acceptable=[True, False])
    out = tmp_path / "out"
    export_jsonl(workspace, [project.id], "preference", out)
    assert sorted(path.name for path in out.iterdir()) == ["manifest.json", "train.jsonl", "validation.jsonl"]
    loaded = load_dataset(
        "json", data_files={side: str(out / f"{side}.jsonl") for side in ("train", "validation")}, cache_dir=str(tmp_path)
    )
    assert set(loaded["train"].column_names) == {"prompt", "chosen", "rejected", "margin"}
    assert len(loaded["train"]) + len(loaded["validation"]) == 20
    assert loaded["train"][0]["chosen"][0]["role"] == "assistant"
    written = export_jsonl(workspace, [project.id], "unpaired", tmp_path / "marks.jsonl")
    assert sorted(path.name for path in written) == ["marks-validation.jsonl", "marks.jsonl"]
    marks = load_dataset("json", data_files=str(tmp_path / "marks.jsonl"), split="train", cache_dir=str(tmp_path))
    assert set(marks.column_names) == {"prompt", "completion", "label"}
    assert marks[0]["label"] in (True, False)
    (packed,) = export_jsonl(workspace, [project.id], "preference", tmp_path / "all.zip")
    with zipfile.ZipFile(packed) as archive:
        assert archive.read("train.jsonl") == (out / "train.jsonl").read_bytes()


def test_rows_that_are_all_held_out_are_no_training_file(workspace: Workspace, tmp_path: Path) -> None:
    held_out.set_share(workspace, 0.9)
    project = a_project(workspace, prompts=12)
    for task in tasks(workspace, project.id, side="held_out"):
        vote(workspace, task.id, "ann", strength=-2)
    with pytest.raises(FeedbackError, match="held out"):
        export_jsonl(workspace, [project.id], "preference", tmp_path / "rows.jsonl")
    (tmp_path / "file").write_text("")
    with pytest.raises(FeedbackError, match="cannot be written"):
        export_jsonl(workspace, [project.id], "preference", tmp_path / "file" / "rows")


def test_the_shipped_dpo_recipe_plans_votes(workspace: Workspace, tiny_model: Path) -> None:
    project = a_project(workspace, prompts=30)
    for task in tasks(workspace, project.id):
        vote(workspace, task.id, "ann", strength=-2)
    info = to_dataset(workspace, [project.id], "preference", "votes")
    add_local(workspace, tiny_model, "tiny")
    recipe = next(preset.recipe for preset in fields.presets() if preset.name == "preference-dpo")
    found = plan(workspace, fields.apply_overrides(recipe, {"model": "tiny", "data.sources": "votes", "data.max_length": 64}))
    assert (found.rows, found.held_out) == (info.splits["train"], info.splits["validation"])
    assert not any("needs" in warning.text or "held out for comparing" in warning.text for warning in found.warnings)


def test_every_judgement_comes_out_with_its_origin(workspace: Workspace, tmp_path: Path) -> None:
    project = a_project(workspace, prompts=2)
    one, two = tasks(workspace, project.id)
    first = vote(workspace, one.id, "ann", strength=-1, comment="öhm")
    judgements.withdraw(workspace, first.id, first.person_id, "back")
    vote(workspace, two.id, "bob", strength=3, flags=[{"reason": "harmful"}])
    path = export_judgements(workspace, [project.id], tmp_path / "new" / "all.jsonl")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(line["person"], line["state"], line["counts"]) for line in lines] == [
        ("ann", "judged", False),
        ("ann", "withdrawn", False),
        ("bob", "judged", True),
    ]
    assert lines[1]["supersedes"] == lines[0]["id"]
    assert lines[0]["answer"] == {"strength": -1, "comment": "öhm"}
    assert lines[2]["answer"]["flags"] == [{"reason": "harmful"}]
    last = lines[2]
    assert (last["guidelines"], last["project"]["name"], last["task"], last["side"]) == (
        "Which one helps more?",
        "orders",
        two.id,
        two.side,
    )
    assert [(each["model"], each["text"], each["provenance"]["seed"]) for each in last["candidates"]] == [
        ("alpha", "alpha found order 1", 1),
        ("beta", "beta found order 1", 1),
    ]
    assert last["created_at"].endswith("Z")
