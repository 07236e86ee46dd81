"""Rounds: from votes to a run with sensible settings, from its model to a blind re-match, and from a model back down to each vote."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import studio
from studio.data import held_out
from studio.data.store import add_version
from studio.errors import FeedbackError, ModelError
from studio.feedback import judgements, manifest
from studio.feedback.projects import ProjectInfo, tasks
from studio.fields import apply_overrides
from studio.inference.sampling import Sampling
from studio.models.registry import register_run_model, rename_model
from studio.rounds.advance import next_recipe, next_run
from studio.rounds.lineage import judgements_of, ranges, walk
from studio.rounds.rematch import rematch
from studio.runs.store import create_run, delete_run
from studio.session import Studio
from studio.workspace import Workspace
from tests.studio.cli.conftest import luthier
from tests.studio.feedback.judged import a_project, asked, said, vote

__all__ = ["luthier"]

TINY: dict[str, Any] = {
    "data.max_length": 64,
    "optim.learning_rate": 0.01,
    "optim.max_steps": 2,
    "evaluation.samples": 0,
    "compute.device": "cpu",
    "compute.threads": 1,
}
PEOPLE = ("ann", "ben")


@pytest.fixture
def opened(tmp_path: Path, tiny_model: Path) -> Iterator[Studio]:
    """A studio with the model `tiny`, which ends its answers after some ten tokens, and a third of all prompts held out."""
    folder = shutil.copytree(tiny_model, tmp_path / "tiny-that-ends")
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": list(range(5, 300, 12))}))
    made = studio.open(tmp_path / "ws")
    made.add_model(folder, "tiny")
    held_out.set_share(made.workspace, 0.3)
    yield made
    made.close()


def judged(ws: Workspace, project: ProjectInfo, source: str = "label", **answer: Any) -> None:
    """Two people say the same of every item."""
    for task in tasks(ws, project.id):
        for person in PEOPLE:
            vote(ws, task.id, person, source, **answer)


def test_the_loop_from_votes_to_a_verdict_and_back_down(opened: Studio, luthier: Callable[..., Any]) -> None:
    ws = opened.workspace
    assert opened.rounds() == []
    project = a_project(ws, prompts=24, models=("tiny", "rival"), round=1)
    assert [(each.step, each.on) for each in opened.rounds()] == [("judge", "orders")]
    judged(ws, project, strength=-2)
    (first,) = opened.rounds()
    assert (first.judgements, first.simulated, first.step) == (48, 0, "train")
    assert first.sentence == "Round 1: 48 judgements, agreement 1.00; next: train on these votes."
    assert "tiny beats rival" in first.verdict
    assert 0 < first.trainable < 48

    found = next_run(ws)
    recipe = found.recipe
    assert (recipe.method.kind, recipe.model, recipe.data.sources[0].name) == ("dpo", "tiny", "round-1-preference@1")
    assert (recipe.data.max_length, found.made, found.dataset.splits["train"]) == (256, True, first.trainable)
    assert any(sentence.startswith("It starts from tiny, which people preferred most") for sentence in found.why)
    again = next_run(ws, [project.id])
    assert (again.made, again.recipe) == (False, recipe), "the dataset of the same votes is made once"
    assert opened.rounds()[0].sentence.endswith("next: train on round-1-preference@1.")

    vote(ws, next(task for task in tasks(ws, project.id) if task.side == "train").id, "cid", strength=1)
    assert opened.rounds()[0].sentence.endswith("next: train on round-1-preference@1; 1 newer judgement in no dataset yet.")

    run = create_run(ws, apply_overrides(recipe, TINY))
    assert (opened.rounds()[0].step, opened.rounds()[0].on) == ("wait", run.name)
    run = opened.wait(run.name)
    model = str(run.model)
    (first,) = opened.rounds()
    assert (first.step, first.on, first.models) == ("rematch", model, [model])
    assert [(each.name, each.method, each.data) for each in first.runs] == [(run.name, "dpo", ["round-1-preference@1"])]

    plan = rematch(ws, run.name, n=5)
    assert (plan.models, plan.round, len(plan.prompts)) == ([model, "tiny"], 2, 5)
    never = held_out.held_out_hashes(ws)
    assert all(held_out.prompt_sha256(prompt) in never for prompt in plan.prompts)
    assert rematch(ws, model, n=5).prompts == plan.prompts
    second = opened.rematch(model, 5, sampling=Sampling(max_new_tokens=120, temperature=1.0, seed=3), overlap=2, repeat_share=0)
    assert (second.round, second.mode, second.models) == (2, "pair", sorted([model, "tiny"]))
    assert model not in second.name, "annotators see the name"
    assert second.guideline
    assert second.guideline.text == "Which one helps more?"
    items = tasks(ws, second.id)
    assert items
    assert all(task.side == "held_out" for task in items)
    for task in items:
        vote(ws, task.id, "ann", strength=-3 if task.candidates[0].model == model else 3)
    old, new = opened.rounds()
    assert (old.step, new.step, new.trainable) == ("done", "gather", 0)
    assert f"{model} learned from them and is judged in round 2" in old.sentence
    assert new.verdict.startswith(f"On held-out prompts: {model} ")
    assert next_run(ws).dataset.ref == "round-1-preference@2", "votes on held-out prompts are never trained on"
    with pytest.raises(FeedbackError, match="held-out prompts never are"):
        next_run(ws, [second.id])

    tree = opened.lineage(model)
    kinds = [(depth, node.kind) for depth, node in walk(tree)]
    assert kinds == [(0, "model"), (1, "run"), (2, "recipe"), (3, "dataset"), (4, "project"), (3, "model")]
    given = [row.id for row in judgements.effective(ws, [project.id]) if row.person in PEOPLE]
    assert judgements_of(tree) == given == judgements_of(opened.lineage(run.name))
    code, shown, _ = luthier("rounds", "lineage", model, text=True)
    assert code == 0
    assert f"Judgements {given[0]}-{given[-1]}" in shown
    _, listed = luthier("rounds")
    assert [each["step"] for each in listed] == ["done", "gather"]
    assert new.sentence in luthier("rounds", text=True)[1]
    _, planned = luthier("rounds", "rematch", model, "--prompts", "3", "--plan")
    assert (planned["models"], len(planned["prompts"])) == ([model, "tiny"], 3)

    rows = [{"prompt": asked(i), "chosen": said("good"), "rejected": said("bad")} for i in range(100, 160)]
    add_version(ws, "more", "preference", {"train": rows[:30], "validation": rows[20:]}, {})
    later = create_run(ws, apply_overrides(recipe, {"name": "later", "model": model, "data.sources": "more"}))
    third = register_run_model(ws, "third", "adapter", run.folder.model_path, model, later.id)
    rename_model(ws, "tiny", "tiny-again")
    assert rematch(ws, third.name, n=3).models == ["third", model, "tiny-again"], "new, previous and base"
    enough = {held_out.prompt_sha256(prompt) for prompt in rematch(ws, third.name, n=50).prompts}
    in_rows = {held_out.prompt_sha256(row["prompt"]) for row in rows}
    assert enough & in_rows, "held-out rows of what the models learned from make up for too few held-out items"
    assert not enough & {held_out.prompt_sha256(row["prompt"]) for row in rows[:30]}
    assert enough <= held_out.held_out_hashes(ws)
    delete_run(ws, later.name)
    delete_run(ws, run.name)
    assert opened.rounds()[0].step == "train"


def test_the_kind_of_votes_decides_what_is_learned_with(opened: Studio) -> None:
    ws = opened.workspace
    held_out.set_share(ws, 0.0)
    marks = a_project(ws, prompts=8, models=("tiny", "rival"), name="marks", mode="forced")
    for task in tasks(ws, marks.id):
        vote(ws, task.id, "ann", strength=1, acceptable=[True, False])
    assert next_recipe(ws, ["marks"], method="kto").data.sources[0].name == "round-1-unpaired@1"
    assert next_recipe(ws, ["marks"]).method.kind == "dpo", "an order says more than marks"
    assert next_recipe(ws, ["marks"]).model == "tiny", "the model that people preferred is not here, the other is"
    rated = a_project(ws, prompts=8, models=("tiny", "rival"), name="rated", round=2, mode="rating", criteria="helpful", candidates=2)
    for task in tasks(ws, rated.id):
        vote(ws, task.id, "ann", ratings=[{"helpful": 5}, {"helpful": 2}])
    reward = next_recipe(ws)
    assert (reward.method.kind, reward.name, reward.optim.epochs) == ("reward", "round-2-reward", 3)
    ranked = a_project(ws, prompts=3, models=("tiny", "b", "c"), name="ranked", mode="rank", candidates=3)
    for task in tasks(ws, ranked.id):
        vote(ws, task.id, "ann", ranks=[1, 2, 3])
    assert next_recipe(ws, ["ranked"], method="reward").data.sources[0].name == "round-1-ranking@1"
    assert next_recipe(ws, ["ranked"]).data.sources[0].name == "round-1-preference@2"
    vote(ws, tasks(ws, ranked.id)[0].id, "ben", ranks=[1, 2, 3])
    assert next_recipe(ws, ["ranked"]).data.sources[0].name == "round-1-preference@3", "new votes make a new version"
    for method, words in (("ppo", "no reward model"), ("sft", "not learned from with sft")):
        with pytest.raises(FeedbackError, match=words):
            next_recipe(ws, ["ranked"], method=method)
    with pytest.raises(FeedbackError, match="no rows to train on with kto"):
        next_recipe(ws, ["ranked"], method="kto")


def test_many_rows_are_seen_once_in_smaller_steps(opened: Studio) -> None:
    rows = [{"prompt": asked(i), "chosen": said("good"), "rejected": said("bad")} for i in range(1200)]
    add_version(opened.workspace, "many", "preference", {"train": rows}, {})
    add_version(opened.workspace, "few", "preference", {"train": rows[:10]}, {})
    many, few = opened.next_recipe(data="many"), opened.next_recipe(data="few")
    assert (many.optim.epochs, many.optim.per_device_batch_size, many.optim.learning_rate) == (1, 8, 0.00025)
    assert (few.optim.epochs, few.optim.per_device_batch_size, few.optim.learning_rate) == (5, 4, 0.0005)


def test_what_a_rule_said_in_place_of_people_is_called_so(opened: Studio) -> None:
    ws = opened.workspace
    project = a_project(ws, prompts=6)
    judged(ws, project, "simulation", strength=1)
    (only,) = opened.rounds()
    assert only.simulated == 12
    assert "12 judgements (all simulated by a rule)" in only.sentence
    with pytest.raises(FeedbackError, match="no votes to train on"):
        next_run(studio.open(ws.root.parent / "empty").workspace)
    with pytest.raises(ModelError, match="was not made from another model"):
        rematch(ws, "tiny")


def test_the_recipe_of_the_next_round_from_the_command_line(opened: Studio, luthier: Callable[..., Any], tmp_path: Path) -> None:
    assert "No rounds yet" in luthier("rounds", text=True)[1]
    held_out.set_share(opened.workspace, 0.0)
    judged(opened.workspace, a_project(opened.workspace, prompts=6, models=("tiny", "rival")), strength=-1)
    file = tmp_path / "next.yaml"
    code, shown, _ = luthier("rounds", "next", "--out", str(file), text=True)
    assert code == 0
    assert "kind: dpo" in shown
    assert "Train it: luthier train --name round-1-dpo" in shown
    assert studio.open(tmp_path / "ws").recipe(file).model == "tiny"
    code, found = luthier("rounds", "next", "--project", "orders", "--method", "orpo")
    assert (code, found["recipe"]["method"]["kind"], found["made"]) == (0, "orpo", False)
    version = found["dataset"]
    frozen = manifest.read(Path(version["folder"]))
    assert frozen is not None
    assert ranges(frozen.judgements) == "1-12"
