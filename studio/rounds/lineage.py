"""Where a model comes from, down to each vote: model, run, recipe, dataset versions, labelling projects, judgements; as a tree. No torch.

`studio/models/lineage.py` tells the same in sentences, as far as the datasets. To show another kind of thing, make a `Node` of it where it
hangs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from sqlalchemy import select

from studio import db
from studio.data.step_words import step_words
from studio.errors import RecipeError
from studio.feedback.manifest import Manifest
from studio.feedback.statistics.words import counted
from studio.feedback.votes import parts
from studio.fields import summary
from studio.models.info import ModelInfo
from studio.models.lineage import SOURCES
from studio.rounds.origins import inputs, model_named, model_or_none, origin_of, version_or_none
from studio.runs.store import RunInfo, get_run
from studio.workspace import Workspace


@dataclass(frozen=True)
class Node:
    """One thing and what it was made of. `judgements` are the numbers of the votes, in the nodes of projects."""

    kind: Literal["model", "run", "recipe", "dataset", "project"]
    name: str
    sentence: str
    judgements: list[int] = field(default_factory=list)
    below: list[Node] = field(default_factory=list)


def lineage(ws: Workspace, model: str) -> Node:
    """The tree of a model, or of what a run made: newest on top, the base and the votes at the bottom. Raises `NotFoundError`."""
    return _model(ws, model_named(ws, model))


def walk(node: Node, depth: int = 0) -> Iterator[tuple[int, Node]]:
    """Every node of a tree with its depth, from the top."""
    yield depth, node
    for each in node.below:
        yield from walk(each, depth + 1)


def judgements_of(node: Node) -> list[int]:
    """The numbers of all judgements below a node, each once."""
    return sorted({number for _, each in walk(node) for number in each.judgements})


def ranges(numbers: Sequence[int]) -> str:
    """Numbers in order, runs of them together: `3-7, 9`."""
    found = []
    for _, run in groupby(enumerate(sorted(set(numbers))), lambda each: each[1] - each[0]):
        together = [number for _, number in run]
        found.append(str(together[0]) if len(together) == 1 else f"{together[0]}-{together[-1]}")
    return ", ".join(found)


def _model(ws: Workspace, info: ModelInfo) -> Node:
    if info.run is None:
        below = model_or_none(ws, info.base) if info.base else None
        return Node(
            "model", info.name, SOURCES[info.source].format(name=info.name, path=info.path), [], [_model(ws, below)] if below else []
        )
    run = get_run(ws, info.run)
    what = "model" if info.task == "causal" else info.called
    return Node("model", info.name, f"The {what} {info.name} was made by the run {run.name}.", [], [_run(ws, run)])


def _run(ws: Workspace, run: RunInfo) -> Node:
    given = inputs(run.values)
    below = [_dataset(ws, ref) for ref in given.data]
    for name, gone in ((given.reward_model, "The reward model"), (given.model, "The model")):
        info = model_or_none(ws, name) if name else None
        if info is not None:
            below.append(_model(ws, info))
        elif name:
            below.append(Node("model", name, f"{gone} {name} is not in this workspace any more."))
    recipe = Node("recipe", str(run.values.get("name", run.name)), _recipe_words(run), [], below)
    return Node("run", run.name, f"The run {run.name} is {run.state}.", [], [recipe])


def _recipe_words(run: RunInfo) -> str:
    try:
        return f"Its recipe: {summary(run.recipe)}."
    except RecipeError:
        return "Its recipe was written for another version of Luthier and can no longer be read."


def _dataset(ws: Workspace, ref: str) -> Node:
    version = version_or_none(ws, ref)
    if version is None:
        return Node("dataset", ref, f"{ref} is not in this workspace any more.")
    words = f"{version.ref}: {counted(version.rows, version.kind + ' row')}, {step_words(version.step)}."
    origin = origin_of(ws, version)
    if origin is None:
        return Node("dataset", version.ref, words)
    projects = _projects(ws, origin.votes)
    if origin.version.ref == version.ref:
        return Node("dataset", version.ref, words, [], projects)
    made = f"{origin.version.ref}: {counted(origin.version.rows, origin.version.kind + ' row')}, {step_words(origin.version.step)}."
    return Node("dataset", version.ref, words, [], [Node("dataset", origin.version.ref, made, [], projects)])


def _projects(ws: Workspace, votes: Manifest) -> list[Node]:
    """The projects of a manifest, each with its judgements."""
    numbers: dict[int, list[int]] = defaultdict(list)
    rounds: dict[int, int] = {}
    with ws.db.read() as session:
        for part in parts(votes.judgements):
            for id, project in session.execute(select(db.Judgement.id, db.Judgement.project_id).where(db.Judgement.id.in_(part))):
                numbers[project].append(id)
        for project, number in session.execute(select(db.Project.id, db.Project.round).where(db.Project.id.in_(list(votes.projects)))):
            rounds[project] = number
    return [
        Node("project", name, f"{name}, round {rounds.get(id, 1)}: {counted(len(numbers[id]), 'judgement')}.", sorted(numbers[id]))
        for id, name in votes.projects.items()
    ]
