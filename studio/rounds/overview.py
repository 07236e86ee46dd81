"""The rounds of a workspace as they stand: votes, agreement, verdict, datasets, runs, models, and what comes next in one sentence.

A round is known by the number of its labelling projects; datasets, runs and models belong to the newest round whose votes they come from.
All of it is derived from what is stored. To name another state, add it to `Step` and to `_next`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from studio.data.store import VersionInfo
from studio.feedback import judgements
from studio.feedback.projects import ProjectInfo, list_projects
from studio.feedback.report import report
from studio.feedback.statistics.results import Report, Verdict
from studio.feedback.statistics.words import counted, listed
from studio.feedback.tasks import outline
from studio.models.registry import list_models
from studio.rounds.origins import from_votes, inputs, method_of, rounds_of_runs
from studio.runs.store import RunInfo, list_runs
from studio.workspace import Workspace

Step = Literal["judge", "gather", "train", "wait", "resume", "reward", "rematch", "done"]
SIMULATED = "simulation"


@dataclass(frozen=True)
class RoundProject:
    """A labelling project of a round. `agreement` is Krippendorff's alpha, None where too few items are shared."""

    id: int
    name: str
    mode: str
    state: str
    models: list[str]
    judgements: int
    judged: int
    wanted: int
    agreement: float | None
    verdict: str


@dataclass(frozen=True)
class RoundData:
    """A version of a dataset that was made of a round's votes; `judgements` is how many it comes from."""

    ref: str
    kind: str
    rows: int
    judgements: int


@dataclass(frozen=True)
class RoundRun:
    """A run that learned from a round's votes; `model` is what it made, None while there is none."""

    name: str
    state: str
    method: str
    data: list[str]
    model: str | None


@dataclass(frozen=True)
class RoundInfo:
    """One round. `judgements` counts what people said, `simulated` how many of these a written rule gave in their place, `trainable` those
    on prompts that may be trained on, and `unused` those of them that no dataset holds yet. `verdict` is what is known of the newest model
    against the one before it, `step` the kind of what comes next, `on` what that is about (a run, a model, a dataset), and `sentence` all
    of it for people."""

    number: int
    projects: list[RoundProject]
    judgements: int
    simulated: int
    trainable: int
    unused: int
    agreement: float | None
    verdict: str
    datasets: list[RoundData]
    runs: list[RoundRun]
    models: list[str]
    step: Step
    on: str
    sentence: str


@dataclass(frozen=True)
class _Known:
    """All projects, and by round their projects, datasets and runs; the age of each model; the judgements that datasets hold."""

    everything: list[ProjectInfo]
    projects: dict[int, list[ProjectInfo]]
    data: dict[int, list[RoundData]]
    runs: dict[int, list[RoundRun]]
    order: dict[str, int]
    held: set[int]


def rounds(ws: Workspace) -> list[RoundInfo]:
    """Every round that has a project, oldest first."""
    known = _known(ws)
    return [_round(ws, number, known) for number in sorted(known.projects)]


def _known(ws: Workspace) -> _Known:
    everything = list(reversed(list_projects(ws)))
    known = _Known(everything, defaultdict(list), defaultdict(list), defaultdict(list), model_order(ws), set())
    number_of = {project.id: project.round for project in everything}
    for project in everything:
        known.projects[project.round].append(project)
    rounds_of_data: dict[str, int] = {}
    for version, origin in from_votes(ws):
        numbers = [number_of[id] for id in origin.votes.projects if id in number_of]
        if numbers:
            rounds_of_data[version.ref] = max(numbers)
            known.data[max(numbers)].append(_data(version, len(origin.votes.judgements)))
            known.held.update(origin.votes.judgements)
    of_run = rounds_of_runs(ws, rounds_of_data)
    for run in reversed(list_runs(ws)):
        if run.name in of_run:
            known.runs[of_run[run.name]].append(_run(run))
    return known


def _data(version: VersionInfo, given: int) -> RoundData:
    return RoundData(version.ref, version.kind, version.rows, given)


def _run(run: RunInfo) -> RoundRun:
    return RoundRun(run.name, run.state, method_of(run), inputs(run.values).data, run.model)


def model_order(ws: Workspace) -> dict[str, int]:
    """The number of each model, deleted ones too: a higher one is newer."""
    return {model.name: model.id for model in [*list_models(ws), *list_models(ws, deleted=True)]}


