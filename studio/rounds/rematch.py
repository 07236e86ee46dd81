"""A blind re-match: the new model against the one before it and the base, on held-out prompts, as the labelling project of the next round.

Prompts come from the held-out items of all projects, and, where these are too few, from the held-out rows of what the models learned from.
They are drawn uniformly, by a seed of the round's own. To let another model take part, add it in `rematch`.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from studio.data import held_out
from studio.data.store import VersionInfo
from studio.errors import FeedbackError, ModelError
from studio.feedback.api import Feedback
from studio.feedback.projects import ProjectInfo, list_projects
from studio.feedback.tasks import tasks
from studio.inference import prompt_sets
from studio.inference.compare import compare
from studio.inference.engine import Engine
from studio.inference.outputs import Messages
from studio.inference.sampling import Sampling
from studio.models.info import ModelInfo
from studio.rounds.origins import from_votes, inputs, line_of, model_named, rounds_of_runs, version_or_none
from studio.runs.store import get_run
from studio.workspace import Workspace

PROMPTS = 30
FEWEST_PROMPTS = 10


class Opened(Protocol):
    """An open studio, as far as it is needed here."""

    @property
    def workspace(self) -> Workspace: ...

    @property
    def engine(self) -> Engine: ...


@dataclass(frozen=True)
class Rematch:
    """Who meets whom on what: `models` are the new one, the one before it and the base, each once; `round` is that of the votes to come;
    `notes` say what a person should know of the prompts."""

    models: list[str]
    prompts: list[Messages]
    round: int
    notes: list[str]


def rematch(ws: Workspace, model: str, n: int = PROMPTS) -> Rematch:
    """Models and up to `n` held-out prompts for a blind comparison of a model, or of what a run made, with those before it.

    Raises `NotFoundError` and `ModelError` for a model that is not there, does not write or was not trained here, `FeedbackError` when no
    prompt is held out.
    """
    new = model_named(ws, model)
    if not new.generates or new.task != "causal":
        raise ModelError(f"{new.name} is a {new.called}: it writes no answers.", "Choose a model that does.")
    line = line_of(ws, new)
    others = list(dict.fromkeys([line[1].name, line[-1].name])) if len(line) > 1 else []
    if not others:
        raise ModelError(f"{new.name} was not made from another model here: nothing can be compared with it.", "Choose a trained one.")
    models = [new.name, *others]
    number = _round_after(ws, new)
    prompts = _drawn(ws, models, line, n, number)
    if not prompts:
        raise FeedbackError(
            "There are no held-out prompts to compare the models on.",
            f"{held_out.share_of(ws):.0%} of new prompts are held out: compare models on more of them, or raise that share.",
        )
    few = f"Only {len(prompts)} prompts are held out: the verdict will be uncertain." if len(prompts) < min(n, FEWEST_PROMPTS) else ""
    return Rematch(models, prompts, number, [few] if few else [])


def _round_after(ws: Workspace, model: ModelInfo) -> int:
    """The round after the one whose votes the model learned from; for one that learned from none, the newest there is."""
    numbers = {project.id: project.round for project in list_projects(ws)}
    of_data = {
        version.ref: max(known)
        for version, origin in from_votes(ws)
        if (known := [numbers[id] for id in origin.votes.projects if id in numbers])
    }
    learned = rounds_of_runs(ws, of_data).get(model.run or "")
    return learned + 1 if learned else max(numbers.values(), default=1)


def _drawn(ws: Workspace, models: Sequence[str], line: Sequence[ModelInfo], n: int, seed: int) -> list[Messages]:
    """Up to `n` held-out prompts, those of projects first, each once, drawn by the seed."""
    found: dict[str, Messages] = {}
    for project in list_projects(ws):
        for task in tasks(ws, project.id, side="held_out"):
            found.setdefault(task.prompt_sha256, task.prompt)
    rng = random.Random(f"re-match {seed}")
    prompts = rng.sample(list(found.values()), min(n, len(found)))
    if len(prompts) < n:
        more = [prompt for prompt in _of_rows(ws, models, line) if held_out.prompt_sha256(prompt) not in found]
        prompts += rng.sample(more, min(n - len(prompts), len(more)))
    return prompts


def _of_rows(ws: Workspace, models: Sequence[str], line: Sequence[ModelInfo]) -> list[Messages]:
    """The held-out prompts among the validation rows of the datasets that the models learned from."""
    refs = [ref for each in line if each.run for ref in inputs(get_run(ws, each.run).values).data]
    asked: list[Messages] = []
    for ref in dict.fromkeys(refs):
        version = version_or_none(ws, ref)
        if version is not None and _has_prompts(version):
            asked += prompt_sets.held_out(ws, ref)
    sides = held_out.sides_of(ws, asked, held_out.seen_in_training(ws, models, asked)) if asked else []
    kept = {held_out.prompt_sha256(prompt): prompt for prompt, side in zip(asked, sides, strict=True) if side == "held_out"}
    return list(kept.values())


def _has_prompts(version: VersionInfo) -> bool:
    return version.kind in prompt_sets.KINDS and prompt_sets.held_out_split(version) is not None


def start_rematch(
    opened: Opened,
    model: str,
    n: int = PROMPTS,
    samples: int = 1,
    name: str = "",
    guidelines: str = "",
    sampling: Sampling | None = None,
    stop: threading.Event | None = None,
    progress: Callable[[int, int], None] | None = None,
    **settings: Any,
) -> ProjectInfo:
    """Let the models of `rematch` answer its prompts, `samples` times each, and make the labelling project of the next round of that.

    People judge pairs where two models meet and rank where three do, unless `settings` (those of `ProjectSettings`) say otherwise; the
    guidelines are those of the newest project unless they are given, and the name that people see names no model. Raises what `rematch`,
    `compare` and `create_project` raise; once the models have answered, the comparison stays.
    """
    ws = opened.workspace
    plan = rematch(ws, model, n)
    name = _free_name(ws, name or f"Round {plan.round}: blind re-match")
    answers = list(
        compare(
            ws, opened.engine, plan.models, plan.prompts, sampling or Sampling(), samples, name, stop, round=plan.round, progress=progress
        )
    )  # fmt: skip
    if not answers:
        raise FeedbackError("The re-match was stopped before any model answered.", "Start it again.")
    asked = {"mode": "pair"} if len(plan.models) == 2 else {"mode": "rank", "candidates": min(9, len(plan.models) * samples)}
    told = guidelines or next((each.guideline.text for each in list_projects(ws) if each.guideline), "")
    return Feedback(ws).create(answers[0].comparison_id, name, guidelines=told, round=plan.round, **{**asked, **settings})


def _free_name(ws: Workspace, name: str) -> str:
    """The name, or with a number behind it where a project, deleted or not, has it already."""
    taken = {project.name for project in [*list_projects(ws), *list_projects(ws, deleted=True)]}
    number, free = 2, name
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free
