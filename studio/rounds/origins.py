"""Which votes a dataset, a run and a model learned from: what the other parts of rounds are put together from. No torch.

A version of a dataset comes from votes when it, or a version that it was made from by a step of curation, has a manifest of judgements. A
run comes from them when it trains on such a version, or is rewarded by a reward model that does. To follow another tie between what a
workspace holds, add it to `inputs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from studio import db
from studio.data.store import VersionInfo, get_version, list_datasets, versions
from studio.errors import ModelError, NotFoundError
from studio.feedback import manifest
from studio.feedback.manifest import Manifest
from studio.models.info import ModelInfo
from studio.models.registry import get_model
from studio.runs.store import RunInfo, get_run, list_runs
from studio.workspace import Workspace


@dataclass(frozen=True)
class Origin:
    """The version that votes became, and the manifest of these votes."""

    version: VersionInfo
    votes: Manifest


@dataclass(frozen=True)
class Inputs:
    """What a run learned from: dataset versions by reference, the model that it started from, the reward model if there was one."""

    data: list[str]
    model: str
    reward_model: str


def origin_of(ws: Workspace, version: VersionInfo) -> Origin | None:
    """The votes from which a version was made, by itself or through other versions; None when it was not."""
    met: set[str] = set()
    while version.ref not in met:
        met.add(version.ref)
        found = manifest.read(version.folder)
        if found is not None:
            return Origin(version, found)
        before = version_or_none(ws, str(version.step.get("from") or ""))
        if before is None:
            return None
        version = before
    return None


def version_or_none(ws: Workspace, ref: str) -> VersionInfo | None:
    """The version of that reference; None when it is gone."""
    try:
        return get_version(ws, ref)
    except NotFoundError:
        return None


def from_votes(ws: Workspace) -> list[tuple[VersionInfo, Origin]]:
    """Every version that comes from votes, oldest first."""
    found = []
    for dataset in list_datasets(ws):
        for version in versions(ws, dataset.dataset):
            origin = origin_of(ws, version)
            if origin is not None:
                found.append((version, origin))
    return sorted(found, key=lambda each: each[0].created_at)


def inputs(values: dict[str, Any]) -> Inputs:
    """What a recipe, as it is stored with a run, names."""
    sources = (values.get("data") or {}).get("sources") or []
    method = values.get("method") or {}
    names = [str(source["name"]) for source in sources if source.get("name")]
    return Inputs(names, str(values.get("model") or ""), str(method.get("reward_model") or ""))


def method_of(run: RunInfo) -> str:
    """The kind of a run's method."""
    return str((run.values.get("method") or {}).get("kind", ""))


def rounds_of_runs(ws: Workspace, rounds_of_data: dict[str, int]) -> dict[str, int]:
    """The round that each run belongs to: the newest of those whose votes it, or its reward model, learned from. `rounds_of_data` gives
    the rounds of dataset versions; runs of no round are left out."""
    found: dict[str, int] = {}
    rewards: dict[str, int] = {}
    for run in reversed(list_runs(ws)):
        given = inputs(run.values)
        known = [version.ref for ref in given.data if (version := version_or_none(ws, ref)) is not None]
        numbers = [rounds_of_data[ref] for ref in known if ref in rounds_of_data]
        numbers += [rewards[given.reward_model]] if given.reward_model in rewards else []
        if numbers:
            found[run.name] = max(numbers)
            if run.model and method_of(run) == "reward":
                rewards[run.model] = found[run.name]
    return found


def model_or_none(ws: Workspace, name: str) -> ModelInfo | None:
    """The model, or the checkpoint, of that name; None when there is none, as of an imported vote or after it was deleted."""
    try:
        return get_model(ws, name)
    except (NotFoundError, ModelError):
        return None


def model_named(ws: Workspace, name: str) -> ModelInfo:
    """The model of that name, or the one that the run of that name made. Raises `NotFoundError`, `ModelError` when the run made none."""
    found = model_or_none(ws, name)
    if found is not None:
        return found
    try:
        run = get_run(ws, name)
    except NotFoundError:
        return get_model(ws, name)
    if run.model is None:
        raise ModelError(f"The run {name} has made no model; it is {run.state}.", "Wait until it ends, or choose another one.")
    return get_model(ws, run.model)


def before(ws: Workspace, model: ModelInfo) -> ModelInfo | None:
    """The model that this one was trained from, or stands on where no run made it; None for a base, and when it is not there any more."""
    if model.step is not None:
        return model_or_none(ws, inputs(get_run(ws, model.run or "").values).model)
    with ws.db.read() as session:
        row = session.get_one(db.Model, model.id)
        below = session.get(db.Model, row.info.get("continued_from_id") or row.base_id) if row.base_id else None
    return model_or_none(ws, below.name) if below else None


def line_of(ws: Workspace, model: ModelInfo) -> list[ModelInfo]:
    """A model and those that it was trained from, one after the other, down to the base."""
    line = [model]
    while (previous := before(ws, line[-1])) is not None and previous.name not in {each.name for each in line}:
        line.append(previous)
    return line
