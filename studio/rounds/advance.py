"""From votes to the next run: a recipe with settings that suit the data, and the dataset of votes made when it is not there yet.

What is chosen, and why, is said in words beside the recipe. The kind of rows decides the shipped recipe, the number of rows decides epochs,
batch and learning rate, and the model that people preferred is the start. To let another kind of vote choose a method, add it to `METHODS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from studio.data.schema import Row
from studio.data.store import VersionInfo, get_version, list_datasets, versions
from studio.errors import FeedbackError
from studio.feedback import manifest, training
from studio.feedback.manifest import Manifest
from studio.feedback.opinions import Rule
from studio.feedback.projects import ProjectInfo, get_project, list_projects
from studio.feedback.report import report
from studio.feedback.statistics.results import Report
from studio.feedback.statistics.words import counted
from studio.fields import apply_overrides, presets
from studio.methods import methods
from studio.methods.base import MethodSettings
from studio.models.info import ModelInfo
from studio.models.registry import list_models
from studio.recipe import Recipe
from studio.rounds.origins import origin_of
from studio.rounds.overview import newest_trainable
from studio.runs.cautions import RATES
from studio.workspace import Workspace

METHODS = {"preference": "dpo", "unpaired": "kto", "rating": "reward", "ranking": "reward"}
"""What is learned with from each kind of row, in the order in which they are tried; rankings give pairs too, and are for reward models."""
STEPS = 60
MOST_EPOCHS, MOST_EPOCHS_OF_REWARDS = 5, 3
FEW_ROWS, SMALL_BATCH = 32, 4
MANY_ROWS = 1000
SMALL_MODEL = 20_000_000
"""Parameters up to which the shipped recipes' learning rates are meant; larger models move in smaller steps."""


@dataclass(frozen=True)
class NextRun:
    """A recipe to train on votes, the dataset version that it names, whether that was made just now, and why each setting is what it is."""

    recipe: Recipe
    dataset: VersionInfo
    made: bool
    why: list[str]


def next_recipe(
    ws: Workspace, projects: Sequence[int | str] = (), dataset: str = "", method: str | None = None, rule: Rule = "all"
) -> Recipe:
    """The recipe of `next_run`."""
    return next_run(ws, projects, dataset, method, rule).recipe


def next_run(
    ws: Workspace, projects: Sequence[int | str] = (), dataset: str = "", method: str | None = None, rule: Rule = "all"
) -> NextRun:
    """The run that the votes of these projects, or of a dataset made from votes, call for.

    Without either, the newest round whose votes may be trained on is taken. The dataset is made, or a version of it added, when there is
    none of exactly these votes. Raises `FeedbackError` that says why when nothing can be learned, `NotFoundError` for unknown names.
    """
    if projects and dataset:
        raise FeedbackError("Projects and a dataset are both named.", "Name one of them: a dataset holds its projects' votes already.")
    _known(method)
    if dataset:
        version, made, of = get_version(ws, dataset), False, _projects_of(ws, dataset)
        chosen = _method_for(version.kind, method)
    else:
        of = [get_project(ws, each) for each in projects] or newest_trainable(ws)
        if not of:
            raise FeedbackError("There are no votes to train on yet.", "Judge answers to prompts that are not held out, then come back.")
        chosen, frozen = _rows_of(ws, of, method, rule)
        version, made = _version(ws, of, frozen)
    rows = version.splits.get("train", 0)
    if not rows:
        raise _all_held_out()
    found = report(ws, [project.id for project in of], rule=rule) if of else None
    start, why = _start(ws, found)
    changes, settings_why = _settings(ws, chosen, rows, start)
    number = max((project.round for project in of), default=1)
    changes |= {"name": f"round-{number}-{chosen.replace('_', '-')}", "model": start.name, "data.sources": version.ref}
    words = f"{version.ref} was made of the votes" if made else f"{version.ref} holds the votes"
    about = f"{words}: {counted(rows, version.kind + ' row')} to train on, {version.splits.get('validation', 0):,} held out."
    return NextRun(apply_overrides(_preset(chosen), changes), version, made, [about, *why, *settings_why])


