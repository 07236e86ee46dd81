"""The rows that a recipe trains on and those it holds out: the one place where datasets are mixed, drawn and split.

Rows with a prompt that is held out for comparing models (`studio/data/held_out.py`) are never trained on. The plan and the training both
take their rows from here, so that the plan's numbers are those of the run. Nothing here imports torch.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from studio.data import store as data_store
from studio.data.held_out import held_out_hashes, trained_prompts
from studio.data.splits import SplitSettings, split_rows
from studio.data.store import VersionInfo
from studio.errors import FieldProblem, RecipeError
from studio.recipe import Recipe
from studio.runs.check import versions_of
from studio.runs.mix import Share, repeats, shares
from studio.workspace import Workspace

if TYPE_CHECKING:
    from datasets import Dataset

ASKS = {"chat": "messages", "text": "text", "labelled": "text"}
"""The column that holds the prompts of rows; of other kinds it is `prompt`."""


@dataclass(frozen=True)
class TrainingRows:
    """Canonical rows, all of one `kind`; `validation` is `None` when nothing is held out, `labels` are sorted and empty unless labelled.

    `shares` say what each dataset comes to; `tasks` name the dataset of each held-out row and are empty when there is one dataset only.
    `left_out` counts the rows that are not trained on, because their prompts are held out for comparing models.
    """

    kind: str
    train: Dataset
    validation: Dataset | None
    labels: list[str]
    shares: list[Share] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    left_out: int = 0


def training_rows(ws: Workspace, recipe: Recipe, until: datetime | None = None) -> TrainingRows:
    """The rows of the recipe's datasets, mixed by weight and temperature, with those held out apart.

    A dataset's own validation split is held out; where it has none, `data.holdout` of its rows are, rows with the same prompt staying on
    one side. `data.max_rows` draws that many by the seed, of the rows to train on and of those held out. Test splits are never touched.
    Left out are rows whose prompt is held out for comparing models, as of the time `until` (in UTC) or of now. Raises `RecipeError` when a
    dataset does not exist or has nothing to train on, or the datasets hold different kinds of rows.
    """
    from datasets import concatenate_datasets

    versions = versions_of(ws, recipe)
    kind = versions[0].kind
    sources, seed = recipe.data.sources, recipe.seed
    never = held_out_hashes(ws, until)
    parts = [_parts(ws, version, recipe, never) for version in versions]
    capped = [_at_most(train, source.cap, seed) for (train, _, _), source in zip(parts, sources, strict=True)]
    times = repeats([len(train) for train in capped], [source.weight for source in sources], recipe.data.temperature)
    drawn = [_repeat(train, often, seed) for train, often in zip(capped, times, strict=True)]
    names = [version.dataset for version in versions]
    mixed = shares(names, [len(train) for train in capped], [len(train) for train in drawn])
    train = concatenate_datasets(drawn)
    if len(drawn) > 1:
        train = train.shuffle(seed=recipe.seed)
    held = [(name, rows) for name, (_, rows, _) in zip(names, parts, strict=True) if rows is not None and len(rows)]
    validation = concatenate_datasets([rows for _, rows in held]) if held else None
    tasks = [name for name, rows in held for _ in range(len(rows))] if len(set(names)) > 1 else []
    labels = sorted({str(label) for label in train.unique("label")}) if kind == "labelled" else []
    limit = recipe.data.max_rows
    if limit is not None and validation is not None and tasks:
        tasks = [tasks[place] for place in _drawn(len(validation), limit, seed)]
    left_out = sum(without for _, _, without in parts)
    return TrainingRows(kind, _at_most(train, limit, seed), _at_most(validation, limit, seed), labels, mixed, tasks, left_out)


def _parts(ws: Workspace, version: VersionInfo, recipe: Recipe, never: frozenset[str]) -> tuple[Dataset, Dataset | None, int]:
    """Rows to train on and rows to hold out of one dataset, with the columns of their kind, and how many are left out, because their prompt
    is one of those in `never`; provenance columns are left behind."""
    splits = data_store.load(ws, version.ref, only_content=True)
    if "train" not in splits:
        raise RecipeError([FieldProblem("data.sources", f"{version.ref} has no rows to train on, only {', '.join(splits)}")])
    train = _without(splits["train"], version.kind, never)
    left_out = len(splits["train"]) - len(train)
    if left_out and not len(train):
        message = f"every prompt of {version.ref} is held out for comparing models and never trained on; add other rows"
        raise RecipeError([FieldProblem("data.sources", message)])
    if "validation" in splits:
        return train, splits["validation"], left_out
    if recipe.data.holdout == 0 or len(train) < 2:
        return train, None, left_out
    from datasets import Dataset

    settings = SplitSettings(validation=recipe.data.holdout, test=0.0, seed=recipe.seed)
    halves = split_rows(train.to_list(), version.kind, settings)
    held = halves.get("validation") or []
    kept = Dataset.from_list(halves["train"], features=train.features)
    return kept, Dataset.from_list(held, features=train.features) if held else None, left_out


def _without(rows: Dataset, kind: str, never: frozenset[str]) -> Dataset:
    """`rows` without those that would teach to answer one of the prompts in `never`."""
    if not never:
        return rows
    column = ASKS.get(kind, "prompt")
    asked = (value for batch in rows.select_columns([column]).iter(1000) for value in batch[column])
    kept = [place for place, value in enumerate(asked) if never.isdisjoint(trained_prompts({column: value}, kind))]
    return rows if len(kept) == len(rows) else rows.select(kept)


def _repeat(rows: Dataset, times: float, seed: int) -> Dataset:
    """`rows` as often as `times` says; a fraction is drawn by the seed."""
    if times == 1:
        return rows
    indices = list(range(len(rows))) * math.floor(times)
    rest = round((times - math.floor(times)) * len(rows))
    indices += random.Random(seed).sample(range(len(rows)), rest)
    return rows.select(indices)


def _at_most(rows: Any, limit: int | None, seed: int) -> Any:
    """`rows`, or `limit` of them drawn by the seed, in their order."""
    if rows is None or limit is None or len(rows) <= limit:
        return rows
    return rows.select(_drawn(len(rows), limit, seed))


def _drawn(count: int, limit: int, seed: int) -> list[int]:
    """The places of `limit` of `count` rows, drawn by the seed, in order; all of them when there are no more."""
    return sorted(random.Random(seed).sample(range(count), limit)) if count > limit else list(range(count))