def _round(ws: Workspace, number: int, known: _Known) -> RoundInfo:
    projects, data, runs = known.projects[number], known.data[number], known.runs[number]
    ids = [project.id for project in projects]
    found = report(ws, ids)
    simulated = sum(row.source == SIMULATED for row in judgements.effective(ws, ids))
    usable = trainable_votes(ws, ids)
    unused = sum(id not in known.held for id in usable)
    step, on, words = _next(projects, found.judgements, len(usable), data, runs, known.everything)
    by_rule = "" if not simulated else " (all simulated by a rule)" if simulated == found.judgements else f" ({simulated:,} simulated)"
    agreed = "" if found.agreement.alpha is None else f", agreement {found.agreement.alpha:.2f}"
    later = f"; {counted(unused, 'newer judgement')} in no dataset yet" if unused and data else ""
    return RoundInfo(
        number=number,
        projects=[_project(ws, project, known.order) for project in projects],
        judgements=found.judgements,
        simulated=simulated,
        trainable=len(usable),
        unused=unused,
        agreement=found.agreement.alpha,
        verdict=_verdict(ws, ids, known.order),
        datasets=data,
        runs=runs,
        models=[run.model for run in runs if run.model],
        step=step,
        on=on,
        sentence=f"Round {number}: {counted(found.judgements, 'judgement')}{by_rule}{agreed}; {words}{later}.",
    )


def _project(ws: Workspace, project: ProjectInfo, order: dict[str, int]) -> RoundProject:
    found = report(ws, [project.id])
    return RoundProject(
        project.id, project.name, project.mode, project.state, project.models, found.judgements, project.judged, project.wanted,
        found.agreement.alpha, _verdict(ws, [project.id], order),
    )  # fmt: skip


def trainable_votes(ws: Workspace, project_ids: Sequence[int]) -> list[int]:
    """The numbers of the judgements that may become training rows: of prompts that are not held out; no repeats, gold items, decisions."""
    usable = {task.id for task in outline(ws, project_ids) if task.side == "train" and task.gold is None}
    rows = [row for row in judgements.effective(ws, project_ids) if row.task_id in usable and not row.repeat]
    return [row.id for row in rows if row.source != judgements.ADJUDICATION]


def _verdict(ws: Workspace, project_ids: Sequence[int], order: dict[str, int]) -> str:
    """What is known of the newest model against the one before it: on held-out prompts where they met there, else on all."""
    held_out, whole = report(ws, project_ids, side="held_out"), report(ws, project_ids)
    newest = sorted(whole.models, key=lambda name: order.get(name, 0), reverse=True)[:2]
    for found, where in ((held_out, "On held-out prompts: "), (whole, "")):
        verdict = verdict_between(found, newest)
        if verdict is not None and verdict.games:
            return where + verdict.sentence
    if len(whole.models) == 1:
        return f"Only answers of {whole.models[0]} were judged, so there is no other model to tell it from."
    return whole.verdicts[0].sentence if whole.verdicts else "No two models have been compared yet."


def verdict_between(found: Report, two: Sequence[str]) -> Verdict | None:
    """The report's verdict on two models, whichever is ahead."""
    return next((verdict for verdict in found.verdicts if {verdict.a, verdict.b} == set(two)), None)


def _next(
    projects: Sequence[ProjectInfo],
    given: int,
    trainable: int,
    data: Sequence[RoundData],
    runs: Sequence[RoundRun],
    everything: Sequence[ProjectInfo],
) -> tuple[Step, str, str]:
    """The kind of the next step, what it is about, and the words for both what is and what comes."""
    if not given:
        name = projects[-1].name
        return "judge", name, f"next: judge the items of {name}"
    active = next((run for run in reversed(runs) if run.state in ("queued", "running", "paused")), None)
    if active is not None:
        return "wait", active.name, f"the run {active.name} is {active.state}; next: wait until it has ended"
    learned = [run.model for run in runs if run.model and run.method != "reward"]
    if learned:
        return _after_training(learned[-1], everything)
    rewards = [run.model for run in runs if run.model]
    if rewards:
        words = f"the reward model {rewards[-1]} learned from them; next: let a model learn from it (PPO, GRPO, RLOO or online DPO)"
        return "reward", rewards[-1], words
    if runs and runs[-1].state in ("failed", "stopped", "interrupted"):
        return "resume", runs[-1].name, f"the run {runs[-1].name} is {runs[-1].state}; next: continue it, or train again"
    if not trainable:
        words = "all on held-out prompts, which are never trained on; next: compare the best model with another on other prompts, and judge"
        return "gather", "", words
    if data:
        return "train", data[-1].ref, f"next: train on {data[-1].ref}"
    return "train", "", "next: train on these votes"


def _after_training(model: str, everything: Sequence[ProjectInfo]) -> tuple[Step, str, str]:
    judged = sorted({project.round for project in everything if model in project.models})
    if not judged:
        return "rematch", model, f"{model} learned from them; next: a blind re-match of {model}"
    where = listed([str(each) for each in judged])
    return "done", model, f"{model} learned from them and is judged in round {where}"


def newest_trainable(ws: Workspace) -> list[ProjectInfo]:
    """The projects of the newest round that has votes which may become training rows; empty when there is none."""
    by_number: dict[int, list[ProjectInfo]] = defaultdict(list)
    for project in list_projects(ws):
        by_number[project.round].append(project)
    for number in sorted(by_number, reverse=True):
        if trainable_votes(ws, [project.id for project in by_number[number]]):
            return by_number[number]
    return []