def _known(method: str | None) -> None:
    named = {_kind(each): each for each in methods()}
    usable = [kind for kind, each in named.items() if set(each.row_kinds) & set(METHODS)]
    if method is not None and method not in usable:
        raise FeedbackError(f"Votes are not learned from with {method}.", f"Choose one of {', '.join(usable)}.")


def _kind(method: type[MethodSettings]) -> str:
    return str(method.model_fields["kind"].default)


def _settings_of(kind: str) -> type[MethodSettings]:
    return next(each for each in methods() if _kind(each) == kind)


def _preset(kind: str) -> Recipe:
    """The shipped recipe of a method."""
    return next(preset.recipe for preset in presets() if preset.recipe.method.kind == kind)


def _method_for(kind: str, method: str | None) -> str:
    chosen = method or METHODS.get(kind)
    if chosen is None or kind not in _settings_of(chosen).row_kinds:
        raise FeedbackError(
            f"{kind.capitalize()} rows are not learned from{f' with {chosen}' if chosen else ' here'}.",
            "Choose a dataset of votes, or another method.",
        )
    return chosen


def _projects_of(ws: Workspace, dataset: str) -> list[ProjectInfo]:
    """The projects whose votes a dataset comes from, as far as they are still listed."""
    origin = origin_of(ws, get_version(ws, dataset))
    if origin is None:
        return []
    known = {project.id: project for project in list_projects(ws)}
    return [known[id] for id in origin.votes.projects if id in known]


def _rows_of(ws: Workspace, of: Sequence[ProjectInfo], method: str | None, rule: Rule) -> tuple[str, Manifest]:
    """The method, and the votes frozen as the first kind of row that they give and it learns from."""
    ids, some = [project.id for project in of], False
    for kind in _kinds(of, method):
        frozen = training.freeze(ws, ids, kind, rule)
        rows = training.make(ws, frozen)
        some = some or bool(rows)
        if _enough(kind, rows.get("train", [])):
            return method or METHODS[kind], frozen
    if some:
        raise _all_held_out()
    raise FeedbackError(
        f"The votes give no rows to train on{f' with {method}' if method else ''}.",
        "There must be answers that people preferred to others, marked acceptable and not, or rated; ties alone teach nothing.",
    )


def _kinds(of: Sequence[ProjectInfo], method: str | None) -> list[Any]:
    """The kinds of row to try, best first."""
    if method is None:
        return ["preference", "unpaired", "rating"]
    usable = [kind for kind in METHODS if kind in _settings_of(method).row_kinds]
    ranked = any(project.mode == "rank" for project in of)
    return sorted(usable, key=lambda kind: kind != "ranking") if method == "reward" and ranked else usable


def _enough(kind: str, rows: Sequence[Row]) -> bool:
    """Whether something can be learned from training rows: any, and of marks both."""
    return len({row["label"] for row in rows}) > 1 if kind == "unpaired" else bool(rows)


def _all_held_out() -> FeedbackError:
    return FeedbackError(
        "Too few of these votes are on prompts that may be trained on: held-out prompts never are.",
        "Compare models on other prompts and judge their answers; for marks there must be acceptable answers and others.",
    )


def _version(ws: Workspace, of: Sequence[ProjectInfo], frozen: Manifest) -> tuple[VersionInfo, bool]:
    """The version that holds exactly these votes, and whether it had to be made."""
    same = {"kind", "rule", "criterion", "edits", "judgements"}
    for dataset in list_datasets(ws):
        for version in reversed(versions(ws, dataset.dataset)):
            known = manifest.read(version.folder)
            if known is not None and known.model_dump(include=same) == frozen.model_dump(include=same):
                return version, False
    name = f"round-{max(project.round for project in of)}-{frozen.kind}"
    ids = [project.id for project in of]
    return training.to_dataset(ws, ids, frozen.kind, name, frozen.rule), True  # type: ignore[arg-type]


