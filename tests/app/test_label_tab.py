"""What the Label tab shows and does, without a page: projects, the form for a new one, accounts, datasets."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from app import label_form, label_out, label_people, label_projects
from app.page import Page
from app.section_form import values_of
from studio import open as open_studio
from studio import people
from studio.data import store
from studio.errors import AccessError, FeedbackError
from studio.feedback import imports, projects, training
from studio.workspace import Workspace
from tests.studio.feedback.judged import a_project, vote

EVIL = "<img src=x onerror=window.pwned=1>"
DEFAULTS = [spec.default for spec in label_form.SPECS]


def request_of(person: people.PersonInfo) -> Any:
    """A request as the gate leaves it."""
    return SimpleNamespace(scope={"state": {"person": person}})


@pytest.fixture
def form(workspace: Workspace) -> label_form.NewProject:
    page = Page(open_studio(workspace.root))
    with gr.Blocks():
        return label_form.build(page)


def test_the_list_counts_filters_and_shows_how_far_each_is(workspace: Workspace) -> None:
    first = a_project(workspace, 2, name="one", overlap=2)
    a_project(workspace, 2, (EVIL, "beta"), name="two")
    vote(workspace, 1, "Ada", strength=1)
    heading, table = label_projects.projects_table(projects.list_projects(workspace), "", first.id)
    assert "Labelling projects (2)" in heading
    assert "1 of 4" in table
    assert f'data-key="{first.id}" tabindex="0" aria-current="true"' in table
    assert "<img" not in table
    _, table = label_projects.projects_table(projects.list_projects(workspace), "ALPHA")
    assert ">one<" in table
    assert ">two<" not in table
    assert "Round 1: alpha against beta, 2 items, 1 of 4 judgements" in label_projects.title_of(projects.get_project(workspace, first.id))


def test_a_project_is_made_from_a_comparison(workspace: Workspace, form: label_form.NewProject) -> None:
    earlier = a_project(workspace, 3)
    comparison = earlier.comparison_id
    name, round = form.named(comparison)
    assert (name, round) == ("Round 2: alpha against beta", 2)
    values = [label_form.COMPARISON, comparison, None, None, True, True, name, round, "Be kind.", *DEFAULTS]
    number, words = form.create(request_of(people.local_person(workspace)), *values)
    made = projects.get_project(workspace, number)
    assert (words, made.name, made.round, made.tasks) == ("", name, 2, 3)
    assert made.guideline is not None
    assert (made.guideline.text, made.created_by) == ("Be kind.", people.local_person(workspace).name)
    number, words = form.create(request_of(people.local_person(workspace)), *values)
    assert number == 0
    assert "is called Round 2: alpha against beta already" in words


def test_wrong_settings_name_their_field() -> None:
    values = values_of(label_form.SPECS, DEFAULTS)
    assert label_form.settings_of(values).mode == "pair"
    with pytest.raises(FeedbackError, match="People for each item: Input should be greater than or equal to 1"):
        label_form.settings_of({**values, "overlap": 0})


def test_a_file_of_preferences_becomes_a_project_with_its_votes(workspace: Workspace, form: label_form.NewProject, tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    rows = [{"prompt": f"question {i}", "chosen": f"good {i}", "rejected": f"bad {i} {EVIL}"} for i in range(4)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{\n")
    values = [label_form.FILE, None, str(path), None, True, True, "", 1, "", *DEFAULTS]
    number, words = form.create(request_of(people.local_person(workspace)), *values)
    assert words == ""
    made = projects.get_project(workspace, number)
    assert (made.tasks, made.judged) == (4, 4)
    origin = label_projects.origin_of(imports.imported(workspace, number))
    assert "From votes.jsonl: 5 rows read, 4 items, 4 votes, 1 row set aside." in origin
    assert "<li>line 5:" in origin
    number, _ = form.create(request_of(people.local_person(workspace)), *[*values[:2], None, "sample:rankings", False, *values[5:]])
    assert (projects.get_project(workspace, number).mode, projects.get_project(workspace, number).judged) == ("rank", 0)
    assert form.create(request_of(people.local_person(workspace)), *[*values[:2], None, *values[3:]])[0] == 0


def test_only_admins_change_accounts(workspace: Workspace) -> None:
    with gr.Blocks():
        panel = label_people.People(workspace)
        panel.lay_out()
    admin, trainer = (
        people.add_person(workspace, "ann", "admin", "long enough"),
        people.add_person(workspace, "tim", "trainer", "long enough"),
    )
    said = panel.add_one(request_of(trainer), "eve", "admin", "long enough")[-1]
    assert "may not change accounts" in said
    for act in (panel.change_role(request_of(trainer), "tim", "admin"), panel.change_password(request_of(trainer), "ann", "something")):
        assert "may not change accounts" in act[-1]
    assert "may not change accounts" in panel.take_away(request_of(trainer), "ann")[-1]
    with pytest.raises(AccessError):
        panel.bring_back(request_of(trainer), "ann")
    assert "eve" not in [one.name for one in people.list_people(workspace)]
    added = panel.add_one(request_of(admin), EVIL, "annotator", "long enough")
    assert added[:2] == ("", "")
    assert "can log in now" in added[-1]
    assert "<img" not in added[5]
    assert "trainer now" in panel.change_role(request_of(admin), EVIL, "trainer")[-1]
    assert "8 to" in panel.change_password(request_of(admin), "tim", "short")[-1]
    name, *_ = panel.take_away(request_of(admin), "tim")
    assert name == "tim"
    panel.bring_back(request_of(admin), "tim")
    panel.take_away(request_of(admin), "zoe")
    assert "last admin" in panel.take_away(request_of(admin), "ann")[-1]


def test_votes_become_a_dataset_and_files(workspace: Workspace) -> None:
    project = a_project(workspace, 12, name=f"Round 1: {EVIL}")
    for number in range(1, 13):
        vote(workspace, number, "Ada", strength=-2)
    with gr.Blocks():
        out = label_out.Out(workspace, gr.State(project.id))
        out.lay_out()
    kind, rule, _, name, expected, *_ = out.show(project.id)
    assert (kind, rule) == ("preference", "all")
    assert "12 judgements give 12 rows" in expected
    ref, words = out.make(request_of(people.local_person(workspace)), project.id, kind, rule, label_out.ALL_CRITERIA, True, name)
    version = store.get_version(workspace, ref)
    assert (version.kind, version.rows) == ("preference", 12)
    assert f"{version.dataset} v1 is made: 12 rows" in words
    assert training.rebuild(workspace, ref).keys() == version.splits.keys()
    assert "acceptable" in out.expect(project.id, "unpaired", "all", "", True)
    offered, words = out.judgements_as_file(project.id)
    assert len(Path(offered["value"]).read_text().splitlines()) == 12
    assert Path(out.rows_as_file(project.id, kind, rule, "", True)[0]["value"]).suffix == ".zip"
    assert out.rows_as_file(project.id, "rating", rule, "", True)[1].startswith('<div class="notice error"')
