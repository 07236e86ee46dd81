"""Votes become training rows: one pair a strict couple, marks apart, margins on all or none, the split by prompt, and the same again."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from studio import db
from studio.data import held_out, store
from studio.errors import FeedbackError, NotFoundError
from studio.feedback import judgements, manifest, training
from studio.feedback.projects import delete_project, rename_project, set_gold, tasks
from studio.feedback.training import rebuild, rows_for, to_dataset
from studio.workspace import Workspace
from tests.studio.feedback.judged import a_project, asked, said, vote


@pytest.fixture
def ws(workspace: Workspace) -> Workspace:
    """A workspace in which no prompt is held out."""
    held_out.set_share(workspace, 0.0)
    return workspace


def contents(row: dict[str, Any], *names: str) -> tuple[str, ...]:
    return tuple(row[name][-1]["content"] for name in names)


def pairs(ws: Workspace, project_id: int, **how: Any) -> list[tuple[str, ...]]:
    return [contents(row, "chosen", "rejected") for row in rows_for(ws, [project_id], "preference", **how).splits["train"]]


def test_a_ranking_of_four_with_one_tie_gives_five_pairs(ws: Workspace) -> None:
    project = a_project(ws, models=("a", "b", "c", "d"), mode="rank")
    task = tasks(ws, project.id)[0]
    vote(ws, task.id, "ann", ranks=[2, 1, 2, 3])
    found = rows_for(ws, [project.id], "preference").splits["train"]
    first = [contents(row, "chosen", "rejected") for row in found]
    texts = {model: f"{model} found order 0" for model in "abcd"}
    assert set(first) == {(texts[x], texts[y]) for x, y in ("ba", "bc", "bd", "ad", "cd")}
    assert len(first) == 5
    assert not any("margin" in row for row in found)
    assert {row["group"] for row in found} == {f"judgement-{judgements.effective(ws)[0].id}"}
    ranking = rows_for(ws, [project.id], "ranking").splits["train"]
    assert [(row["ranks"], len(row["completions"])) for row in ranking] == [([2, 1, 2, 3], 4)]


def test_ties_give_no_pair_and_the_best_of_several_says_nothing_of_the_others(ws: Workspace) -> None:
    tied = a_project(ws, name="tied")
    vote(ws, tasks(ws, tied.id)[0].id, "ann", strength=0)
    with pytest.raises(FeedbackError, match="no preference rows"):
        rows_for(ws, [tied.id], "preference")
    best = a_project(ws, models=("a", "b", "c"), name="best", mode="best")
    vote(ws, tasks(ws, best.id)[0].id, "ann", best=1)
    assert sorted(pairs(ws, best.id)) == [("b found order 0", "a found order 0"), ("b found order 0", "c found order 0")]
    with pytest.raises(FeedbackError, match="no whole order"):
        rows_for(ws, [best.id], "ranking")


def test_a_written_answer_is_better_than_all_that_were_shown(ws: Workspace) -> None:
    project = a_project(ws)
    vote(ws, tasks(ws, project.id)[0].id, "ann", strength=-2, edited="It is in the van.", edited_from=0)
    alpha, beta = "alpha found order 0", "beta found order 0"
    assert sorted(pairs(ws, project.id)) == [("It is in the van.", alpha), ("It is in the van.", beta), (alpha, beta)]
    assert pairs(ws, project.id, edits=False) == [(alpha, beta)]
    assert rows_for(ws, [project.id], "ranking").splits["train"][0]["ranks"] == [1, 2, 3]


def test_margin_stands_on_every_row_or_on_none(ws: Workspace) -> None:
    project = a_project(ws, prompts=3)
    one, two, three = tasks(ws, project.id)
    vote(ws, one.id, "ann", strength=-3)
    vote(ws, two.id, "ann", strength=1)
    found = rows_for(ws, [project.id], "preference").splits["train"]
    assert [row["margin"] for row in found] == [3.0, 1.0]
    vote(ws, three.id, "ann", strength=2, edited="It is in the van.")
    assert not any("margin" in row for row in rows_for(ws, [project.id], "preference").splits["train"])
    without = rows_for(ws, [project.id], "preference", edits=False).splits["train"]
    assert [row["margin"] for row in without] == [3.0, 1.0, 2.0]
    forced = a_project(ws, name="forced", mode="forced")
    vote(ws, tasks(ws, forced.id)[0].id, "ann", strength=-1)
    mixed = rows_for(ws, [project.id, forced.id], "preference", edits=False).splits["train"]
    assert len(mixed) == 4
    assert not any("margin" in row for row in mixed)


def test_neighbours_of_unpaired_rows_differ_in_prompt(ws: Workspace) -> None:
    project = a_project(ws, prompts=12, models=("a", "b", "c", "d"), mode="rank")
    for task in tasks(ws, project.id):
        vote(ws, task.id, "ann", ranks=[1, 2, 3, 4], acceptable=[True, True, False, None])
    found = rows_for(ws, [project.id], "unpaired").splits["train"]
    assert len(found) == 36
    assert sum(row["label"] for row in found) == 24
    assert all(before["prompt"] != after["prompt"] for before, after in itertools.pairwise(found))
    lopsided = [{"prompt": asked(0), "n": n} for n in range(6)] + [{"prompt": asked(n), "n": n} for n in range(1, 6)]
    order = [row["prompt"] for row in training.apart(lopsided)]
    assert all(before != after for before, after in itertools.pairwise(order))
    assert len(training.apart(lopsided[:6])) == 6


def test_preferences_do_not_follow_from_marks_or_ratings(ws: Workspace) -> None:
    project = a_project(ws, mode="rating", criteria="helpful\nhonest", candidates=2)
    task = tasks(ws, project.id)[0]
    vote(ws, task.id, "ann", ratings=[{"helpful": 7, "honest": 4}, {"helpful": 1, "honest": 2}], acceptable=[True, False])
    vote(ws, task.id, "bob", ratings=[{"helpful": 5, "honest": 4}, {"helpful": 3, "honest": 2}])
    with pytest.raises(FeedbackError):
        rows_for(ws, [project.id], "preference")
    every = rows_for(ws, [project.id], "rating").splits["train"]
    assert [row["score"] for row in every] == [5.5, 1.5, 4.5, 2.5]
    mean = rows_for(ws, [project.id], "rating", rule="majority", criterion="helpful").splits["train"]
    assert [(row["score"], "annotator" in row) for row in mean] == [(6.0, False), (2.0, False)]
    with pytest.raises(FeedbackError, match="helpful, honest"):
        rows_for(ws, [project.id], "rating", criterion="kind")


def test_rules_majority_and_adjudicated(ws: Workspace) -> None:
    project = a_project(ws, prompts=2)
    split, even = tasks(ws, project.id)
    for person, strength in (("ann", -3), ("bob", 1), ("eve", 2)):
        vote(ws, split.id, person, strength=strength, acceptable=[True, person == "ann"])
    vote(ws, even.id, "ann", strength=-1)
    vote(ws, even.id, "bob", strength=1)
    vote(ws, even.id, "lead", "adjudication", strength=-2)
    assert len(pairs(ws, project.id)) == 5
    alpha, beta = "alpha found order {}", "beta found order {}"
    assert pairs(ws, project.id, rule="majority") == [(beta.format(0), alpha.format(0))]
    decided = rows_for(ws, [project.id], "preference", rule="adjudicated").splits["train"]
    assert [contents(row, "chosen", "rejected") for row in decided] == [
        (beta.format(0), alpha.format(0)),
        (alpha.format(1), beta.format(1)),
    ]
    assert [row["margin"] for row in decided] == [1.5, 2.0]
    marks = rows_for(ws, [project.id], "unpaired", rule="majority").splits["train"]
    assert {contents(row, "completion"): row["label"] for row in marks} == {(alpha.format(0),): True, (beta.format(0),): False}


def test_repeated_gold_and_withdrawn_judgements_give_no_rows(ws: Workspace) -> None:
    project = a_project(ws, prompts=3)
    one, two, three = tasks(ws, project.id)
    row = vote(ws, one.id, "ann", strength=1)
    judgements.withdraw(ws, row.id, row.person_id, "back")
    vote(ws, two.id, "ann", strength=1)
    set_gold(ws, two.id, [2, 1])
    kept = vote(ws, three.id, "ann", strength=1)
    again = judgements.record(ws, three.id, kept.person_id, kept.answer, "label", "again", repeat=1)
    found = rows_for(ws, [project.id], "preference")
    assert found.manifest.judgements == [kept.id] != [again.id]
    assert found.counts == {"judgements": 1, "rows": 1, "items_without_a_row": 0}


def test_no_prompt_stands_on_both_sides_of_the_split_in_any_round(workspace: Workspace) -> None:
    sides: dict[str, set[str]] = {"train": set(), "validation": set()}
    for round in (1, 2):
        project = a_project(workspace, prompts=40, name=f"round {round}", round=round)
        for number, task in enumerate(tasks(workspace, project.id)):
            vote(workspace, task.id, "ann", strength=1 if number % 2 else -1)
        info = to_dataset(workspace, [project.id], "preference", f"round-{round}")
        assert set(info.splits) == {"train", "validation"}
        for side in info.splits:
            stored = store.rows(workspace, info.ref, side, 0, 100)
            sides[side].update(held_out.prompt_sha256(row["prompt"]) for row in stored)
            assert {row["round"] for row in stored} == {str(round)}
    assert not sides["train"] & sides["validation"]
    assert sides["validation"] == set(held_out.held_out_hashes(workspace))


def test_a_version_is_made_again_row_for_row_also_after_more_votes(ws: Workspace) -> None:
    held_out.set_share(ws, 0.3)
    project = a_project(ws, prompts=10)
    todo = tasks(ws, project.id)
    for task in todo[:6]:
        vote(ws, task.id, "ann", strength=-2, acceptable=[True, False])
    infos = {kind: to_dataset(ws, [project.id], kind, f"votes-{kind}") for kind in ("preference", "ranking", "unpaired")}  # type: ignore[arg-type]
    first = judgements.effective(ws, [project.id])[0]
    judgements.withdraw(ws, first.id, first.person_id, "back")
    for task in todo:
        vote(ws, task.id, "bob", strength=3, acceptable=[False, True])
    rename_project(ws, project.id, "something else")
    later = to_dataset(ws, [project.id], "preference", "votes-preference")
    delete_project(ws, project.id)
    for info in [*infos.values(), later]:
        again = rebuild(ws, info.ref)
        for side, count in info.splits.items():
            assert again[side] == store.rows(ws, info.ref, side, 0, count)
        frozen = manifest.read(info.folder)
        assert frozen is not None
        assert len(frozen.judgements) == info.step["counts"]["read"]
    assert (infos["preference"].rows, later.rows, later.number) == (6, 15, 2)
    assert store.rows(ws, infos["preference"].ref, "train")[0]["source"] == "orders"


def test_a_manifest_that_does_not_fit_is_refused(ws: Workspace, tmp_path: Path) -> None:
    project = a_project(ws, prompts=2)
    for task in tasks(ws, project.id):
        vote(ws, task.id, "ann", strength=-2)
    info = to_dataset(ws, [project.id], "preference", "votes", author="lead", note="first")
    assert (info.step["author"], info.step["rule"], info.step["margin"]) == ("lead", "all", True)
    path = info.folder / manifest.FILE
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "judgements": values["judgements"][:1]}))
    with pytest.raises(FeedbackError, match="come out different"):
        rebuild(ws, info.ref)
    path.write_text(json.dumps({**values, "judgements": [999]}))
    with pytest.raises(FeedbackError, match="999"):
        rebuild(ws, info.ref)
    store.add_version(ws, "other", "preference", {"train": [{"prompt": asked(0), "chosen": said("a"), "rejected": said("b")}]}, {})
    with pytest.raises(NotFoundError, match="not made from votes"):
        rebuild(ws, "other")


def test_whole_conversations_are_rows_too(ws: Workspace) -> None:
    project = a_project(ws)
    task = tasks(ws, project.id)[0]
    followed = [*said("One moment."), {"role": "user", "content": "and now"}, *said("It is lost.")]
    with ws.db.write() as session:
        session.get_one(db.Candidate, task.candidates[0].id).messages = followed
    vote(ws, task.id, "ann", strength=2, edited="It is in the van.", edited_from=0)
    rows = {row["chosen"][-1]["content"]: row for row in rows_for(ws, [project.id], "preference", edits=False).splits["train"]}
    assert rows["beta found order 0"]["rejected"] == followed
    bettered = rows_for(ws, [project.id], "preference").splits["train"][0]
    assert (bettered["chosen"], bettered["rejected"]) == ([*followed[:-1], *said("It is in the van.")], followed)
    assert to_dataset(ws, [project.id], "preference", "talks").rows == 3