def _start(ws: Workspace, found: Report | None) -> tuple[ModelInfo, list[str]]:
    """The model that people preferred among those that can be trained further, else the first of the workspace; and why."""
    startable = {model.name: model for model in list_models(ws) if model.generates and model.task == "causal" and model.available}
    if not startable:
        raise FeedbackError("There is no model to start from.", "Add a model that writes text.")
    order = _preferred(found) if found else []
    for place, name in enumerate(order):
        if name in startable:
            passed = f" ({', '.join(order[:place])} cannot be trained further)" if place else ""
            return startable[name], [f"It starts from {name}, {_liked(found, name)}{passed}."]
    first = next(iter(startable.values()))
    return first, [f"It starts from {first.name}: the models that were judged are not in this workspace."]


def _liked(found: Report | None, name: str) -> str:
    if found is not None and found.standings:
        one = next((each for each in found.standings if each.model == name), None)
        if one is not None:
            return f"which people preferred most of those judged: it wins {one.win_rate:.0%} [{one.win_low:.0%}, {one.win_high:.0%}]"
    return "which was judged best" if found is not None and len(found.models) > 1 else "whose answers were judged"


def _preferred(found: Report) -> list[str]:
    """The models of a report, best first: by comparisons, else by ratings, else by marks."""
    order = [each.model for each in found.standings]
    rated: dict[str, list[float]] = {}
    for rating in found.ratings:
        rated.setdefault(rating.model, []).append(rating.mean)
    order += sorted(rated, key=lambda name: -sum(rated[name]) / len(rated[name]))
    order += [each.model for each in sorted(found.acceptable, key=lambda each: -each.share)]
    return list(dict.fromkeys([*order, *found.models]))


def _settings(ws: Workspace, kind: str, rows: int, start: ModelInfo) -> tuple[dict[str, Any], list[str]]:
    """What differs from the shipped recipe of a method, by dotted path, with the reasons."""
    preset, method = _preset(kind), _settings_of(kind)
    changes: dict[str, Any] = {}
    why: list[str] = []
    if start.context_length:
        changes["data.max_length"] = min(preset.data.max_length, start.context_length)
    if "reward_model" in method.model_fields:
        reward = _reward_model(ws)
        return changes | {"method.reward_model": reward, "method.functions": ""}, [f"Answers are judged by the reward model {reward}."]
    batch = preset.optim.per_device_batch_size if rows >= FEW_ROWS else SMALL_BATCH
    most = MOST_EPOCHS_OF_REWARDS if kind == "reward" else MOST_EPOCHS
    epochs = min(most, max(1, round(STEPS * batch / rows)))
    changes |= {"optim.per_device_batch_size": batch, "optim.epochs": epochs}
    steps = epochs * -(-rows // batch)
    why.append(f"{counted(rows, 'row')} in batches of {batch} are seen {counted(epochs, 'time')}: {counted(steps, 'step')}.")
    rate = preset.optim.learning_rate
    if start.parameters > SMALL_MODEL:
        rate = RATES[preset.adaptation.kind][2] * method.usual_rate
        why.append(f"{start.name} is larger than the models that the shipped recipe is for, so its learning rate is {rate:g}.")
    if rows >= MANY_ROWS:
        rate /= 2
        why.append(f"With so many rows there are enough steps for half the learning rate, {rate:g}.")
    return changes | {"optim.learning_rate": rate}, why


def _reward_model(ws: Workspace) -> str:
    """The newest reward model. Raises `FeedbackError` when there is none."""
    found = next((model for model in list_models(ws) if model.kind == "reward" and model.available), None)
    if found is None:
        raise FeedbackError("There is no reward model that could judge answers.", "Train one on these votes first: the method reward.")
    return found.name
