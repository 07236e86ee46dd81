"""A comparison made by hand and a project about it, for tests of what follows from votes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio import db, people
from studio.feedback import judgements
from studio.feedback.answers import Answer
from studio.feedback.judgements import JudgementInfo
from studio.feedback.projects import ProjectInfo, create_project
from studio.feedback.settings import ProjectSettings
from studio.inference.sampling import Sampling
from studio.workspace import Workspace


def asked(number: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"where is order {number}"}]


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def a_project(
    ws: Workspace, prompts: int = 1, models: Sequence[str] = ("alpha", "beta"), name: str = "orders", round: int = 1, **settings: Any
) -> ProjectInfo:
    """A project in which each model answered each prompt once, with a text of its own."""
    with ws.db.write() as session:
        stored = {"sampling": Sampling(seed=1).model_dump(), "n": 1}
        comparison = db.Comparison(name=name, models=list(models), prompts=[asked(i) for i in range(prompts)], settings=stored)
        session.add(comparison)
        session.flush()
        for i in range(prompts):
            for model in models:
                session.add(
                    db.Candidate(
                        comparison_id=comparison.id, prompt_index=i, model=model, sample=0, text=f"{model} found order {i}", tokens=4,
                        seconds=0.1, finish_reason="stop", provenance={"model": model, "seed": 1},
                    )
                )  # fmt: skip
        comparison_id = comparison.id
    chosen = ProjectSettings(**{"overlap": 9, "shared_share": 0, "repeat_share": 0, "gold_share": 0, **settings})
    return create_project(ws, name, comparison_id, chosen, "Which one helps more?", round=round)


def vote(ws: Workspace, task_id: int, person: str, source: str = "label", **answer: Any) -> JudgementInfo:
    """What a person says of a task, in the order of its candidates."""
    who = people.known_person(ws, person)
    return judgements.record(ws, task_id, who.id, Answer(**answer), source, f"{task_id}-{person}-{source}-{answer}")
